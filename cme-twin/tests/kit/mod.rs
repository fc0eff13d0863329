//! A plain-text SIP client, as simple as can be: it knows nothing of the twin's own code.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const NS: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Message {
    pub head: String,
    pub body: String,
}

impl Message {
    pub fn start(&self) -> &str {
        self.head.split("\r\n").next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .split("\r\n")
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)))
            .map(|(_, v)| v.trim())
    }

    pub fn status(&self) -> u16 {
        self.start().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The text of the first element of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let from = self.body.find(&format!("<{name}>"))? + name.len() + 2;
        let to = self.body[from..].find('<')? + from;
        Some(&self.body[from..to])
    }

    /// Name of the root element.
    pub fn root(&self) -> &str {
        let at = self.body.find("?>").map_or(0, |at| at + 2);
        let rest = self.body[at..].trim_start().trim_start_matches('<');
        rest.split([' ', '>', '/']).next().unwrap()
    }
}

pub struct Client {
    pub stream: TcpStream,
    pub listener: TcpListener,
    pub contact: SocketAddr,
    bytes: Vec<u8>,
    /// Requests that came while something else was awaited.
    pub events: VecDeque<Message>,
    branch: u32,
}

pub struct Dialog {
    pub number: String,
    pub user: String,
    pub call_id: String,
    pub from_tag: String,
    pub to_tag: String,
    pub cseq: u32,
    pub device: String,
}

impl Client {
    pub async fn connect(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let contact = listener.local_addr().unwrap();
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, listener, contact, bytes: Vec::new(), events: VecDeque::new(), branch: 0 }
    }

    pub async fn reconnect(&mut self, to: SocketAddr) {
        self.stream = TcpStream::connect(to).await.unwrap();
        self.bytes.clear();
    }

    /// Takes the connection that the router opens to our Contact.
    pub async fn accept(&mut self) {
        self.stream = tokio::time::timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap().0;
        self.bytes.clear();
    }

    pub async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn read(&mut self) -> Option<Message> {
        loop {
            if let Some(at) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8(self.bytes[..at].to_vec()).unwrap();
                let message = Message { head, body: String::new() };
                let length: usize = message.header("Content-Length").unwrap().parse().unwrap();
                if self.bytes.len() >= at + 4 + length {
                    let whole: Vec<u8> = self.bytes.drain(..at + 4 + length).collect();
                    return Some(Message { body: String::from_utf8(whole[at + 4..].to_vec()).unwrap(), ..message });
                }
            }
            let mut buffer = [0u8; 4096];
            let count =
                tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("nothing came").unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.bytes.extend_from_slice(&buffer[..count]);
        }
    }

    pub async fn answer(&mut self, request: &Message, status: &str) {
        let get = |name: &str| request.header(name).unwrap().to_owned();
        let text = format!(
            "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
            get("Via"),
            get("From"),
            get("To"),
            get("Call-ID"),
            get("CSeq")
        );
        self.write(&text).await;
    }

    /// The next final answer; requests that come before are answered and kept.
    pub async fn final_answer(&mut self) -> Message {
        loop {
            let message = self.read().await.expect("the connection ended");
            if !message.start().starts_with("SIP/2.0") {
                self.answer(&message, "200 OK").await;
                self.events.push_back(message);
            } else if message.status() >= 200 {
                return message;
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Message {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        let message = self.read().await.expect("the connection ended");
        assert!(!message.start().starts_with("SIP/2.0"), "an answer instead of an event: {}", message.head);
        self.answer(&message, "200 OK").await;
        message
    }

    /// Checks root and local state of the next event and returns it.
    pub async fn expect(&mut self, root: &str, local: &str) -> Message {
        let event = self.event().await;
        assert_eq!((event.root(), event.value("localConnectionInfo").unwrap_or("")), (root, local), "{}", event.body);
        event
    }

    fn via(&mut self) -> String {
        self.branch += 1;
        format!(
            "Via: SIP/2.0/TCP {};branch=z9hG4bK-t{}-{};rport\r\nMax-Forwards: 70\r\n",
            self.contact,
            self.contact.port(),
            self.branch
        )
    }

    pub async fn register(&mut self, to: SocketAddr, cseq: u32, expires: u32, authorization: Option<&str>) -> Message {
        let via = self.via();
        let auth = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let contact = self.contact;
        self.write(&format!(
            "REGISTER sip:{to} SIP/2.0\r\n{via}From: <sip:ss_ecsta@{0}>;tag=g1\r\nTo: <sip:ss_ecsta@{0}>\r\nCall-ID: reg-1\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:ss_ecsta@{contact};transport=tcp>\r\nExpires: {expires}\r\n{auth}Content-Length: 0\r\n\r\n",
            to.ip()
        ))
        .await;
        self.final_answer().await
    }

    pub async fn try_invite(&mut self, to: SocketAddr, number: &str, mac: &str, expires: u32) -> (Message, Dialog) {
        let user = if mac.is_empty() { number.to_owned() } else { format!("{number}_{mac}") };
        let device = if mac.is_empty() { format!("tel:{number}") } else { format!("tel:{number};device={mac}") };
        let mut dialog = Dialog {
            number: number.to_owned(),
            call_id: format!("L{user}@{}", self.contact),
            user,
            from_tag: format!("L{number}-1"),
            to_tag: String::new(),
            cseq: 1,
            device,
        };
        let via = self.via();
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<RequestSystemStatus xmlns=\"{NS}\"/>");
        let text = format!(
            "INVITE sip:{number}@{to};transport=tcp SIP/2.0\r\n{via}From: \"cti-gateway\" <sip:{}@csta-gw>;tag={}\r\nTo: <sip:{number}@{}>\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\nContact: <sip:{}@{};transport=tcp>\r\nSupported: timer\r\nSession-Expires: {expires};refresher=uac\r\nContent-Type: application/csta+xml\r\nContent-Disposition: signal;handling=required\r\nContent-Length: {}\r\n\r\n{body}",
            dialog.user,
            dialog.from_tag,
            to.ip(),
            dialog.call_id,
            dialog.user,
            self.contact,
            body.len()
        );
        self.write(&text).await;
        let answer = self.final_answer().await;
        dialog.to_tag = answer.header("To").unwrap().split("tag=").nth(1).unwrap_or("").to_owned();
        (answer, dialog)
    }

    pub async fn invite(&mut self, to: SocketAddr, number: &str, mac: &str) -> Dialog {
        let (answer, dialog) = self.try_invite(to, number, mac, 1800).await;
        assert_eq!(answer.status(), 200, "{}", answer.head);
        assert_eq!(answer.value("systemStatus"), Some("normal"));
        self.in_dialog(&dialog, to, "ACK", 1, "").await;
        dialog
    }

    pub async fn in_dialog(&mut self, dialog: &Dialog, to: SocketAddr, method: &str, cseq: u32, body: &str) {
        let via = self.via();
        let kind = if body.is_empty() {
            String::new()
        } else {
            "Content-Type: application/csta+xml\r\nContent-Disposition: signal;handling=required\r\n".to_owned()
        };
        let text = format!(
            "{method} sip:{}@{to};transport=tcp SIP/2.0\r\n{via}From: \"cti-gateway\" <sip:{}@csta-gw>;tag={}\r\nTo: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{}@{};transport=tcp>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            dialog.number,
            dialog.user,
            dialog.from_tag,
            dialog.number,
            to.ip(),
            dialog.to_tag,
            dialog.call_id,
            dialog.user,
            self.contact,
            body.len()
        );
        self.write(&text).await;
    }

    /// A service: its name and its children as XML.
    pub async fn service(&mut self, dialog: &mut Dialog, to: SocketAddr, name: &str, children: &str) -> Message {
        dialog.cseq += 1;
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{name} xmlns=\"{NS}\">{children}</{name}>");
        self.in_dialog(dialog, to, "INFO", dialog.cseq, &body).await;
        self.final_answer().await
    }

    /// INVITE, features, monitor, snapshot.
    pub async fn monitor(&mut self, to: SocketAddr, number: &str, mac: &str) -> Dialog {
        let mut dialog = self.invite(to, number, mac).await;
        let object = format!(
            "<monitorObject><deviceObject>{}</deviceObject></monitorObject><monitorType>device</monitorType>",
            dialog.device
        );
        let answer = self.service(&mut dialog, to, "MonitorStart", &object).await;
        assert_eq!(answer.root(), "MonitorStartResponse", "{}", answer.body);
        dialog
    }
}

/// `<name><callID/><deviceID/></name>`.
pub fn connection(name: &str, call: &str, device: &str) -> String {
    format!("<{name}><callID>{call}</callID><deviceID>{device}</deviceID></{name}>")
}
