//! A newcomer is led from an address to a phone that rings.

use std::io::Write as _;
use std::process::{Command, Stdio};

use cme_twin::Twin;

use crate::assistant::bare;
use crate::kit::{Gateway, Reader, TOKEN, free_port, pbx_on};

#[tokio::test(flavor = "multi_thread")]
async fn from_a_router_without_cti_to_a_first_ring() {
    let gateway = Gateway::open().await;
    let mut stream = Reader::open(&gateway.client).await;
    let twin = Twin::start(bare()).await.unwrap();
    let system = twin.system();
    let ports = [twin.xml_addr().port(), twin.sip_addr().port(), free_port()].map(|port| port.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command
        .args([
            "setup",
            "--host",
            "127.0.0.1",
            "--axl-port",
            &ports[0],
            "--sip-port",
            &ports[1],
            "--local-port",
            &ports[2],
        ])
        .env("LINEGATE_URL", gateway.client.address())
        .env("LINEGATE_TOKEN", TOKEN)
        .env("LINEGATE_PBX_PASSWORD", &system.xml_password)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The name by default, the user, yes to the plan, 201 calls 202, and it hangs up.
    let answers = format!("\n{}\ny\n201\n202\ny\n", system.xml_user);
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let done = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    for part in ["verified: yes", "saved: success", "202 should ring now", "The gateway works."] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(&system.xml_password), "a password is printed");
    stream.find("202 rang", |event| event["event"] == "call.created" && event["data"]["direction"] == "inbound").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_for_the_console_makes_every_line_monitored() {
    let mut config = bare();
    // Not even the XML interface has a user yet.
    config.system.xml_user.clear();
    config.system.xml_password.clear();
    let twin = Twin::start(config).await.unwrap();
    let printed = Command::new(env!("CARGO_BIN_EXE_linegate"))
        .args([
            "cme-config",
            "--username",
            "ctigw",
            "--password",
            "example-pass-1",
            "--dn",
            "1,2,3,4,5,7,8",
            "--authenticate",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.status.success() && text.ends_with("write memory\n"), "{text}");
    twin.paste(&text).unwrap_or_else(|(line, words)| panic!("{line}: {words}"));
    // Nothing else is needed.
    let gateway = Gateway::open().await;
    let mut stream = Reader::open(&gateway.client).await;
    gateway.create(&pbx_on(&twin, "hq")).await;
    loop {
        let lines = gateway.client.list("/lines").await.unwrap();
        let is_monitored = |address: &serde_json::Value| address["monitor"]["state"] == "active";
        let mut addresses = lines.iter().flat_map(|line| line["addresses"].as_array().unwrap());
        if lines.len() == 5 && addresses.all(is_monitored) {
            break;
        }
        stream.any("every address is monitored").await;
    }
    gateway.stop().await;
    assert!(twin.violations().is_empty(), "{:#?}", twin.violations());
}
