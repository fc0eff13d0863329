//! The control of the house: everything on the other side of the provider.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;

use serde_json::{Value, json};

/// Where the house listens.
#[derive(Debug)]
pub struct Ports {
    pub control: u16,
    /// The gateway behind a proxy that can misbehave.
    pub gateway: u16,
    /// The gateway itself.
    pub direct: u16,
    pub token: String,
}

static PORTS: OnceLock<Ports> = OnceLock::new();

/// Reads the ports that the house wrote.
pub fn start(file: &str) {
    let text = std::fs::read_to_string(file).expect("the ports of the house");
    let ports: Value = serde_json::from_str(&text).unwrap();
    let port = |name: &str| u16::try_from(ports[name].as_u64().unwrap()).unwrap();
    let token = ports["token"].as_str().unwrap().to_owned();
    PORTS.set(Ports { control: port("control"), gateway: port("gateway"), direct: port("direct"), token }).unwrap();
}

pub fn ports() -> &'static Ports {
    PORTS.get().expect("ports")
}

/// Asks the house for something.
pub fn ask(path: &str, body: &Value) -> Value {
    let (status, answer) = post(path, body);
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}

fn post(path: &str, body: &Value) -> (u16, Value) {
    let mut socket = TcpStream::connect(("127.0.0.1", ports().control)).expect("the house answers");
    let body = body.to_string();
    write!(socket, "POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Somebody at a phone does something.
pub fn phone(number: &str, verb: &str, body: Value) {
    let answer = ask("/twin", &json!({"path": format!("/lines/{number}/{verb}"), "body": body}));
    assert!(answer["status"].as_u64().unwrap() < 400, "{number} {verb}: {answer}");
}

/// The twin does something.
pub fn twin(method: &str, path: &str, body: Value) -> Value {
    ask("/twin", &json!({"method": method, "path": path, "body": body}))
}

/// A request to the gateway.
pub fn gateway(method: &str, path: &str, body: Value) -> Value {
    ask("/api", &json!({"method": method, "path": path, "body": body}))
}

pub fn proxy(mode: &str) {
    ask("/proxy", &json!({"mode": mode}));
}

pub fn reset() {
    ask("/reset", &json!({}));
}
