//! The composed conversation of the CSTA dossier (14) from REGISTER to REGISTER, by a client that shares no code with the twin, and what surrounds it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod kit;

use std::time::Duration;

use cme_twin::{Faults, LegState, System, TrunkAction, Twin, TwinConfig};
use kit::{Client, connection};
use md5::{Digest, Md5};

const MAC1: &str = "00AA11BB0001";
const MAC2: &str = "00AA11BB0002";

async fn twin(change: impl FnOnce(&mut TwinConfig)) -> Twin {
    let mut config = TwinConfig::default();
    config.behaviour.limits.event_answer = 2000;
    change(&mut config);
    Twin::start(config).await.unwrap()
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn quoted<'a>(header: &'a str, name: &str) -> &'a str {
    header.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap()
}

fn no_violations(twin: &Twin) {
    let found = twin.violations();
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn the_composed_session_walks_from_register_to_register_0() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;

    let challenge = client.register(to, 1, 600, None).await;
    assert_eq!(challenge.status(), 401);
    let challenge = challenge.header("WWW-Authenticate").unwrap().to_owned();
    let (realm, nonce) = (quoted(&challenge, "realm"), quoted(&challenge, "nonce"));
    let two = md5(&format!("REGISTER:sip:{to}"));
    let response = md5(&format!("{}:{nonce}:00000001:c0ffee:auth:{two}", md5(&format!("ctigw:{realm}:lab-pass-1"))));
    let authorization = format!(
        "Digest username=\"ctigw\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"sip:{to}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c0ffee\", response=\"{response}\""
    );
    let registered = client.register(to, 2, 600, Some(&authorization)).await;
    assert_eq!((registered.status(), registered.header("Expires")), (200, Some("600")));
    let reference = registered.header("Cisco-referenceID").unwrap();
    assert!(reference.len() == 8 && reference.bytes().all(|b| b.is_ascii_hexdigit()));

    let mut line = client.invite(to, "201", MAC1).await;
    let features = client.service(&mut line, to, "GetCSTAFeatures", "").await;
    assert!(features.body.contains("<makeCall>") && features.body.contains("<alerting>false</alerting>"));
    let device = line.device.clone();
    let object = format!(
        "<monitorObject><deviceObject>{device}</deviceObject></monitorObject><monitorType>device</monitorType>"
    );
    let started = client.service(&mut line, to, "MonitorStart", &object).await;
    assert_eq!(started.value("monitorCrossRefID"), Some("00000065"));
    twin.until_monitors(1).await;
    let idle =
        client.service(&mut line, to, "SnapshotDevice", &format!("<snapshotObject>{device}</snapshotObject>")).await;
    assert!(idle.body.contains("<snapshotData/>"));

    // The user dials.
    let made = client
        .service(
            &mut line,
            to,
            "MakeCall",
            &format!("<callingDevice>{device}</callingDevice><calledDirectoryNumber>tel:202</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>"),
        )
        .await;
    let first = made.value("callID").unwrap().to_owned();
    assert_eq!(made.value("deviceID"), Some(device.as_str()));
    let originated = client.expect("OriginatedEvent", "connected").await;
    assert!(originated.body.contains("<calledDevice><notKnown/></calledDevice>"));
    assert_eq!(originated.header("CSeq"), Some("101 INFO"));
    assert_eq!(originated.header("User-Agent"), Some("Cisco-SIPGateway/IOS-12.x"));
    assert_eq!(originated.start(), format!("INFO sip:201_{MAC1}@{};transport=tcp SIP/2.0", client.contact));
    let delivered = client.expect("DeliveredEvent", "connected").await;
    assert!(delivered.body.contains("<alertingDevice><deviceIdentifier>tel:202</deviceIdentifier></alertingDevice>"));
    twin.answer("202").await.unwrap();
    client.expect("EstablishedEvent", "connected").await;

    // Consult 208, and transfer.
    let existing = connection("existingCall", &first, &device);
    let consulted = client
        .service(&mut line, to, "ConsultationCall", &format!("{existing}<consultedDevice>tel:208</consultedDevice>"))
        .await;
    let second = consulted.value("callID").unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(client.expect("HeldEvent", "hold").await.value("cause"), Some("consultation"));
    assert_eq!(client.expect("OriginatedEvent", "connected").await.value("callID"), Some(second.as_str()));
    client.expect("DeliveredEvent", "connected").await;
    twin.answer("208").await.unwrap();
    client.expect("EstablishedEvent", "connected").await;
    let pair = connection("heldCall", &first, &device) + &connection("activeCall", &second, &device);
    let transferred = client.service(&mut line, to, "TransferCall", &pair).await;
    assert_eq!(transferred.root(), "TransferCallResponse");
    let event = client.expect("TransferedEvent", "null").await;
    assert!(event.body.contains(&connection("primaryOldCall", &first, &device)));
    assert!(event.body.contains(&connection("secondaryOldCall", &second, &device)));
    let truth = twin.truth();
    assert_eq!(truth.calls.len(), 1);
    assert_eq!(truth.calls[0].gcid, first);
    assert!(truth.calls[0].legs.iter().all(|leg| leg.state == LegState::Connected && leg.number != "201"));

    // Goodbye.
    let stop = client.service(&mut line, to, "MonitorStop", "<monitorCrossRefID>00000065</monitorCrossRefID>").await;
    assert_eq!(stop.root(), "MonitorStopResponse");
    client.in_dialog(&line, to, "BYE", line.cseq + 1, "").await;
    assert_eq!(client.final_answer().await.status(), 200);
    twin.until_sessions(0).await;
    let gone = client
        .register(
            to,
            3,
            0,
            Some(&authorization.replace("nc=00000001", "nc=00000002").replace(
                &response,
                &md5(&format!("{}:{nonce}:00000002:c0ffee:auth:{two}", md5(&format!("ctigw:{realm}:lab-pass-1")))),
            )),
        )
        .await;
    assert_eq!(gone.status(), 200);
    no_violations(&twin);
    twin.stop().await;
}

#[tokio::test]
async fn a_busy_call_fails_as_in_the_trace_and_clears_by_itself() {
    let twin = twin(|config| {
        config.behaviour.limits.busy = 50;
        config.system.dns.get_mut(&8).unwrap().channels = 1;
    })
    .await;
    let to = twin.sip_addr();
    twin.call_in("0301234", "208").await.unwrap();
    let mut client = Client::connect(to).await;
    client.monitor(to, "201", MAC1).await;
    let call = twin.dial("201", "208").await.unwrap();
    client.expect("OriginatedEvent", "connected").await;
    let failed = client.event().await;
    assert_eq!(failed.header("CSeq"), Some("102 INFO"));
    let expected = format!(
        "<monitorCrossRefID>00000065</monitorCrossRefID><failedConnection><callID>{}</callID><deviceID>tel:208</deviceID></failedConnection><failingDevice><deviceIdentifier>tel:208</deviceIdentifier></failingDevice><callingDevice><deviceIdentifier>tel:201;device={MAC1}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>tel:208</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>fail</localConnectionInfo><cause>busy</cause></FailedEvent>",
        call.gcid
    );
    assert!(failed.body.ends_with(&expected), "{}", failed.body);
    client.expect("ConnectionClearedEvent", "null").await;
    no_violations(&twin);
}

#[tokio::test]
async fn invites_are_refused_with_the_codes_of_the_reason() {
    let twin = twin(|config| config.behaviour.min_se = 1000).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    for (number, mac, status) in
        [("999", "", 404), ("203", "00AA11BB0005", 403), ("207", "00AA11BB0004", 480), ("201", MAC2, 404)]
    {
        let (answer, dialog) = client.try_invite(to, number, mac, 1800).await;
        assert_eq!(answer.status(), status, "{number}");
        let _ = dialog;
    }
    let (short, _) = client.try_invite(to, "201", MAC1, 90).await;
    assert_eq!((short.status(), short.header("Min-SE")), (422, Some("1000")));
    // A mobile user's number: no MAC, nobody logged in, but held up by `cti notify`; a shared number at two phones.
    client.invite(to, "205", "").await;
    client.invite(to, "204", MAC1).await;
    client.invite(to, "204", MAC2).await;
    twin.until_sessions(3).await;
    no_violations(&twin);
}

#[tokio::test]
async fn events_come_over_a_new_connection_when_the_old_one_is_gone() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    client.monitor(to, "202", MAC2).await;
    twin.kill_connections().await;
    assert!(client.read().await.is_none());
    twin.call_in("0301234", "202").await.unwrap();
    client.accept().await;
    let event = client.expect("DeliveredEvent", "alerting").await;
    assert!(event.body.contains("<callingDevice><deviceIdentifier>tel:0301234</deviceIdentifier></callingDevice>"));
    assert_eq!(twin.requests().opened, 1);
    no_violations(&twin);
}

#[tokio::test]
async fn a_shared_number_rings_everywhere_and_is_answered_elsewhere() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let (mut one, mut two) = (Client::connect(to).await, Client::connect(to).await);
    one.monitor(to, "204", MAC1).await;
    two.monitor(to, "204", MAC2).await;
    twin.call_in("0301234", "204").await.unwrap();
    one.expect("DeliveredEvent", "alerting").await;
    two.expect("DeliveredEvent", "alerting").await;
    twin.answer("204@2").await.unwrap();
    let elsewhere = one.expect("EstablishedEvent", "null").await;
    assert!(elsewhere.body.contains(&format!("tel:204;device={MAC2}")));
    two.expect("EstablishedEvent", "connected").await;
    twin.hold("204@2").await.unwrap();
    one.expect("HeldEvent", "null").await;
    two.expect("HeldEvent", "hold").await;
    twin.retrieve("204@1").await.unwrap();
    one.expect("RetrievedEvent", "connected").await;
    two.expect("RetrievedEvent", "null").await;
    no_violations(&twin);
}

#[tokio::test]
async fn a_reload_forgets_everything_and_comes_back() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.monitor(to, "201", MAC1).await;
    twin.dial("201", "202").await.unwrap();
    twin.reload(Duration::from_millis(20)).await;
    // The reset may come before or after what was under way.
    while client.read().await.is_some() {}
    client.reconnect(to).await;
    let object = line.device.clone();
    let answer =
        client.service(&mut line, to, "SnapshotDevice", &format!("<snapshotObject>{object}</snapshotObject>")).await;
    assert_eq!(answer.status(), 481);
    let truth = twin.until(|truth| truth.phones.iter().filter(|phone| phone.registered).count() == 4).await;
    assert!(truth.calls.is_empty() && truth.sessions.is_empty() && truth.uptime < 60);
}

#[tokio::test]
async fn what_the_client_does_wrong_is_noted() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.invite(to, "201", MAC1).await;
    let device = line.device.clone();
    client
        .service(
            &mut line,
            to,
            "MakeCall",
            &format!("<calledDirectoryNumber>tel:202</calledDirectoryNumber><callingDevice>{device}</callingDevice>"),
        )
        .await;
    line.cseq -= 1;
    let late = client.service(&mut line, to, "GetCSTAFeatures", "").await;
    assert_eq!(late.status(), 500);
    client
        .write(&format!(
            "INFO sip:201@{to} SIP/2.0\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>;tag=1\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
    assert_eq!(client.final_answer().await.status(), 400);
    let rules: Vec<String> = twin.violations().into_iter().map(|one| one.rule).collect();
    for rule in ["csta.order", "sip.cseq", "sip.header", "sip.branch", "sip.from_tag", "sip.max_forwards"] {
        assert!(rules.iter().any(|known| known == rule), "{rule} is not in {rules:?}");
    }
}

#[tokio::test]
async fn faults_change_what_the_client_gets() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.monitor(to, "201", MAC1).await;
    let device = line.device.clone();
    let faults = |text: &str| serde_json::from_str::<Faults>(text).unwrap();

    twin.set_faults(faults(
        r#"{"errors": {"GetForwarding": "security/timeStampViolated"}, "split_bytes": true, "prefix": "csta"}"#,
    ));
    let refused = client.service(&mut line, to, "GetForwarding", &format!("<device>{device}</device>")).await;
    assert_eq!(refused.root(), "csta:CSTAErrorCode");
    assert_eq!(refused.value("csta:security"), Some("timeStampViolated"));

    twin.set_faults(faults(r#"{"separate_response": true}"#));
    let empty = client.service(&mut line, to, "GetDoNotDisturb", &format!("<device>{device}</device>")).await;
    assert_eq!((empty.status(), empty.body.as_str()), (200, ""));
    assert_eq!(client.event().await.root(), "GetDoNotDisturbResponse");

    twin.set_faults(faults(r#"{"answers": {"INFO": {"status": 503, "times": 1, "retry_after": 2}}}"#));
    let busy = client.service(&mut line, to, "GetDoNotDisturb", &format!("<device>{device}</device>")).await;
    assert_eq!((busy.status(), busy.header("Retry-After")), (503, Some("2")));
    assert_eq!(
        client.service(&mut line, to, "GetDoNotDisturb", &format!("<device>{device}</device>")).await.status(),
        200
    );

    twin.set_faults(faults(r#"{"event_order": "before", "duplicate_events": true, "lose_every": 2}"#));
    let call = format!(
        "<callingDevice>{device}</callingDevice><calledDirectoryNumber>tel:0301234</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>"
    );
    let made = client.service(&mut line, to, "MakeCall", &call).await;
    assert_eq!(made.root(), "MakeCallResponse");
    assert!(!client.events.is_empty(), "the events come before the answer");
}

#[tokio::test]
async fn trunk_calls_reach_the_network_and_are_answered_there() {
    let twin = twin(|config| config.behaviour.limits.trunk_answer = 0).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    client.monitor(to, "201", MAC1).await;
    let call = twin.dial("201", "0301234").await.unwrap();
    client.expect("OriginatedEvent", "connected").await;
    client.expect("NetworkReachedEvent", "connected").await;
    twin.trunk(&call.gcid, TrunkAction::Answer).await.unwrap();
    client.expect("EstablishedEvent", "connected").await;
    twin.trunk(&call.gcid, TrunkAction::HangUp).await.unwrap();
    client.expect("ConnectionClearedEvent", "connected").await;
    client.expect("ConnectionClearedEvent", "null").await;
    no_violations(&twin);
}

#[tokio::test]
async fn a_phone_that_goes_takes_its_line_along() {
    let twin = twin(|config| {
        config.system.phones.get_mut(&4).unwrap().registered = true;
    })
    .await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    client.monitor(to, "208", "00AA11BB0005").await;
    twin.unregister_phone("5").await.unwrap();
    assert_eq!(client.event().await.root(), "OutOfServiceEvent");
    twin.register_phone("00aa.11bb.0005").await.unwrap();
    assert_eq!(client.event().await.root(), "BackInServiceEvent");
    // Without `cti notify` the session ends with the phone.
    client.monitor(to, "207", "00AA11BB0004").await;
    twin.phone_died("4").await.unwrap();
    assert_eq!(client.event().await.root(), "OutOfServiceEvent");
    assert!(client.event().await.start().starts_with("BYE "));
    assert_eq!(twin.truth().sessions.len(), 1);
    no_violations(&twin);
}

#[tokio::test]
async fn a_large_system_takes_a_session_per_line() {
    let twin = twin(|config| {
        config.system = System::large(50);
        config.behaviour.invite_limits.per_second = 0;
    })
    .await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    for phone in twin.truth().phones {
        client.monitor(to, &phone.numbers[0], &phone.mac).await;
    }
    twin.until_monitors(50).await;
    no_violations(&twin);
}

fn answer_of(challenge: &str, to: std::net::SocketAddr, count: u32) -> String {
    let (realm, nonce) = (quoted(challenge, "realm"), quoted(challenge, "nonce"));
    let one = md5(&format!("ctigw:{realm}:lab-pass-1"));
    let response = md5(&format!("{one}:{nonce}:{count:08x}:c0:auth:{}", md5(&format!("REGISTER:sip:{to}"))));
    format!(
        "Digest username=\"ctigw\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"sip:{to}\", algorithm=MD5, qop=auth, nc={count:08x}, cnonce=\"c0\", response=\"{response}\""
    )
}

#[tokio::test]
async fn the_registrar_limits_takes_over_and_falls_silent() {
    let twin = twin(|config| config.behaviour.nonce_life = 0).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let challenge = client.register(to, 1, 600, None).await.header("WWW-Authenticate").unwrap().to_owned();
    let stale = client.register(to, 2, 600, Some(&answer_of(&challenge, to, 1))).await;
    assert!(stale.header("WWW-Authenticate").unwrap().contains("stale=true"));
    let mut behaviour = twin.behaviour();
    behaviour.nonce_life = 300;
    twin.set_behaviour(behaviour);
    let challenge = stale.header("WWW-Authenticate").unwrap().to_owned();
    let brief = client.register(to, 3, 30, Some(&answer_of(&challenge, to, 1))).await;
    assert_eq!((brief.status(), brief.header("Min-Expires")), (423, Some("60")));
    let long = client.register(to, 4, 3600, Some(&answer_of(&challenge, to, 2))).await;
    assert_eq!((long.status(), long.header("Expires")), (200, Some("600")));
    let reference = long.header("Cisco-referenceID").unwrap().to_owned();
    // The refresh keeps the reference, another Contact takes over with a new one.
    let again = client.register(to, 5, 600, Some(&answer_of(&challenge, to, 3))).await;
    assert_eq!(again.header("Cisco-referenceID"), Some(reference.as_str()));
    let mut other = Client::connect(to).await;
    let taken = other.register(to, 1, 600, Some(&answer_of(&challenge, to, 4))).await;
    assert_ne!(taken.header("Cisco-referenceID"), Some(reference.as_str()));
    assert_eq!(other.register(to, 2, 0, Some(&answer_of(&challenge, to, 5))).await.status(), 200);
    assert!(twin.truth().registrations.is_empty());
    no_violations(&twin);
    // `cti-aware`: no answer at all while CTI is down.
    twin.cti_shutdown(true);
    let silent = tokio::time::timeout(
        Duration::from_millis(100),
        other.register(to, 3, 600, Some(&answer_of(&challenge, to, 6))),
    )
    .await;
    assert!(silent.is_err());
    assert_eq!(twin.requests().methods["REGISTER"], 8);
}

#[tokio::test]
async fn half_open_connections_are_silent_and_new_ones_work() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.monitor(to, "201", MAC1).await;
    twin.half_open();
    twin.call_in("0301234", "201").await.unwrap();
    let silent =
        tokio::time::timeout(Duration::from_millis(100), client.service(&mut line, to, "GetCSTAFeatures", "")).await;
    assert!(silent.is_err());
    client.reconnect(to).await;
    assert_eq!(client.service(&mut line, to, "GetCSTAFeatures", "").await.status(), 200);
    twin.hang_up("201").await.unwrap();
    client.expect("ConnectionClearedEvent", "null").await;
}

#[tokio::test]
async fn the_router_can_ask_too() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    client.monitor(to, "201", MAC1).await;
    assert_eq!(twin.inject("201", "INFO", "application/dtmf-relay", "Signal=1"), 1);
    assert_eq!(client.event().await.header("Content-Type"), Some("application/dtmf-relay"));
    twin.until_requests(|requests| requests.injected == [200]).await;
    no_violations(&twin);
    // MonitorStop needs its response in the answer.
    assert_eq!(twin.stop_monitors("201"), 1);
    assert_eq!(client.event().await.root(), "MonitorStop");
    twin.until_requests(|requests| requests.services.contains_key("MonitorStart")).await;
    let truth = twin.until(|truth| truth.monitors() == 0).await;
    assert_eq!(truth.sessions.len(), 1);
    assert_eq!(twin.clear_session("201"), 1);
    assert!(client.event().await.start().starts_with("BYE "));
}

#[tokio::test]
async fn stopping_frees_the_ports() {
    let first = twin(|_| {}).await;
    let (sip, xml) = (first.sip_addr(), first.xml_addr());
    let _client = Client::connect(sip).await;
    first.stop().await;
    let second = twin(|config| (config.sip, config.xml) = (sip, xml)).await;
    assert_eq!(second.sip_addr(), sip);
}

#[tokio::test]
async fn a_connection_that_drops_loses_a_message_but_not_the_session() {
    let twin = twin(|_| {}).await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.monitor(to, "201", MAC1).await;
    twin.set_faults(Faults { drop_after: 4, ..Faults::default() });
    line.cseq += 1;
    client.in_dialog(&line, to, "INFO", line.cseq, "").await;
    assert!(client.read().await.is_none(), "the fourth message resets the connection");
    twin.set_faults(Faults { coalesce: 20, ..Faults::default() });
    client.reconnect(to).await;
    assert_eq!(client.service(&mut line, to, "GetCSTAFeatures", "").await.status(), 200);
    twin.dial("201", "202").await.unwrap();
    client.expect("OriginatedEvent", "connected").await;
    client.expect("DeliveredEvent", "connected").await;
}

#[tokio::test]
async fn an_octo_line_is_shared_call_by_call() {
    let twin = twin(|config| config.system.dns.get_mut(&4).unwrap().channels = 8).await;
    twin.call_in("0301", "204").await.unwrap();
    twin.answer("204@1").await.unwrap();
    twin.call_in("0302", "204").await.unwrap();
    // The other phone still has channels, and rings too.
    twin.answer("204@2").await.unwrap();
    let truth = twin.truth();
    let at = |mac: &str| {
        truth
            .calls
            .iter()
            .filter(|call| call.legs.iter().any(|leg| leg.mac == mac && leg.state == LegState::Connected))
            .count()
    };
    assert_eq!((at(MAC1), at(MAC2)), (1, 1));
}

#[tokio::test]
async fn cme_8_0_leaves_out_what_the_product_says() {
    let twin = twin(|config| {
        config.behaviour = cme_twin::Behaviour::preset(cme_twin::Preset::V80);
        config.behaviour.limits.event_answer = 0;
    })
    .await;
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    let mut line = client.monitor(to, "201", MAC1).await;
    let call = twin.call_in("0301234", "201").await.unwrap();
    let ringing = client.expect("DeliveredEvent", "alerting").await;
    assert!(ringing.body.contains("<calledDevice><notKnown/></calledDevice>"));
    let reject = connection("connectionToBeCleared", &call.gcid, &line.device);
    let refused = client.service(&mut line, to, "ClearConnection", &reject).await;
    assert_eq!(refused.value("stateIncompatibility"), Some("invalidConnectionState"));
}
