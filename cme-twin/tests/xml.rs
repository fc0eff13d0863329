//! The XML interface over a real socket, next to the SIP side of the same router.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod kit;

use std::time::Duration;

use cme_twin::{HttpFailure, System, Twin, TwinConfig, XmlKnobs};
use kit::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn post(twin: &Twin, account: &str, request: &str) -> String {
    let body = format!(
        "<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><request xsi:type=\"{0}\"><{0}>{1}</{0}></request></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        request.split('|').next().unwrap(),
        request.split('|').nth(1).unwrap_or("")
    );
    let mut stream = TcpStream::connect(twin.xml_addr()).await.unwrap();
    let text = format!(
        "POST /ios_xml_app/cme HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {account}\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut reply)).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

const ACCOUNT: &str = "Y3RpZ3c6bGFiLXBhc3MtMQ==";

#[tokio::test]
async fn the_records_of_the_example_system() {
    let twin = Twin::start(TwinConfig::default()).await.unwrap();
    let reply = post(&twin, ACCOUNT, "ISgetDevice|<ISDevID>1</ISDevID>").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    for part in [
        "<ISDevName>SEP00AA11BB0001</ISDevName>",
        "<ExtMapStatus><LineId>3</LineId><ExtId>8</ExtId><ExtNumber>208</ExtNumber><ExtStatus>true</ExtStatus><LineState>idle</LineState></ExtMapStatus>",
        "<ISDevLineButtonMode>MONITOR_RING</ISDevLineButtonMode>",
        "<ISDevStatus>registered</ISDevStatus><ISDevLastStatus>unregistered</ISDevLastStatus><ISDevChangeTime>412</ISDevChangeTime>",
    ] {
        assert!(reply.contains(part), "{part} is not in {reply}");
    }
    let dead = post(&twin, ACCOUNT, "ISgetDevice|<ISDevID>4</ISDevID>").await;
    assert!(dead.contains("<ISDevStatus>unregistered</ISDevStatus><ISDevLastStatus>deceased</ISDevLastStatus>"));
    let extension = post(&twin, ACCOUNT, "ISgetExtension|<ISExtID>7</ISExtID>").await;
    assert!(
        extension.contains("<ISExtStatus>down</ISExtStatus>")
            && extension.contains("<notify>false</notify><watch>true</watch>")
    );
    let global = post(&twin, ACCOUNT, "ISgetGlobal|").await;
    assert!(
        global.contains("<ISDeviceRegistered>4</ISDeviceRegistered>")
            && global.contains("<ISConfiguredExtension>8</ISConfiguredExtension>")
    );
    assert!(post(&twin, "d3Jvbmc6d3Jvbmc=", "ISgetGlobal|").await.starts_with("HTTP/1.1 401 "));
    assert!(twin.violations().is_empty(), "{:#?}", twin.violations());
}

#[tokio::test]
async fn commands_change_what_csta_allows() {
    let twin = Twin::start(TwinConfig::default()).await.unwrap();
    let to = twin.sip_addr();
    let mut client = Client::connect(to).await;
    assert_eq!(client.try_invite(to, "203", "00AA11BB0005", 1800).await.0.status(), 403);
    let done = post(&twin, ACCOUNT, "ISexecCLI|<CLI>ephone-dn 3</CLI><CLI>cti watch</CLI><CLI>cti notify</CLI>").await;
    assert!(done.contains("<ISexecCLIResponse>0</ISexecCLIResponse>"), "{done}");
    client.monitor(to, "203", "00AA11BB0005").await;
    let failed = post(&twin, ACCOUNT, "ISexecCLI|<CLI>ephone-dn 3</CLI><CLI>nonsense</CLI>").await;
    assert!(failed.contains("<ISexecCLIResponse>2</ISexecCLIResponse>"));
    // A login by command shows in the records and in the calls.
    post(&twin, ACCOUNT, "ISexecCLI|<CLI>emadmin login eli 3</CLI>").await;
    let host = post(&twin, ACCOUNT, "ISgetDevice|<ISDevID>3</ISDevID>").await;
    assert!(host.contains("<ISUserProfileID>1</ISUserProfileID>") && host.contains("<ExtNumber>205</ExtNumber>"));
    // `cti shutdown` ends sessions.
    post(&twin, ACCOUNT, "ISexecCLI|<CLI>voice service voip</CLI><CLI>cti shutdown</CLI>").await;
    let bye = loop {
        let event = client.event().await;
        if event.start().starts_with("BYE ") {
            break event;
        }
    };
    assert!(bye.header("CSeq").unwrap().ends_with("BYE"));
    assert_eq!(client.try_invite(to, "201", "00AA11BB0001", 1800).await.0.status(), 503);
    assert!(post(&twin, ACCOUNT, "ISSaveConfig|").await.contains("success"));
    assert_eq!(twin.xml_counts().2, 1);
}

#[tokio::test]
async fn failures_and_limits_are_switches() {
    let twin = Twin::start(TwinConfig { system: System::large(200), ..TwinConfig::default() }).await.unwrap();
    let all = post(&twin, ACCOUNT, "ISgetDevice|<ISKeyword>all</ISKeyword>").await;
    assert!(all.contains("<ISErrorMsg>response does not fit the buffer</ISErrorMsg>"));
    let tags = post(&twin, ACCOUNT, "ISgetDevice|<ISKeyword>allTag</ISKeyword>").await;
    assert_eq!(tags.matches("<ISDevID>").count(), 200);
    twin.set_xml_knobs(XmlKnobs { failure: HttpFailure::Status503, failure_count: 1, ..XmlKnobs::default() });
    assert!(post(&twin, ACCOUNT, "ISgetGlobal|").await.starts_with("HTTP/1.1 503 "));
    assert!(post(&twin, ACCOUNT, "ISgetGlobal|").await.starts_with("HTTP/1.1 200 "));
}
