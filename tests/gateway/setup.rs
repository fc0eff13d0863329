//! A newcomer is led from an address to a phone that rings.

use std::io::Write as _;
use std::process::{Command, Stdio};

use cme_twin::Twin;

use crate::assistant::bare;
use crate::kit::{GLANCE, Gateway, PATIENCE, Reader, TOKEN, free_port, pbx_on};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_lines_is_said_to_have_none() {
    let mut config = cme_twin::TwinConfig::default();
    config.system.phones.clear();
    config.system.user_profiles.clear();
    let gateway = Gateway::open().await;
    let twin = Twin::start(config).await.unwrap();
    let system = twin.system();
    let ports = [twin.xml_addr().port(), twin.sip_addr().port(), free_port()].map(|port| port.to_string());
    let linegate = async |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(args).env("LINEGATE_URL", gateway.client.address()).env("LINEGATE_TOKEN", TOKEN);
        command.env("LINEGATE_PBX_PASSWORD", &system.xml_password);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Nothing shall be changed, where that is asked.
        child.stdin.take().unwrap().write_all(b"n\n").ok();
        let ends = async {
            while child.try_wait().unwrap().is_none() {
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(PATIENCE, ends).await.is_err() {
            child.kill().unwrap();
            panic!("{args:?} never ends");
        }
        let out = child.wait_with_output().unwrap();
        (out.status.code(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    };
    let add =
        ["pbx", "add", "hq", "127.0.0.1", "--axl-port", &ports[0], "--sip-port", &ports[1], "--local-port", &ports[2]];
    let (code, said) = linegate(&[&add[..], &["--username", &system.xml_user]].concat()).await;
    assert!(code == Some(0) && said.contains("The router gives no lines: none of its phones"), "{said}");
    assert!(said.contains("0/0"), "{said}");
    let (code, said) = linegate(&["pbx", "status", "hq", "--wait"]).await;
    assert!(code == Some(0) && said.contains("The router gives no lines"), "{said}");
    let (code, said) = linegate(&["setup", "--host", "127.0.0.1"]).await;
    assert!(code == Some(1) && said.contains("The router gives no lines"), "{said}");
    assert!(!said.contains("A first ring"), "{said}");
    gateway.stop().await;
}
