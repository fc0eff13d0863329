//! The router is found by DHCP: a server of ours in a network namespace, the gateway in another.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::kit::{GLANCE, PATIENCE, TOKEN, text};

const SERVER: &str = "10.99.0.1";
const CLIENT: &str = "10.99.0.2";

/// Two namespaces with a cable between them; they and what runs in them end with the test.
struct Lab {
    server: String,
    client: String,
    children: Vec<Child>,
}

fn ip(args: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(args).output().map_err(|error| error.to_string())?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()) }
}

impl Lab {
    /// `Err` says why there can be none here.
    fn open() -> Result<Self, String> {
        let number = std::process::id() % 100_000;
        let lab = Self { server: format!("lgs{number}"), client: format!("lgc{number}"), children: Vec::new() };
        ip(&["netns", "add", &lab.server])?;
        ip(&["netns", "add", &lab.client])?;
        let cable =
            ["-n", &lab.server, "link", "add", "lg0", "type", "veth", "peer", "name", "lg0", "netns", &lab.client];
        ip(&cable)?;
        // Where a cable is possible, everything else is too.
        for (name, address) in [(&lab.server, SERVER), (&lab.client, CLIENT)] {
            ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", "lg0"]).unwrap();
            ip(&["-n", name, "link", "set", "lg0", "up"]).unwrap();
            ip(&["-n", name, "link", "set", "lo", "up"]).unwrap();
        }
        Ok(lab)
    }

    fn inside(namespace: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]).stdin(Stdio::null());
        command
    }

    fn linegate(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Self::inside(&self.client, env!("CARGO_BIN_EXE_linegate"));
        command.args(args).env("LINEGATE_TOKEN", TOKEN);
        let done = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (done.status.code(), text(done.stdout), text(done.stderr))
    }

    /// What the client finds, once every server of the lab answers.
    async fn until_verified(&self, args: &[&str]) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let (_, out, err) = self.linegate(args);
            let found: Vec<Value> = serde_json::from_str(&out).unwrap_or_default();
            if found.iter().any(|one| one["verified"] == true) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "in vain: {out} {err}");
            tokio::time::sleep(GLANCE).await;
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in [&self.server, &self.client] {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

/// Answers DHCPINFORM with options 150 (two addresses) and 66, as the pool of a CME does.
#[test]
#[ignore = "it is the DHCP server of the scenario, which starts it in a namespace"]
fn dhcp_server() {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 67)).unwrap();
    // The one who started it waits for this line.
    println!("listening");
    socket.set_read_timeout(Some(PATIENCE * 2)).unwrap();
    let mut buffer = [0_u8; 1500];
    while let Ok((count, _)) = socket.recv_from(&mut buffer) {
        let asked = &buffer[..count];
        let is_inform = count > 240 && asked[240..].windows(3).any(|part| part == [53, 1, 8]);
        if !is_inform {
            continue;
        }
        let mut answer = asked[..240].to_vec();
        answer[0] = 2;
        answer.extend([53, 1, 5, 54, 4, 10, 99, 0, 1, 150, 8, 10, 99, 0, 1, 10, 99, 0, 77, 66, 10]);
        answer.extend(b"10.99.0.88");
        answer.push(255);
        let own = Ipv4Addr::new(asked[12], asked[13], asked[14], asked[15]);
        socket.send_to(&answer, (own, 68)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_150_and_66_lead_to_the_router() {
    let mut lab = match Lab::open() {
        Ok(lab) => lab,
        Err(reason) => {
            eprintln!("skipped: no network namespaces here ({reason})");
            return;
        }
    };
    let (server, client) = (lab.server.clone(), lab.client.clone());
    let program = env!("CARGO_BIN_EXE_linegate");

    let own = std::env::current_exe().unwrap();
    let mut dhcp = Lab::inside(&server, own.to_str().unwrap());
    let dhcp = dhcp.args(["--exact", "locate::dhcp_server", "--ignored", "--nocapture"]).stdout(Stdio::piped());
    let mut dhcp = dhcp.spawn().unwrap();
    let lines = BufReader::new(dhcp.stdout.take().unwrap()).lines();
    lab.children.push(dhcp);
    assert!(lines.map_while(Result::ok).any(|line| line.contains("listening")), "the DHCP server listens");

    let mut twin = Lab::inside(&server, program);
    let at = |port: u16| format!("{SERVER}:{port}");
    twin.args(["twin", "--xml", &at(80), "--sip", &at(5060), "--control", "127.0.0.1:8082"]);
    lab.children.push(twin.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());

    // Without any gateway.
    let found = lab.until_verified(&["locate", "--json"]).await;
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!((text(&found[0], "/address"), text(&found[0], "/source")), (SERVER, "dhcp_option_150"));
    assert_eq!((&found[0]["verified"], &found[1]["verified"]), (&Value::Bool(true), &Value::Bool(false)), "{found:#?}");
    assert_eq!(text(&found[1], "/address"), "10.99.0.77");
    assert_eq!((text(&found[2], "/address"), text(&found[2], "/source")), ("10.99.0.88", "dhcp_option_66"));
    let (code, _, complaint) = lab.linegate(&["locate", "--interface", "no-such-if"]);
    assert!(code == Some(69) && complaint.contains("no-such-if"), "{complaint}");

    // Through the API of a gateway in the same network.
    let data = tempfile::tempdir().unwrap();
    let mut gateway = Lab::inside(&client, program);
    gateway.arg("serve").env("LINEGATE_DATA_DIR", data.path()).env("LINEGATE_ADMIN_TOKEN", TOKEN);
    lab.children.push(gateway.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let found = lab.until_verified(&["locate", "--gateway", "--json"]).await;
    assert_eq!(text(&found[0], "/address"), SERVER);
}
