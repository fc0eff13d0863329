//! The event stream as a client sees it.

use std::fmt;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// An open stream.
pub struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
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
            Self::Unreachable(detail) => write!(f, "No gateway answers: {detail}"),
            Self::Ended(Some(code)) => write!(f, "The gateway ended the stream with code {code}."),
            Self::Ended(None) => write!(f, "The stream ended."),
            Self::Frame(detail) => write!(f, "A frame cannot be read: {detail}"),
        }
    }
}

impl std::error::Error for StreamError {}

impl Stream {
    pub(super) async fn open(base: &str, token: &str) -> Result<Self, StreamError> {
        let address = format!("{}/api/v1/events", base.replacen("http", "ws", 1));
        let mut request = address.into_client_request().map_err(|error| StreamError::Unreachable(error.to_string()))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| StreamError::Unreachable("the token holds characters that no header may hold".to_owned()))?;
        request.headers_mut().insert("authorization", bearer);
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tungstenite::Error::Http(response)) => Err(StreamError::Refused {
                status: response.status().as_u16(),
                body: response
                    .body()
                    .as_deref()
                    .map(|body| String::from_utf8_lossy(body).into_owned())
                    .unwrap_or_default(),
            }),
            Err(error) => Err(StreamError::Unreachable(error.to_string())),
        }
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
