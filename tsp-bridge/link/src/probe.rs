//! Questions of the settings dialog and of the helper: is that a gateway, whose certificate has it, what may the token?

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use linegate_tsp_core::model::Frame;
use serde_json::{Value, json};

use crate::connection::{connect, open_socket};
use crate::tls::{Pinned, config_with, connection};
use crate::{Address, LinkError, LinkSettings};

/// How long the questions may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a gateway says about itself and the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// Release of the gateway.
    pub version: String,
    /// Name of the token.
    pub token_name: String,
    /// Highest scope of the token.
    pub scopes: Vec<String>,
    /// How many lines it sees.
    pub lines: usize,
}

impl Probe {
    /// Whether calls can be made with this token.
    pub fn can_control(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "control" || scope == "admin")
    }
}

/// Asks a gateway who it is and what the token may do.
///
/// # Errors
/// Why there is no link.
pub fn probe(settings: &LinkSettings) -> Result<Probe, LinkError> {
    let (mut session, mut socket) = connect(settings, || false)?;
    let broken = |error: std::io::Error| LinkError::Socket(error.to_string());
    session.send(json!({"type": "request", "id": 1, "method": "GET", "path": "/api/v1/me"}).to_string())?;
    session.send(json!({"type": "subscribe", "id": 2, "from": "snapshot"}).to_string())?;
    let bytes = session.outgoing()?;
    socket.write_all(&bytes).map_err(broken)?;
    let mut answer = Probe::default();
    let (mut has_me, mut has_lines) = (false, false);
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0_u8; 32 * 1024];
    let mut texts = session.received(&[])?;
    loop {
        for text in texts.drain(..) {
            match Frame::read(&text) {
                Some(Frame::Welcome { version, .. }) => answer.version = version,
                Some(Frame::Response(response)) if response.id == json!(1) => {
                    has_me = true;
                    let word = |value: &Value| value.as_str().map(str::to_owned);
                    answer.token_name = response.body.get("name").and_then(word).unwrap_or_default();
                    let scopes = response.body.get("scopes").and_then(Value::as_array);
                    answer.scopes = scopes.map(|list| list.iter().filter_map(word).collect()).unwrap_or_default();
                }
                Some(Frame::Snapshot(snapshot)) => {
                    has_lines = true;
                    answer.lines = snapshot.lines.len();
                }
                _ => {}
            }
        }
        if has_me && has_lines {
            session.close();
            if let Ok(bytes) = session.outgoing() {
                let _ = socket.write_all(&bytes);
            }
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(LinkError::Silent);
        }
        match socket.read(&mut buffer) {
            Ok(0) => return Err(LinkError::Socket("the gateway closed it".to_owned())),
            Ok(count) => texts = session.received(buffer.get(..count).unwrap_or_default())?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

/// One request to the gateway; gives status and body.
///
/// # Errors
/// Why there is no answer.
pub fn request(settings: &LinkSettings, method: &str, path: &str, body: &Value) -> Result<(u16, Value), LinkError> {
    let (mut session, mut socket) = connect(settings, || false)?;
    let broken = |error: std::io::Error| LinkError::Socket(error.to_string());
    let frame = json!({"type": "request", "id": 1, "method": method, "path": path, "body": body});
    session.send(frame.to_string())?;
    let bytes = session.outgoing()?;
    socket.write_all(&bytes).map_err(broken)?;
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0_u8; 32 * 1024];
    let mut texts = session.received(&[])?;
    loop {
        for text in texts.drain(..) {
            if let Some(Frame::Response(response)) = Frame::read(&text) {
                return Ok((response.status, response.body));
            }
        }
        if Instant::now() > deadline {
            return Err(LinkError::Silent);
        }
        match socket.read(&mut buffer) {
            Ok(0) => return Err(LinkError::Socket("the gateway closed it".to_owned())),
            Ok(count) => texts = session.received(buffer.get(..count).unwrap_or_default())?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

/// The fingerprint of the certificate at an address, for a person to compare. Nothing is sent there.
///
/// # Errors
/// Why there is none.
pub fn fingerprint_of(address: &Address) -> Result<[u8; 32], LinkError> {
    let verifier = Pinned::new(None);
    let mut tls = connection(address, config_with(std::sync::Arc::clone(&verifier))?)?;
    let mut socket = open_socket(address)?;
    let deadline = Instant::now() + PATIENCE;
    let unreachable = |cause| LinkError::Unreachable { host: address.authority(), cause };
    loop {
        while tls.wants_write() {
            tls.write_tls(&mut socket).map_err(unreachable)?;
        }
        match tls.read_tls(&mut socket) {
            Ok(0) => return Err(unreachable(ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(unreachable(error)),
        }
        let outcome = tls.process_new_packets();
        // The handshake is refused on purpose as soon as the certificate is seen.
        if let Some(seen) = verifier.seen() {
            return Ok(seen);
        }
        outcome?;
        if Instant::now() > deadline {
            return Err(unreachable(ErrorKind::TimedOut.into()));
        }
    }
}
