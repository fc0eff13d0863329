//! The link against a gateway of a few lines: handshake, TLS, frames both ways, loss, refusal.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::result_large_err, missing_docs)]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linegate_tsp_core::model::Frame;
use linegate_tsp_link::{
    Address, Enrolment, Handler, Link, LinkError, LinkSettings, Trust, enrol, fingerprint_of, probe, request,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest as _, Sha256};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(20);
const TOKEN: &str = "a-secret-token";
const CODE: &str = "LGE-A-CODE";

/// What the handler heard.
#[derive(Debug)]
enum Heard {
    Opened,
    Frame(Frame),
    Closed(String),
    Enrolled(String),
    GivenUp,
}

struct Listener {
    heard: Mutex<Sender<Heard>>,
    frames: Mutex<VecDeque<String>>,
    notes: Mutex<Vec<String>>,
    /// The thread that panics whenever it comes here.
    panics: Option<&'static str>,
}

impl Listener {
    fn new() -> (Arc<Self>, Receiver<Heard>) {
        Self::failing(None)
    }

    fn failing(panics: Option<&'static str>) -> (Arc<Self>, Receiver<Heard>) {
        let (sender, receiver) = channel();
        let (frames, notes) = (Mutex::new(VecDeque::new()), Mutex::new(Vec::new()));
        (Arc::new(Self { heard: Mutex::new(sender), frames, notes, panics }), receiver)
    }

    fn tell(&self, heard: Heard) {
        // A test that has seen enough does not listen any more.
        let _ = self.heard.lock().unwrap().send(heard);
    }
}

impl Handler for Listener {
    fn opened(&self) -> String {
        self.tell(Heard::Opened);
        r#"{"type":"subscribe"}"#.to_owned()
    }
    fn frame(&self, frame: Frame) {
        assert_ne!(self.panics, Some("reader"), "asked for by the test");
        self.tell(Heard::Frame(frame));
    }
    fn closed(&self, reason: &str) {
        self.tell(Heard::Closed(reason.to_owned()));
    }
    fn next_frame(&self) -> Option<String> {
        assert_ne!(self.panics, Some("writer"), "asked for by the test");
        self.frames.lock().unwrap().pop_front()
    }
    fn enrolled(&self, token: &str) {
        self.tell(Heard::Enrolled(token.to_owned()));
    }
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
    fn given_up(&self) {
        self.tell(Heard::GivenUp);
    }
}

/// Accepts one socket and checks its token.
fn greet<S: Read + Write>(stream: S) -> Option<WebSocket<S>> {
    let check = |request: &Request, response: Response| {
        assert_eq!(request.uri().path(), "/api/v1/events");
        let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        if given == Some(&format!("Bearer {TOKEN}")) {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = tungstenite::http::StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let mut socket = tungstenite::accept_hdr(stream, check).ok()?;
    socket.send(Message::text(r#"{"type":"welcome","version":"9.9","keep_alive_s":15,"seq":1,"epoch":"e"}"#)).ok()?;
    Some(socket)
}

/// A stream whose first bytes were read already.
struct Again<S>(Vec<u8>, S);

impl<S: Read> Read for Again<S> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return self.1.read(out);
        }
        let count = self.0.len().min(out.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        Ok(count)
    }
}

impl<S: Write> Write for Again<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.1.flush()
    }
}

/// Gives the token for the right code.
fn give_token<S: Read + Write>(mut stream: S, mut seen: Vec<u8>) {
    let mut buffer = [0_u8; 1000];
    while !seen.ends_with(b"}") {
        let count = stream.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8(seen).unwrap();
    assert!(text.starts_with("POST /api/v1/enrol HTTP/1.1\r\n") && !text.to_lowercase().contains("authorization"));
    let body: serde_json::Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let (status, answer) = match body["code"].as_str().unwrap() {
        CODE => ("201 Created", serde_json::json!({"token": TOKEN, "name": body["machine"]})),
        "busy" => ("429 Too Many Requests", serde_json::json!({"code": "too_many_requests", "detail": "Later."})),
        "old" => ("404 Not Found", serde_json::json!({"code": "not_found"})),
        _ => ("403 Forbidden", serde_json::json!({"code": "invalid_code"})),
    };
    let answer = answer.to_string();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len())
        .unwrap();
    stream.flush().unwrap();
}

/// Answers every request with its own path; and codes.
fn serve<S: Read + Write>(mut stream: S) {
    let mut first = vec![0_u8; 4];
    if stream.read_exact(&mut first).is_err() {
        return;
    }
    if first == b"POST" {
        return give_token(stream, first);
    }
    let Some(mut socket) = greet(Again(first, stream)) else { return };
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
        let answer = match asked["type"].as_str() {
            Some("subscribe") => serde_json::json!({"type": "snapshot", "epoch": "e", "as_of_seq": 1,
                "lines": [{"id": "line_1", "tapi_id": 1, "number": "201"}], "calls": []}),
            _ if asked["path"] == "/cut" => return,
            _ => serde_json::json!({"type": "response", "id": asked["id"], "status": 200,
                "headers": {}, "body": {"name": "bridge", "scopes": ["control"], "path": asked["path"]}}),
        };
        if socket.send(Message::text(answer.to_string())).is_err() {
            return;
        }
    }
}

fn plain_gateway() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}

/// A gateway with a certificate of its own; gives port, fingerprint and the certificate as PEM.
fn secure_gateway() -> (u16, [u8; 32], String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let fingerprint: [u8; 32] = Sha256::digest(certificate.as_ref()).into();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream: StreamOwned<ServerConnection, TcpStream> = StreamOwned::new(connection, stream.unwrap());
            std::thread::spawn(move || serve(stream));
        }
    });
    (port, fingerprint, made.cert.pem())
}

fn settings(address: &str, trust: Trust) -> LinkSettings {
    LinkSettings {
        address: Address::parse(address).unwrap(),
        token: TOKEN.to_owned(),
        enrolment: None,
        trust,
        user_agent: "linegate-tapi/test".to_owned(),
    }
}

fn until<T>(heard: &Receiver<Heard>, what: &str, mut look: impl FnMut(Heard) -> Option<T>) -> T {
    loop {
        let next = heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("in vain: {what}"));
        if let Some(found) = look(next) {
            return found;
        }
    }
}

fn until_lines(heard: &Receiver<Heard>) {
    until(heard, "the lines come", |heard| match heard {
        Heard::Frame(Frame::Snapshot(snapshot)) => (snapshot.lines.len() == 1).then_some(()),
        _ => None,
    });
}

#[test]
fn frames_go_both_ways_and_a_cut_link_comes_back() {
    let port = plain_gateway();
    let (listener, heard) = Listener::new();
    let mut link = Link::start(settings(&format!("http://127.0.0.1:{port}"), Trust::Nobody), listener.clone()).unwrap();
    until(&heard, "the greeting", |heard| matches!(heard, Heard::Frame(Frame::Welcome { .. })).then_some(()));
    until_lines(&heard);
    for turn in 0..200 {
        listener.frames.lock().unwrap().push_back(
            serde_json::json!({"type": "request", "id": turn, "method": "GET", "path": format!("/{turn}")}).to_string(),
        );
        link.wake();
    }
    let mut answered = 0;
    until(&heard, "every answer", |heard| {
        if let Heard::Frame(Frame::Response(response)) = heard {
            assert_eq!(response.body["path"], format!("/{answered}"), "in order");
            answered += 1;
        }
        (answered == 200).then_some(())
    });
    listener.frames.lock().unwrap().push_back(r#"{"type":"request","id":1,"method":"GET","path":"/cut"}"#.to_owned());
    link.wake();
    until(&heard, "the loss is noticed", |heard| matches!(heard, Heard::Closed(_)).then_some(()));
    until(&heard, "it opens again", |heard| matches!(heard, Heard::Opened).then_some(()));
    until_lines(&heard);
    assert!(link.stop(Duration::from_secs(2)), "its threads end in time");
    assert!(listener.notes.lock().unwrap().iter().all(|note| !note.contains(TOKEN)), "no token in the notes");
}

#[test]
fn when_one_thread_gives_up_the_other_one_ends_too() {
    let port = plain_gateway();
    for panics in ["reader", "writer"] {
        let (listener, heard) = Listener::failing(Some(panics));
        let settings = settings(&format!("http://127.0.0.1:{port}"), Trust::Nobody);
        let mut link = Link::start(settings, listener).unwrap();
        let mut opened = 0;
        until(&heard, "it gives up", |heard| match heard {
            Heard::Opened => {
                opened += 1;
                None
            }
            Heard::GivenUp => Some(()),
            _ => None,
        });
        assert_eq!(opened, 3, "the {panics} is tried three times");
        // Longer than a thread that goes on waits before its next attempt.
        while let Ok(late) = heard.recv_timeout(Duration::from_millis(1_500)) {
            assert!(!matches!(late, Heard::Opened | Heard::GivenUp), "after it gave up: {late:?}");
        }
        assert!(link.stop(Duration::from_secs(2)));
    }
}

#[test]
fn one_certificate_is_believed_by_its_fingerprint() {
    let (port, fingerprint, _) = secure_gateway();
    let address = format!("https://localhost:{port}");
    assert_eq!(fingerprint_of(&Address::parse(&address).unwrap()).unwrap(), fingerprint);
    let answer = probe(&settings(&address, Trust::Fingerprint(fingerprint))).unwrap();
    assert_eq!((answer.version.as_str(), answer.lines, answer.can_control()), ("9.9", 1, true));
    let mut other = fingerprint;
    other[0] ^= 1;
    let refused = probe(&settings(&address, Trust::Fingerprint(other)));
    assert!(matches!(refused, Err(LinkError::Tls(_))), "{refused:?}");
    assert!(matches!(probe(&settings(&address, Trust::Nobody)), Err(LinkError::Address(_))));
}

#[test]
fn authorities_come_from_a_file_and_the_name_must_fit() {
    let (port, _, pem) = secure_gateway();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let trust = Trust::Authorities(path);
    assert_eq!(probe(&settings(&format!("https://localhost:{port}"), trust.clone())).unwrap().lines, 1);
    let wrong_name = probe(&settings(&format!("https://127.0.0.1:{port}"), trust));
    assert!(matches!(wrong_name, Err(LinkError::Tls(_))), "{wrong_name:?}");
    let missing = probe(&settings("https://localhost:1", Trust::Authorities(PathBuf::from("/nowhere.pem"))));
    assert!(matches!(missing, Err(LinkError::Authorities(_))), "{missing:?}");
}

#[test]
fn the_link_works_over_tls_in_both_directions() {
    let (port, fingerprint, _) = secure_gateway();
    let (listener, heard) = Listener::new();
    let trust = Trust::Fingerprint(fingerprint);
    let mut link = Link::start(settings(&format!("https://localhost:{port}"), trust), listener.clone()).unwrap();
    until_lines(&heard);
    let long = "x".repeat(100_000);
    listener
        .frames
        .lock()
        .unwrap()
        .push_back(serde_json::json!({"type": "request", "id": 1, "method": "GET", "path": long}).to_string());
    link.wake();
    until(&heard, "a long answer", |heard| match heard {
        Heard::Frame(Frame::Response(response)) => (response.body["path"] == long.as_str()).then_some(()),
        _ => None,
    });
    assert!(link.stop(Duration::from_secs(2)));
}

#[test]
fn a_refused_token_is_said_in_a_sentence() {
    let port = plain_gateway();
    let mut wrong = settings(&format!("http://127.0.0.1:{port}"), Trust::Nobody);
    wrong.token = "another".to_owned();
    assert!(matches!(probe(&wrong), Err(LinkError::Token)));
    let (listener, heard) = Listener::new();
    let mut link = Link::start(wrong, listener).unwrap();
    let reason = until(&heard, "the refusal", |heard| match heard {
        Heard::Closed(reason) => Some(reason),
        _ => None,
    });
    assert!(reason.contains("refuses the token"), "{reason}");
    assert!(link.stop(Duration::from_secs(2)), "also while it waits for its next attempt");
}

#[test]
fn single_requests_are_answered_and_nobody_there_is_said() {
    let port = plain_gateway();
    let here = settings(&format!("http://127.0.0.1:{port}"), Trust::Nobody);
    let (status, body) = request(&here, "GET", "/api/v1/x", &serde_json::Value::Null).unwrap();
    assert_eq!((status, body["path"].as_str()), (200, Some("/api/v1/x")));
    let nobody = probe(&settings("http://127.0.0.1:1", Trust::Nobody));
    assert!(matches!(nobody, Err(LinkError::Unreachable { .. })), "{nobody:?}");
}

fn with_code(address: &str, trust: Trust, code: &str) -> LinkSettings {
    let enrolment = Enrolment { code: code.to_owned(), machine: "PC-17".to_owned() };
    LinkSettings { token: String::new(), enrolment: Some(enrolment), ..settings(address, trust) }
}

#[test]
fn a_code_is_exchanged_for_a_token_before_the_first_link() {
    let (port, fingerprint, _) = secure_gateway();
    for (address, trust) in [
        (format!("http://127.0.0.1:{}", plain_gateway()), Trust::Nobody),
        (format!("https://localhost:{port}"), Trust::Fingerprint(fingerprint)),
    ] {
        let (listener, heard) = Listener::new();
        let mut link = Link::start(with_code(&address, trust, CODE), listener.clone()).unwrap();
        let token = until(&heard, "the token is told before anything else", |heard| match heard {
            Heard::Enrolled(token) => Some(token),
            other => panic!("{other:?}"),
        });
        assert_eq!(token, TOKEN);
        until_lines(&heard);
        // The token is kept: the code is not asked for again.
        link.cut();
        until(&heard, "it opens again", |heard| match heard {
            Heard::Opened => Some(()),
            Heard::Enrolled(_) => panic!("the code was used twice"),
            _ => None,
        });
        assert!(link.stop(Duration::from_secs(2)));
        let notes = listener.notes.lock().unwrap();
        assert!(notes.iter().any(|note| note.contains("PC-17")) && !format!("{notes:?}").contains(CODE));
    }
}

#[test]
fn codes_that_give_nothing_are_told_from_gateways_that_cannot_be_asked() {
    let (port, fingerprint, _) = secure_gateway();
    let address = format!("https://localhost:{port}");
    let ask = |address: &str, trust: Trust, code: &str| {
        let settings = with_code(address, trust, code);
        enrol(&settings, settings.enrolment.as_ref().unwrap())
    };
    let here = |code: &str| ask(&address, Trust::Fingerprint(fingerprint), code);
    assert_eq!(here(CODE).unwrap(), TOKEN);
    assert!(matches!(here("LGE-WRONG"), Err(LinkError::Code)));
    let busy = here("busy");
    assert!(matches!(&busy, Err(LinkError::Refused { status: 429, detail }) if detail == "Later."), "{busy:?}");
    let old = here("old");
    assert!(matches!(&old, Err(LinkError::Refused { status: 404, .. })), "{old:?}");
    // The code goes to nobody whose certificate is not believed.
    let mut other = fingerprint;
    other[0] ^= 1;
    let refused = ask(&address, Trust::Fingerprint(other), CODE);
    assert!(matches!(refused, Err(LinkError::Tls(_))), "{refused:?}");
    assert!(matches!(ask("http://127.0.0.1:1", Trust::Nobody, CODE), Err(LinkError::Unreachable { .. })));
    let settings = with_code(&address, Trust::Fingerprint(fingerprint), CODE);
    assert!(!format!("{settings:?}").contains(CODE) && matches!(probe(&settings), Err(LinkError::NoToken)));
    let (listener, heard) = Listener::new();
    let mut link = Link::start(with_code(&address, Trust::Fingerprint(fingerprint), "LGE-WRONG"), listener).unwrap();
    let reason = until(&heard, "the refusal", |heard| match heard {
        Heard::Closed(reason) => Some(reason),
        other => panic!("{other:?}"),
    });
    assert!(reason.contains("enrolment code"), "{reason}");
    assert!(link.stop(Duration::from_secs(2)));
}
