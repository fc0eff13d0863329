//! The event stream as a client sees it.

use std::fmt;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{RequestBuilder, StatusCode, Upgraded, header};
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::ClientError;

/// An open stream.
pub struct Stream {
    socket: WebSocketStream<Upgraded>,
}

/// Why there is no stream, or none any more.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamError {
    /// The handshake was refused.
    Refused {
        /// Status code.
        status: u16,
        /// Problem body, if there was one.
        body: String,
    },
    /// Nobody answers.
    Unreachable(String),
    /// The stream ended; with the close code when the gateway gave one.
    Ended(Option<u16>),
    /// A frame is no JSON.
    Frame(String),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, body } => write!(f, "The gateway refused the stream: {status} {body}"),
            Self::Unreachable(detail) => f.write_str(detail),
            Self::Ended(Some(code)) => write!(f, "The gateway ended the stream with code {code}."),
            Self::Ended(None) => write!(f, "The stream ended."),
            Self::Frame(detail) => write!(f, "A frame cannot be read: {detail}"),
        }
    }
}

impl std::error::Error for StreamError {}

impl Stream {
    /// Over the client's own connections: a certificate that its other requests trust is trusted here too.
    pub(super) async fn open(
        request: RequestBuilder,
        unreachable: impl Fn(&reqwest::Error) -> ClientError,
    ) -> Result<Self, StreamError> {
        let gone = |error: reqwest::Error| StreamError::Unreachable(unreachable(&error).to_string());
        let key = generate_key();
        let request = request
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(gone)?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let body = response.text().await.unwrap_or_default();
            return Err(StreamError::Refused { status: status.as_u16(), body });
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
            let detail = "What answers there is no event stream of a gateway: the WebSocket handshake is wrong.";
            return Err(StreamError::Unreachable(detail.to_owned()));
        }
        let upgraded = response.upgrade().await.map_err(gone)?;
        Ok(Self { socket: WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the stream is gone.
    pub async fn send(&mut self, frame: &Value) -> Result<(), StreamError> {
        self.socket.send(Message::text(frame.to_string())).await.map_err(|_| StreamError::Ended(None))
    }

    /// The next frame as it came.
    ///
    /// # Errors
    /// When the stream ends.
    pub async fn next_text(&mut self) -> Result<String, StreamError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Err(StreamError::Ended(frame.map(|f| f.code.into()))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(StreamError::Ended(None)),
            }
        }
    }

    /// The next frame as JSON.
    ///
    /// # Errors
    /// When the stream ends or a frame is no JSON.
    pub async fn next(&mut self) -> Result<Value, StreamError> {
        let text = self.next_text().await?;
        super::read_json(&text).map_err(|error| StreamError::Frame(error.to_string()))
    }
}
