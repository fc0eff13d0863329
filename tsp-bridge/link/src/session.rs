//! A WebSocket, with TLS below it where wanted, without any I/O: bytes of the socket in, messages out; messages in,
//! bytes for the socket out. So one thread can wait for bytes while another one sends.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConnection;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::protocol::{Message, WebSocket, WebSocketConfig};

use crate::LinkError;

/// Largest message of the gateway: a snapshot of some thousand lines.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// Bytes between the WebSocket and what carries it.
#[derive(Debug, Clone, Default)]
struct Pipe(Arc<Mutex<Buffers>>);

#[derive(Debug, Default)]
struct Buffers {
    incoming: Vec<u8>,
    taken: usize,
    outgoing: Vec<u8>,
}

impl Pipe {
    fn with<T>(&self, work: impl FnOnce(&mut Buffers) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.with(|buffers| {
            let Some(waiting) = buffers.incoming.get(buffers.taken..).filter(|waiting| !waiting.is_empty()) else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            let count = waiting.len().min(out.len());
            if let (Some(to), Some(from)) = (out.get_mut(..count), waiting.get(..count)) {
                to.copy_from_slice(from);
            }
            buffers.taken += count;
            if buffers.taken == buffers.incoming.len() {
                buffers.incoming.clear();
                buffers.taken = 0;
            }
            Ok(count)
        })
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|buffers| buffers.outgoing.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Stage {
    Handshake(MidHandshake<ClientHandshake<Pipe>>),
    Open(Box<WebSocket<Pipe>>),
    Failed,
}

/// A connection's protocol.
pub(crate) struct Session {
    tls: Option<ClientConnection>,
    pipe: Pipe,
    stage: Stage,
    /// Texts that came before anybody asked for them.
    kept: Vec<String>,
}

impl Session {
    /// Begins the handshake.
    pub(crate) fn new(tls: Option<ClientConnection>, request: Request) -> Result<Self, LinkError> {
        let pipe = Pipe::default();
        let config =
            WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
        let begun = ClientHandshake::start(pipe.clone(), request, Some(config)).map_err(broke)?;
        let stage = match begun.handshake() {
            Ok((socket, _)) => Stage::Open(Box::new(socket)),
            Err(HandshakeError::Interrupted(middle)) => Stage::Handshake(middle),
            Err(HandshakeError::Failure(error)) => return Err(broke(error)),
        };
        Ok(Self { tls, pipe, stage, kept: Vec::new() })
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// Takes bytes of the socket; gives the texts that are complete with them.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Result<Vec<String>, LinkError> {
        match &mut self.tls {
            None => self.pipe.with(|buffers| buffers.incoming.extend_from_slice(bytes)),
            Some(tls) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    tls.read_tls(&mut rest).map_err(|error| LinkError::Socket(error.to_string()))?;
                    let state = tls.process_new_packets()?;
                    let mut plain = vec![0_u8; state.plaintext_bytes_to_read()];
                    if !plain.is_empty() {
                        tls.reader().read_exact(&mut plain).map_err(|error| LinkError::Socket(error.to_string()))?;
                        self.pipe.with(|buffers| buffers.incoming.extend_from_slice(&plain));
                    }
                }
            }
        }
        self.advance()?;
        let mut texts = std::mem::take(&mut self.kept);
        if let Stage::Open(socket) = &mut self.stage {
            loop {
                match socket.read() {
                    Ok(Message::Text(text)) => texts.push(text.as_str().to_owned()),
                    Ok(Message::Close(frame)) => {
                        // 4001: the credential is no longer valid.
                        let code = frame.map_or(1005, |frame| u16::from(frame.code));
                        return Err(if code == 4001 {
                            LinkError::Token
                        } else {
                            LinkError::Socket(format!("the gateway closed it ({code})"))
                        });
                    }
                    Ok(_) => {}
                    Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(broke(error)),
                }
            }
        }
        Ok(texts)
    }

    fn advance(&mut self) -> Result<(), LinkError> {
        let Stage::Handshake(_) = &self.stage else { return Ok(()) };
        let Stage::Handshake(middle) = std::mem::replace(&mut self.stage, Stage::Failed) else { return Ok(()) };
        self.stage = match middle.handshake() {
            Ok((socket, _)) => Stage::Open(Box::new(socket)),
            Err(HandshakeError::Interrupted(middle)) => Stage::Handshake(middle),
            Err(HandshakeError::Failure(error)) => return Err(broke(error)),
        };
        Ok(())
    }

    /// Keeps texts for the next call of [`Session::received`].
    pub(crate) fn keep(&mut self, texts: Vec<String>) {
        self.kept.extend(texts);
    }

    /// Sends a text.
    pub(crate) fn send(&mut self, text: String) -> Result<(), LinkError> {
        match &mut self.stage {
            Stage::Open(socket) => socket.send(Message::text(text)).map_err(broke),
            _ => Err(LinkError::Socket("the handshake is not finished".to_owned())),
        }
    }

    /// What the socket has to carry now.
    pub(crate) fn outgoing(&mut self) -> Result<Vec<u8>, LinkError> {
        let failed = |error: io::Error| LinkError::Socket(error.to_string());
        let plain = self.pipe.with(|buffers| std::mem::take(&mut buffers.outgoing));
        let Some(tls) = &mut self.tls else { return Ok(plain) };
        let mut out = Vec::new();
        for chunk in plain.chunks(16 * 1024) {
            tls.writer().write_all(chunk).map_err(failed)?;
            while tls.wants_write() && !tls.is_handshaking() {
                tls.write_tls(&mut out).map_err(failed)?;
            }
        }
        while tls.wants_write() {
            tls.write_tls(&mut out).map_err(failed)?;
        }
        Ok(out)
    }

    /// Says good-bye.
    pub(crate) fn close(&mut self) {
        if let Stage::Open(socket) = &mut self.stage {
            // The other end may be gone already.
            let _ = socket.close(None);
            let _ = socket.flush();
        }
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
    }
}

fn broke(error: tungstenite::Error) -> LinkError {
    match error {
        tungstenite::Error::Http(response) => match response.status().as_u16() {
            401 | 403 => LinkError::Token,
            status => LinkError::Status(status),
        },
        other => LinkError::Socket(other.to_string()),
    }
}
