//! The event stream as server-sent events (HTML, section 9.2): `id:` and `data:` only.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::auth::{Principal, Reader};
use super::clients::{ClientKind, Registration};
use super::feed::{Fed, Feed, can_resume, oldest, parse_position};
use super::filter::{Filter, Wishes};
use super::frame;
use super::poll::POSITION;
use super::problem::Problem;
use super::query::{Params, wrong};
use super::serve::Peer;
use crate::domain::json::write_number;
use crate::service::journal::{Event, View};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Bytes of events written at once.
const CHUNK: usize = 64 * 1024;

/// Opens the stream.
///
/// # Errors
/// 422 for wrong parameters, 404 for lines or PBXs that are not visible.
pub(super) fn stream(reader: &Reader, request: &Parts) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&request.uri)?;
    let wishes = Wishes::take(&mut params);
    let from = params.take("from").filter(|from| from != "snapshot");
    params.take("ticket");
    params.finish()?;
    // The header of a reconnecting browser is newer than its URL.
    let resumed = request.headers.get(&LAST_EVENT_ID).filter(|value| !value.is_empty());
    let from = match resumed {
        Some(value) => Some(value.to_str().unwrap_or_default().to_owned()),
        None => from,
    };
    let journal = reader.journal();
    let epoch = journal.position().epoch;
    let filter = Filter::compile(&wishes, reader.principal(), &journal.view())?;
    let mut pending = VecDeque::new();
    let feed = match from.as_deref() {
        None => {
            let (feed, view) = Feed::from_now(journal, filter);
            snapshot(&mut pending, &epoch, &view, feed.filter());
            feed
        }
        Some("now") => Feed::from_now(journal, filter).0,
        Some(text) => {
            let position = parse_position(text).ok_or_else(|| wrong("from", POSITION))?;
            if can_resume(journal, &position) {
                let resumed = frame::standing("resumed", None, &epoch, position.seq);
                pending.push_back(block(&epoch, position.seq, &[resumed]));
                Feed::resume(journal, filter, position.seq)
            } else {
                let (feed, view) = Feed::from_now(journal, filter);
                pending.push_back(gap_block(&frame::gap(None, &position, &oldest(journal))));
                snapshot(&mut pending, &epoch, &view, feed.filter());
                feed
            }
        }
    };
    let peer = request.extensions.get::<Peer>();
    if let Some(peer) = peer {
        peer.is_streaming();
    }
    let keep_alive = reader.state().settings().keep_alive;
    let mut ticks = interval_at(Instant::now() + keep_alive, keep_alive);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let clients = reader.state().clients();
    let session = Session {
        registration: clients.enter(ClientKind::Sse, reader.principal(), peer, &request.headers, feed.complete()),
        pending,
        feed,
        epoch,
        ticks,
        principal: Arc::clone(reader.principal()),
        stopping: reader.state().stopping().clone(),
    };
    let body = stream::unfold(session, |mut session| async move {
        let chunk = session.next().await?;
        Some((Ok::<_, Infallible>(chunk), session))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Proxies that collect answers would hold every event back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

struct Session {
    registration: Registration,
    pending: VecDeque<Bytes>,
    feed: Feed,
    epoch: Arc<str>,
    ticks: Interval,
    principal: Arc<Principal>,
    stopping: CancellationToken,
}

impl Session {
    /// The next chunk; `None` ends the stream. It is asked for only when the client took the one before.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(chunk) = self.pending.pop_front() {
            return Some(chunk);
        }
        tokio::select! {
            biased;
            () = self.principal.ended.cancelled() => return None,
            () = self.stopping.cancelled() => return None,
            () = self.principal.expired() => return None,
            fed = self.feed.next() => match fed {
                Ok(Fed::Events(events)) => self.queue(&events),
                Ok(Fed::Gap { requested, oldest }) => {
                    self.pending.push_back(gap_block(&frame::gap(None, &requested, &oldest)));
                    let view = self.feed.restart();
                    snapshot(&mut self.pending, &self.epoch, &view, self.feed.filter());
                }
                Err(error) => {
                    tracing::error!(%error, "the journal cannot be read; an event stream ends");
                    return None;
                }
            },
            _ = self.ticks.tick() => {
                // A comment keeps the connection alive; the id alone moves the browser's Last-Event-ID, so that a
                // filtered reader resumes from where it is complete.
                let seq = self.feed.complete();
                let mut out = b": keep-alive\n".to_vec();
                write_id(&mut out, &self.epoch, seq);
                out.push(b'\n');
                self.pending.push_back(out.into());
            }
        }
        self.registration.reached(self.feed.complete());
        self.pending.pop_front()
    }

    fn queue(&mut self, events: &[Event]) {
        let mut out = Vec::new();
        for event in events {
            write_id(&mut out, &self.epoch, event.seq);
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&event.frame);
            out.extend_from_slice(b"\n\n");
            if out.len() >= CHUNK {
                self.pending.push_back(std::mem::take(&mut out).into());
            }
        }
        if !out.is_empty() {
            self.pending.push_back(out.into());
        }
    }
}

fn write_id(out: &mut Vec<u8>, epoch: &str, seq: u64) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(epoch.as_bytes());
    out.push(b':');
    write_number(out, seq);
    out.push(b'\n');
}

/// One frame from pieces.
fn block(epoch: &str, seq: u64, pieces: &[Bytes]) -> Bytes {
    let mut out = Vec::new();
    write_id(&mut out, epoch, seq);
    out.extend_from_slice(b"data: ");
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// A `gap` has no id of its own: the snapshot after it has.
fn gap_block(gap: &Bytes) -> Bytes {
    let mut out = b"data: ".to_vec();
    out.extend_from_slice(gap);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// A snapshot as one frame, in the pieces that it comes in.
fn snapshot(pending: &mut VecDeque<Bytes>, epoch: &str, view: &View, filter: &Filter) {
    let mut head = Vec::new();
    write_id(&mut head, epoch, view.seq);
    head.extend_from_slice(b"data: ");
    pending.push_back(head.into());
    pending.extend(frame::snapshot(None, epoch, view, filter));
    pending.push_back(Bytes::from_static(b"\n\n"));
}
