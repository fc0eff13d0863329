//! The event stream as WebSocket (RFC 6455), with the REST API on the same socket.

mod inbound;
mod outlet;
mod request;
mod socket;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::auth::Reader;
use super::problem::Problem;
use super::query::Params;
use super::serve::Peer;
use socket::Socket;

/// Largest message of a client, in bytes: clients only send small commands.
const MESSAGE_LIMIT: usize = 64 * 1024;
/// Bytes collected before they go to the socket within one round; the round ends with a flush.
const WRITE_BUFFER: usize = 64 * 1024;

/// Whether the request wants a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket") && has_token(headers, &header::CONNECTION, "upgrade")
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(wanted))
}

/// Answers the handshake (RFC 6455, section 4.2) and begins the socket's task.
///
/// # Errors
/// 400 without a key, 426 for another version.
pub(super) fn upgrade(reader: Reader, mut request: Request) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(request.uri())?;
    params.take("ticket");
    params.finish()?;
    if request.headers().get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Problem::new("upgrade_required", "Only WebSocket version 13 is spoken here."));
    }
    let key =
        request.headers().get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24).ok_or_else(|| {
            Problem::new("malformed_request", "The WebSocket handshake has no valid Sec-WebSocket-Key.")
        })?;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(Problem::internal)?;
    let Some(upgrade) = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>() else {
        return Err(Problem::new("malformed_request", "A WebSocket cannot be opened on this connection."));
    };
    let peer = request.extensions().get::<Peer>().cloned();
    let headers = request.headers().clone();
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(%error, "a WebSocket handshake was not finished");
                return;
            }
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_LIMIT))
            .max_frame_size(Some(MESSAGE_LIMIT))
            .read_buffer_size(4 * 1024)
            .write_buffer_size(WRITE_BUFFER);
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Socket::new(&reader, stream, peer, &headers).run().await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}
