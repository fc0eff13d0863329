//! The event stream as JSON with long polling.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use tokio::time::Instant;

use super::auth::Reader;
use super::clients::ClientKind;
use super::feed::{Fed, Feed, can_resume, parse_position};
use super::filter::{Filter, Wishes};
use super::frame;
use super::page::take_limit;
use super::problem::Problem;
use super::query::{Params, wrong};
use super::route::json_bytes;
use super::serve::Peer;
use crate::domain::json::{write_number, write_text};
use crate::service::journal::{Event, Journal, Position};

/// Longest wait for an event, in seconds.
const MAX_WAIT_S: u64 = 60;
/// Events looked at for one answer when the filter lets few pass: the next request goes on from there.
const LOOKED_AT: u64 = 20_000;

pub(super) const POSITION: &str = "A position is <epoch>:<seq>, as an event or `Event-Position` gave it.";

/// Answers one poll.
///
/// # Errors
/// 422 for wrong parameters, 404 for lines or PBXs that are not visible.
pub(super) async fn answer(reader: &Reader, request: &Parts) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&request.uri)?;
    let wishes = Wishes::take(&mut params);
    let limit = take_limit(&mut params)?;
    let wait_s = params.parse("wait_s", "A whole number of seconds from 0 to 60.")?.unwrap_or(0_u64);
    if wait_s > MAX_WAIT_S {
        return Err(wrong("wait_s", "A whole number of seconds from 0 to 60."));
    }
    let after = params.take("after");
    let from = params.take("from");
    // A ticket opens a stream; here the header has authenticated already.
    params.take("ticket");
    params.finish()?;

    let journal = reader.journal();
    let filter = Filter::compile(&wishes, reader.principal(), &journal.view())?;
    let position = match (after, from.as_deref()) {
        (Some(text), _) => parse_position(&text).ok_or_else(|| wrong("after", POSITION))?,
        (None, None | Some("now")) => return Ok(render(&journal.position(), &[], false, None)),
        (None, Some("snapshot")) => {
            let view = journal.view();
            let epoch = journal.position().epoch;
            let snapshot = frame::snapshot(None, &epoch, &view, &filter);
            let at = Position { epoch, seq: view.seq };
            return Ok(render(&at, &[], false, Some(&snapshot)));
        }
        (None, Some(text)) => {
            parse_position(text).ok_or_else(|| wrong("from", "One of snapshot, now or <epoch>:<seq>."))?
        }
    };
    if !can_resume(journal, &position) {
        return Ok(render(&journal.position(), &[], true, None));
    }
    let peer = request.extensions.get::<Peer>();
    let registration = (wait_s > 0).then(|| {
        let clients = reader.state().clients();
        clients.enter(ClientKind::Polling, reader.principal(), peer, &request.headers, position.seq)
    });
    let answer = collect(reader, journal, filter, position, limit, Duration::from_secs(wait_s)).await;
    drop(registration);
    answer
}

async fn collect(
    reader: &Reader,
    journal: &Journal,
    filter: Filter,
    position: Position,
    limit: usize,
    wait: Duration,
) -> Result<Response<Body>, Problem> {
    let deadline = Instant::now() + wait;
    let epoch = position.epoch;
    let began = position.seq;
    let mut feed = Feed::resume(journal, filter, began);
    let mut events: Vec<Event> = Vec::new();
    let mut next = began;
    loop {
        // One position for both: another one read later would make a filtered reader wait for an event of others.
        let position = journal.position().seq;
        let behind = feed.complete() < position;
        if events.len() >= limit || next.saturating_sub(began) >= LOOKED_AT || (!events.is_empty() && !behind) {
            break;
        }
        // Nothing yet: what is stored is read at once, what will come is waited for.
        let fed = if behind {
            tokio::time::timeout(Duration::from_secs(10), feed.next_step()).await
        } else {
            tokio::select! {
                fed = tokio::time::timeout_at(deadline, feed.next_step()) => fed,
                () = reader.principal().ended.cancelled() => break,
                () = reader.state().stopping().cancelled() => break,
            }
        };
        match fed {
            Ok(Ok(Some(Fed::Events(more)))) => events.extend(more),
            Ok(Ok(Some(Fed::Gap { .. }))) if events.is_empty() => {
                return Ok(render(&journal.position(), &[], true, None));
            }
            Ok(Ok(Some(Fed::Gap { .. }))) | Err(_) => {
                next = feed.complete();
                break;
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => return Err(error.into()),
        }
        next = feed.complete();
    }
    if events.len() > limit {
        events.truncate(limit);
    }
    if events.len() == limit {
        // More may have been looked at than is given: the next request begins after the last one given.
        next = events.last().map_or(next, |event| event.seq);
    }
    Ok(render(&Position { epoch, seq: next }, &events, false, None))
}

fn render(next: &Position, events: &[Event], gap: bool, snapshot: Option<&[Bytes]>) -> Response<Body> {
    let mut out = b"{\"epoch\":".to_vec();
    write_text(&mut out, &next.epoch);
    out.extend_from_slice(b",\"events\":[");
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&event.frame);
    }
    out.extend_from_slice(b"],\"next\":\"");
    out.extend_from_slice(next.epoch.as_bytes());
    out.push(b':');
    write_number(&mut out, next.seq);
    out.extend_from_slice(if gap { b"\",\"gap\":true" } else { b"\",\"gap\":false" });
    if let Some(pieces) = snapshot {
        out.extend_from_slice(b",\"snapshot\":");
        for piece in pieces {
            out.extend_from_slice(piece);
        }
    }
    out.push(b'}');
    json_bytes(StatusCode::OK, out)
}
