//! `Idempotency-Key` (api.md, "Conventions"): the same token, key and request gives the first answer again for 24 h.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;

use super::auth::{authenticate, wall_clock};
use super::extract::read_body;
use super::problem::{COMMAND_ID, Problem};
use super::route::EVENT_POSITION;
use super::state::ApiState;
use crate::store::{Claim, StoredAnswer};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Headers that belong to the answer itself.
const KEPT: [HeaderName; 6] =
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::RETRY_AFTER, COMMAND_ID, EVENT_POSITION];

/// The layer around every POST that acts on the PBX.
pub(super) async fn once(State(state): State<ApiState>, request: Request, next: Next) -> Response<Body> {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match guarded(state, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.render(None),
    }
}

async fn guarded(state: ApiState, request: Request, next: Next) -> Result<Response<Body>, Problem> {
    let key = key(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let principal = authenticate(&mut parts, &state).await?;
    let body = read_body(Request::from_parts(clone_head(&parts), body), state.settings().body_time).await?;
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update([0]);
    hash.update(parts.uri.to_string());
    hash.update([0]);
    hash.update(&body);
    let hash: [u8; 32] = hash.finalize().into();
    let store = state.gateway().store().clone();
    match store.claim_key(&principal.token_id, &key, &hash, wall_clock()).await? {
        Claim::Fresh => {}
        Claim::Answered(answer) => return Ok(replay(answer)),
        Claim::OtherBody => {
            return Err(Problem::new(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request within the last 24 hours.",
            )
            .hint("Use a new key for each new command."));
        }
        Claim::Running => {
            return Err(Problem::new(
                "idempotency_key_in_use",
                "The first request with this Idempotency-Key has no answer yet, or the gateway died over it.",
            )
            .hint("Ask again in a moment; if it stays so, look at the calls to see what happened and use a new key.")
            .retry_after(1));
        }
    }
    // A task of its own: when the client goes away, the command and its answer are kept all the same.
    let command = async move {
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        let (head, body) = response.into_parts();
        let bytes = match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) => return Err(Problem::internal(error)),
        };
        let kept = if changed_nothing(head.status) {
            store.release_key(&principal.token_id, &key).await
        } else {
            let answer = StoredAnswer {
                status: head.status.as_u16(),
                headers: headers_text(&head.headers),
                body: bytes.to_vec(),
            };
            store.answer_key(&principal.token_id, &key, &answer).await
        };
        if let Err(error) = kept {
            // The command was carried out: its caller gets the answer, a repetition gets 409.
            tracing::error!(%error, "the answer of an idempotency key could not be kept");
        }
        Ok(Response::from_parts(head, Body::from(bytes)))
    };
    tokio::spawn(command.in_current_span()).await.map_err(Problem::internal)?
}

/// The head of a request without its extensions: enough to read the body with its limits.
fn clone_head(parts: &axum::http::request::Parts) -> axum::http::request::Parts {
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    *request.extensions_mut() = parts.extensions.clone();
    request.into_parts().0
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(KEY).iter();
    values
        .next()
        .and_then(|value| value.to_str().ok())
        .filter(|text| (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .filter(|_| values.next().is_none())
        .map(str::to_owned)
        .ok_or_else(|| {
            Problem::new("invalid_value", "The Idempotency-Key is wrong.")
                .hint("Send one key of 1 to 255 visible characters, for example a new UUID for each command.")
        })
}

/// Refusals before anything reached the PBX: the key is free again. A 409 may come from the PBX and counts as an answer.
fn changed_nothing(status: StatusCode) -> bool {
    (status.is_client_error() && status != StatusCode::CONFLICT) || status == StatusCode::SERVICE_UNAVAILABLE
}

fn headers_text(headers: &HeaderMap) -> String {
    let mut kept = Map::new();
    for name in &KEPT {
        if let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) {
            kept.insert(name.as_str().to_owned(), Value::String(text.to_owned()));
        }
    }
    Value::Object(kept).to_string()
}

fn replay(answer: StoredAnswer) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kept: Map<String, Value> = serde_json::from_str(&answer.headers).unwrap_or_default();
    for (name, value) in kept {
        if let (Ok(name), Some(Ok(value))) = (name.parse::<HeaderName>(), value.as_str().map(HeaderValue::from_str)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
