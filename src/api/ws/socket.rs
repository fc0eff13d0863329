//! The task of one socket. It awaits only its own client: a slow one slows nobody else.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::super::auth::{Principal, Reader, swap};
use super::super::clients::{ClientKind, Registration};
use super::super::feed::{Fed, Feed, can_resume, oldest};
use super::super::filter::{Filter, Wishes};
use super::super::frame;
use super::super::problem::Problem;
use super::super::route::me;
use super::super::serve::Peer;
use super::super::state::ApiState;
use super::inbound::{self, From, Inbound, RequestFrame};
use super::outlet::{End, Outlet};
use super::request::carry_out;
use crate::service::journal::Journal;

/// Requests of one socket that may be under way at once.
const REQUESTS: usize = 64;
/// Keep-alive rounds in which a client may be silent, its pings unanswered.
const SILENT_ROUNDS: u32 = 2;

/// A socket with its reader.
pub(super) struct Socket {
    state: ApiState,
    principal: Arc<Principal>,
    peer: Option<Peer>,
    outlet: Outlet,
    registration: Registration,
    subscription: Option<(Feed, Wishes)>,
    answers: mpsc::Receiver<Bytes>,
    answering: mpsc::Sender<Bytes>,
    ticks: Interval,
    silent_rounds: u32,
}

/// What woke the task.
enum Woken {
    Message(Message),
    Fed(Fed),
    Answer(Bytes),
    Tick,
}

impl Socket {
    pub(super) fn new(
        reader: &Reader,
        stream: WebSocketStream<TokioIo<Upgraded>>,
        peer: Option<Peer>,
        headers: &HeaderMap,
    ) -> Self {
        let state = reader.state().clone();
        let settings = state.settings();
        let position = reader.journal().position();
        let registration =
            state.clients().enter(ClientKind::Websocket, reader.principal(), peer.as_ref(), headers, position.seq);
        let (answering, answers) = mpsc::channel(REQUESTS);
        let mut ticks = interval_at(Instant::now() + settings.keep_alive, settings.keep_alive);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            outlet: Outlet::new(stream, peer.clone(), settings.stalled_after),
            principal: Arc::clone(reader.principal()),
            peer,
            registration,
            subscription: None,
            answers,
            answering,
            ticks,
            silent_rounds: 0,
            state,
        }
    }

    /// Serves the socket to its end.
    pub(super) async fn run(mut self) {
        let end = match self.serve().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        tracing::debug!(reason = ?end, "an event socket ends");
        drop(self.subscription);
        drop(self.registration);
        self.outlet.close(end).await;
    }

    fn journal(&self) -> &Journal {
        self.state.gateway().journal()
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        let settings = self.state.settings();
        let hello = frame::welcome(&self.journal().position(), &settings.version, settings.keep_alive.as_secs());
        self.outlet.send([hello]).await?;
        loop {
            match self.wait().await? {
                Woken::Message(message) => self.take(message).await?,
                Woken::Fed(fed) => self.deliver(fed).await?,
                Woken::Answer(first) => {
                    let mut frames = vec![first];
                    while let Ok(more) = self.answers.try_recv() {
                        frames.push(more);
                    }
                    self.outlet.send(frames).await?;
                }
                Woken::Tick => self.keep_alive().await?,
            }
        }
    }

    async fn wait(&mut self) -> Result<Woken, End> {
        let Self { outlet, subscription, answers, ticks, principal, state, .. } = self;
        tokio::select! {
            biased;
            () = principal.ended.cancelled() => Err(End::Unauthorized),
            () = state.stopping().cancelled() => Err(End::Stopping),
            () = principal.expired() => Err(End::Unauthorized),
            message = outlet.receive() => message.map(Woken::Message),
            Some(answer) = answers.recv() => Ok(Woken::Answer(answer)),
            fed = next_fed(subscription) => fed.map(Woken::Fed),
            _ = ticks.tick() => Ok(Woken::Tick),
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), End> {
        self.silent_rounds = 0;
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let problem = Problem::new("invalid_value", "Frames are JSON texts, not binary.");
                return self.outlet.send([frame::error(None, &problem)]).await;
            }
            Message::Close(_) => return Err(End::Gone),
            // Pings are answered by the protocol itself with the next flush.
            Message::Ping(_) => return self.outlet.send([]).await,
            Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        let (id, frame) = match inbound::read(&text) {
            Ok(read) => read,
            Err(refused) => {
                let frame = frame::error(refused.id.as_ref(), &refused.problem);
                return self.outlet.send([frame]).await;
            }
        };
        match frame {
            Inbound::Subscribe { from, wishes } => match self.subscribe(id.as_ref(), from, wishes).await {
                Ok(sent) => sent,
                Err(problem) => self.outlet.send([frame::error(id.as_ref(), &problem)]).await,
            },
            Inbound::Request(request) => self.request(id, request).await,
            Inbound::Auth { token } => self.authenticate(id, &token).await,
            Inbound::Ping => {
                let epoch = self.journal().position().epoch;
                let frame = frame::standing("pong", id.as_ref(), &epoch, self.complete());
                self.outlet.send([frame]).await
            }
        }
    }

    /// Begins a subscription in place of the one before. The outer error is the refusal of the frame.
    async fn subscribe(&mut self, id: Option<&Value>, from: From, wishes: Wishes) -> Result<Result<(), End>, Problem> {
        let journal = self.journal().clone();
        let filter = Filter::compile(&wishes, &self.principal, &journal.view())?;
        let epoch = journal.position().epoch;
        let mut frames = Vec::new();
        let mut snapshot = None;
        let feed = match from {
            From::Now => Feed::from_now(&journal, filter).0,
            From::Snapshot => {
                let (feed, view) = Feed::from_now(&journal, filter);
                snapshot = Some(view);
                feed
            }
            From::Position(position) if can_resume(&journal, &position) => {
                frames.push(frame::standing("resumed", id, &epoch, position.seq));
                Feed::resume(&journal, filter, position.seq)
            }
            From::Position(position) => {
                frames.push(frame::gap(id, &position, &oldest(&journal)));
                let (feed, view) = Feed::from_now(&journal, filter);
                snapshot = Some(view);
                feed
            }
        };
        frames.insert(0, frame::standing("subscribed", id, &epoch, feed.done()));
        let pieces = snapshot.map(|view| frame::snapshot(id, &epoch, &view, feed.filter()));
        self.subscription = Some((feed, wishes));
        let sent = match self.outlet.send(frames).await {
            Ok(()) => match pieces {
                Some(pieces) => self.outlet.send_pieces(pieces).await,
                None => Ok(()),
            },
            refused => refused,
        };
        Ok(sent)
    }

    async fn deliver(&mut self, fed: Fed) -> Result<(), End> {
        match fed {
            Fed::Events(events) => {
                let newest = events.last().map_or(0, |event| event.seq);
                self.outlet.send(events.into_iter().map(|event| event.frame.clone())).await?;
                self.registration.reached(newest);
                Ok(())
            }
            Fed::Gap { requested, oldest } => {
                let Some((feed, _)) = &mut self.subscription else { return Ok(()) };
                let view = feed.restart();
                let pieces = frame::snapshot(None, &oldest.epoch, &view, feed.filter());
                self.outlet.send([frame::gap(None, &requested, &oldest)]).await?;
                self.outlet.send_pieces(pieces).await
            }
        }
    }

    async fn request(&mut self, id: Option<Value>, request: RequestFrame) -> Result<(), End> {
        let Ok(permit) = self.answering.clone().try_reserve_owned() else {
            let problem = Problem::new("too_many_requests", "64 requests of this socket are under way.").retry_after(1);
            let body = serde_json::to_vec(problem.body()).unwrap_or_default();
            let frame = frame::response(id.as_ref(), problem.status().as_u16(), &[], &body);
            return self.outlet.send([frame]).await;
        };
        let work = carry_out(self.state.clone(), Arc::clone(&self.principal), self.peer.clone(), id, request);
        // A task of its own: a command is not taken back when its socket goes away.
        tokio::spawn(async move {
            permit.send(work.await);
        });
        Ok(())
    }

    /// Swaps the credential; a wrong one leaves the old one in place.
    async fn authenticate(&mut self, id: Option<Value>, token: &str) -> Result<(), End> {
        let address = self.peer.as_ref().map(|peer| peer.address().ip());
        let frame = match self.swap_to(token, address).await {
            Ok(()) => {
                let body = serde_json::to_vec(&me::describe(&self.principal)).unwrap_or_default();
                frame::response(id.as_ref(), 200, &[], &body)
            }
            Err(problem) => {
                let body = serde_json::to_vec(problem.body()).unwrap_or_default();
                frame::response(id.as_ref(), problem.status().as_u16(), &[], &body)
            }
        };
        self.outlet.send([frame]).await
    }

    async fn swap_to(&mut self, token: &str, address: Option<std::net::IpAddr>) -> Result<(), Problem> {
        let principal = swap(&self.state, token, address).await?;
        let view = self.journal().view();
        if let Some((feed, wishes)) = &mut self.subscription {
            feed.set_filter(Filter::compile(wishes, &principal, &view)?);
        }
        self.principal = principal;
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), End> {
        if self.silent_rounds >= SILENT_ROUNDS {
            return Err(End::Stalled);
        }
        self.silent_rounds += 1;
        let complete = self.complete();
        self.registration.reached(complete);
        let epoch = self.journal().position().epoch;
        self.outlet.send([frame::standing("keep_alive", None, &epoch, complete)]).await?;
        self.outlet.ping().await
    }

    /// The number up to which the client has everything that it asked for.
    fn complete(&self) -> u64 {
        match &self.subscription {
            Some((feed, _)) => feed.complete(),
            None => self.journal().position().seq,
        }
    }
}

async fn next_fed(subscription: &mut Option<(Feed, Wishes)>) -> Result<Fed, End> {
    let Some((feed, _)) = subscription else {
        return std::future::pending().await;
    };
    feed.next().await.map_err(|error| {
        tracing::error!(%error, "the journal cannot be read; an event socket ends");
        End::Failed
    })
}
