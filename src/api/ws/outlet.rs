//! The writing half of a socket: many frames, one flush; a socket that takes nothing is noticed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::super::serve::Peer;

/// How long a stalled socket may still come back to see why it was closed.
const LAST_WORD: Duration = Duration::from_secs(60);
/// How long a healthy client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed, or the connection broke.
    Gone,
    /// It takes no byte, or leaves pings unanswered: 4008.
    Stalled,
    /// The credential is no longer valid: 4001.
    Unauthorized,
    /// The gateway stops: 1001.
    Stopping,
    /// The client broke the protocol: 1002.
    Protocol,
    /// A message was too large: 1009.
    TooLarge,
    /// Our own failure: 1011.
    Failed,
}

impl End {
    fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Stalled => (4008, "too slow: resume from the last position"),
            Self::Unauthorized => (4001, "the credential is no longer valid"),
            Self::Stopping => (1001, "the gateway stops: resume from the last position"),
            Self::Protocol => (1002, "protocol error"),
            Self::TooLarge => (1009, "a message has at most 65536 bytes"),
            Self::Failed => (1011, "the gateway failed: resume from the last position"),
        };
        Some(CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) })
    }
}

/// The socket.
pub(super) struct Outlet {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    peer: Option<Peer>,
    stalled_after: Duration,
}

impl Outlet {
    pub(super) fn new(stream: WebSocketStream<TokioIo<Upgraded>>, peer: Option<Peer>, stalled_after: Duration) -> Self {
        Self { stream, peer, stalled_after }
    }

    /// The next message of the client.
    pub(super) async fn receive(&mut self) -> Result<Message, End> {
        match self.stream.next().await {
            Some(Ok(message)) => Ok(message),
            None => Err(End::Gone),
            Some(Err(Error::Capacity(_))) => Err(End::TooLarge),
            Some(Err(Error::Protocol(_) | Error::Utf8(_))) => Err(End::Protocol),
            Some(Err(_)) => Err(End::Gone),
        }
    }

    /// Sends frames of text and flushes once.
    pub(super) async fn send(&mut self, frames: impl IntoIterator<Item = Bytes>) -> Result<(), End> {
        let messages = frames.into_iter().filter_map(|bytes| {
            // Frames are JSON that we wrote: always UTF-8.
            Utf8Bytes::try_from(bytes).ok().map(Message::Text)
        });
        self.write(messages).await
    }

    /// Sends one message in fragments (RFC 6455, section 5.4), so that a large one is never copied together. Each piece
    /// is whole text.
    pub(super) async fn send_pieces(&mut self, pieces: Vec<Bytes>) -> Result<(), End> {
        let last = pieces.len().saturating_sub(1);
        let messages = pieces.into_iter().enumerate().map(move |(index, piece)| {
            let kind = if index == 0 { Data::Text } else { Data::Continue };
            Message::Frame(Frame::message(piece, OpCode::Data(kind), index == last))
        });
        self.write(messages).await
    }

    /// Sends a ping.
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        self.write(std::iter::once(Message::Ping(Bytes::new()))).await
    }

    async fn write(&mut self, messages: impl Iterator<Item = Message>) -> Result<(), End> {
        let Self { stream, peer, stalled_after } = self;
        let taken = || peer.as_ref().map(Peer::taken);
        let work = async {
            for message in messages {
                stream.feed(message).await?;
            }
            stream.flush().await
        };
        tokio::pin!(work);
        loop {
            let before = taken();
            match tokio::time::timeout(*stalled_after, &mut work).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) => return Err(End::Gone),
                Err(_) if taken() == before => return Err(End::Stalled),
                Err(_) => {}
            }
        }
    }

    /// Closes with the code of the reason.
    pub(super) async fn close(mut self, end: End) {
        let Some(frame) = end.frame() else { return };
        let patience = if end == End::Stalled { LAST_WORD } else { FAREWELL };
        let farewell = async {
            if self.stream.close(Some(frame)).await.is_ok() {
                // Until the client's own close frame: dropping the connection at once could lose ours.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        if tokio::time::timeout(patience, farewell).await.is_err() {
            tracing::debug!("a client did not answer the close of its socket");
        }
    }
}
