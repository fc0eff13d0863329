//! The protocol trace: the ladder of a call, what is hidden in it, the capture file, and the export to a capture server.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use cme_twin::TwinConfig;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::kit::{Gateway, House, patiently, text};

/// 201 dials 202, 202 answers, 201 hangs up; gives the call of 201.
async fn call(house: &mut House) -> Value {
    let made = house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("201", "connected").await;
    house.act(&made, "drop").await.unwrap();
    house.until_ended(&made).await;
    made
}

async fn ladder(house: &House, query: &str) -> Vec<Value> {
    house.client().list(&format!("/trace{query}")).await.unwrap()
}

fn has(items: &[Value], layer: &str, direction: &str, summary: &str) -> bool {
    items.iter().any(|item| {
        item["layer"] == layer && item["direction"] == direction && text(item, "/summary").starts_with(summary)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_of_a_call_leads_from_the_command_to_its_events() {
    let mut house = House::open().await;
    let made = call(&mut house).await;
    // A call that has nothing to do with it.
    house.twin.call_in("0301234567", "208").await.unwrap();
    let other = house.until_call("208", "offering").await;
    let items = ladder(&house, &format!("?call={}", text(&made, "/id"))).await;
    for (layer, direction, summary) in [
        ("api", "received", "dial"),
        ("csta", "sent", "INFO MakeCall"),
        ("csta", "received", "200 OK (INFO) MakeCallResponse"),
        ("csta", "received", "INFO EstablishedEvent"),
        ("sip", "sent", "200 OK (INFO)"),
        ("api", "sent", "call.created"),
        ("api", "sent", "call.updated connected"),
        ("csta", "sent", "INFO ClearConnection"),
        ("api", "sent", "call.ended ended"),
        ("api", "sent", "command.succeeded"),
    ] {
        assert!(has(&items, layer, direction, summary), "{summary} is missing in {items:#?}");
    }
    let order: Vec<u64> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert!(order.is_sorted());
    assert!(order.iter().all(|seq| *seq < 1 << 53), "JavaScript and jq count it: {order:?}");
    let line = house.line_id("201").await;
    assert!(items.iter().all(|item| item["line_id"] == line.as_str()), "only what its own phone saw");
    let first = items.iter().position(|item| text(item, "/summary") == "INFO MakeCall").unwrap();
    assert!(items[first]["command_id"].is_string(), "the request belongs to the command");
    // Each page goes on where the last one ended.
    let page = house.client().get(&format!("/trace?call={}&limit=3", text(&made, "/id"))).await.unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][2]), (3, &items[2]));
    let cursor = text(&page, "/next_cursor");
    let next =
        house.client().get(&format!("/trace?call={}&limit=3&cursor={cursor}", text(&made, "/id"))).await.unwrap();
    assert_eq!(next["items"][0], items[3]);
    let others = ladder(&house, &format!("?call={}", text(&other, "/id"))).await;
    assert!(has(&others, "csta", "received", "INFO DeliveredEvent"), "{others:#?}");
    let seqs = |items: &[Value]| items.iter().map(|item| item["seq"].as_u64().unwrap()).collect::<BTreeSet<u64>>();
    assert!(seqs(&items).is_disjoint(&seqs(&others)));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_shown_to_administrators_who_ask_and_credentials_to_nobody() {
    // Its router asks for digest credentials.
    let house = House::open().await;
    let all = ladder(&house, "").await;
    assert!(has(&all, "sip", "sent", "REGISTER") && has(&all, "xml", "received", "ISDevice"), "{all:#?}");
    let shown = Value::Array(all).to_string();
    let full = Value::Array(ladder(&house, "?numbers=full").await).to_string();
    assert!(full.contains("Authorization: Digest [redacted]"), "the router asked for a digest");
    assert!(full.contains("201_00AA11BB0001") && full.contains("Anna Berg"));
    let secret = house.twin.system().xml_password.clone();
    for text in [&shown, &full] {
        assert!(!text.contains("response=") && !text.contains("nonce=") && !text.contains(&secret));
    }
    for private in ["201_", "00AA11BB0001", "Anna Berg", "tel:201", "<ISname>"] {
        assert!(!shown.contains(private), "{private}");
    }
    // A reader sees labels, and only of its own lines.
    let line = house.line_id("201").await;
    let wish = json!({"name": "desk", "scopes": ["read"], "lines": [line]});
    let token = house.client().post("/tokens", &wish).await.unwrap();
    let desk = linegate::client::Client::new(house.gateway.url(), text(&token, "/token")).unwrap();
    let own = desk.list("/trace").await.unwrap();
    assert!(!own.is_empty() && own.iter().all(|item| item["line_id"] == line.as_str()), "{own:#?}");
    for refused in ["/trace?numbers=full", "/trace.pcap"] {
        let error = desk.get(refused).await.unwrap_err().to_string();
        assert!(error.contains("403") || error.contains("scope"), "{error}");
    }
    let foreign = house.line_id("202").await;
    assert!(desk.get(&format!("/trace?line={foreign}")).await.is_err());
    house.close().await;
}

/// The segments of a capture file: both ports and the payload.
fn segments(file: &[u8]) -> Vec<(u16, u16, Vec<u8>)> {
    assert_eq!(&file[..4], &0xa1b2_c3d4_u32.to_le_bytes());
    let mut found = Vec::new();
    let mut rest = &file[24..];
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_le_bytes(rest[8..12].try_into().unwrap())).unwrap();
        let packet = &rest[16..16 + length];
        let tcp = &packet[34..];
        let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
        found.push((port(0), port(2), tcp[20..].to_vec()));
        rest = &rest[16 + length..];
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_capture_of_a_call_holds_its_messages_as_wireshark_reads_them() {
    let mut house = House::open().await;
    let made = call(&mut house).await;
    let file = house.client().file(&format!("/trace.pcap?call={}", text(&made, "/id"))).await.unwrap();
    let router = house.twin.sip_addr().port();
    let found = segments(&file);
    let sent: Vec<u8> = found.iter().filter(|(_, to, _)| *to == router).flat_map(|(_, _, data)| data.clone()).collect();
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains("<MakeCall ") && sent.contains("tel:202"), "numbers are in it: {sent}");
    let came =
        found.iter().filter(|(_, to, _)| *to != router).flat_map(|(_, _, data)| data.clone()).collect::<Vec<u8>>();
    assert!(String::from_utf8(came).unwrap().contains("EstablishedEvent"));
    // The real reader, where it is installed.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.pcap");
    std::fs::write(&path, &file).unwrap();
    let mut reader = Command::new("tshark");
    reader.arg("-r").arg(&path).args(["-T", "fields", "-e", "sip.Method"]);
    // The simulated router has no port that Wireshark knows, and its older releases do not take CSTA as XML by themselves.
    reader.args(["-d", &format!("tcp.port=={router},sip"), "-d", "media_type==application/csta+xml,xml"]);
    reader.args(["-e", "xml.tag", "-o", "tcp.check_checksum:TRUE", "-Y", "sip && tcp.checksum.status == 1"]);
    if let Ok(read) = reader.output() {
        let shown = String::from_utf8_lossy(&read.stdout).into_owned();
        assert!(
            shown.contains("INFO") && shown.contains("<MakeCall"),
            "{shown}{}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sip_messages_reach_the_capture_server_and_what_does_not_is_counted() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let environment = [("LINEGATE_HEP_SERVER", address.as_str()), ("LINEGATE_HEP_AUTH_KEY", "key-of-homer")];
    let gateway = Gateway::process_with(tempfile::tempdir().unwrap(), &environment, &[]).await;
    let mut house = House::of(gateway, TwinConfig::default(), json!({})).await;
    let mut came: Vec<Vec<u8>> = Vec::new();
    patiently("an INVITE reaches the capture server", async {
        let mut packet = vec![0; 65_536];
        while !came.iter().any(|packet| memchr::memmem::find(packet, b"INVITE sip:").is_some()) {
            let length = server.recv(&mut packet).await.unwrap();
            came.push(packet[..length].to_vec());
        }
    })
    .await;
    for packet in &came {
        assert!(packet.starts_with(b"HEP3") && memchr::memmem::find(packet, b"key-of-homer").is_some());
        assert_eq!(usize::from(u16::from_be_bytes([packet[4], packet[5]])), packet.len());
        assert!(memchr::memmem::find(packet, b"nonce=").is_none(), "no credentials");
    }
    // Nobody listens any more: the gateway works on, and counts.
    drop(server);
    house.until_settled().await;
    let lost = patiently("losses are counted", async {
        loop {
            house.twin.dial("201", "202").await.unwrap();
            let ringing = house.until_call("202", "offering").await;
            house.twin.hang_up("201").await.unwrap();
            house.until_ended(&ringing).await;
            let metrics = house.gateway.metrics().await;
            let is_counted = |line: &&str| line.starts_with("linegate_hep_dropped_total") && !line.ends_with(" 0");
            if let Some(line) = metrics.lines().find(is_counted) {
                return line.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(lost.contains("network"), "{lost}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_the_ladder_and_writes_the_capture() {
    let mut house = House::open().await;
    let made = call(&mut house).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.pcap");
    let run = async |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(["trace", "--url", house.gateway.url(), "--token", house.gateway.token()]).args(words);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = run(&["--call", text(&made, "/id")]).await;
    let first = shown.lines().next().unwrap();
    assert!(first.contains("client ->") && first.contains("dial"), "{shown}");
    assert!(shown.contains("-> router  INFO MakeCall"), "{shown}");
    let texts = run(&["--line", "201", "--text", "--count", "50"]).await;
    assert!(texts.contains("    Call-ID: [dialog-"), "{texts}");
    run(&["--call", text(&made, "/id"), "--pcap", file.to_str().unwrap()]).await;
    assert!(!segments(&std::fs::read(&file).unwrap()).is_empty());
    house.close().await;
}
