//! The actor itself: its state, its loop, and one turn of it.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::assistant::Verifying;
use super::away::Away;
use super::commands::Commands;
use super::confirm::Confirmations;
use super::discovery::Discovery;
use super::features::Features;
use super::learned::Learned;
use super::lines::LineEntry;
use super::net::{Net, Route};
use super::outbox::Outbox;
use super::pacing::Pacing;
use super::probing::Probing;
use super::registrar::Registrar;
use super::report::Report;
use super::seat::Seat;
use super::services::Flights;
use super::shutdown::Shutdown;
use super::spans::Spans;
use super::sweep::Sweep;
use super::timers::{Timer, Timers};
use super::trials::Trials;
use super::{LinkCommand, Surroundings};
use crate::domain::call_table::{CallTable, SeatId};
use crate::domain::{LineId, Moment, PbxId, RandomIds};
use crate::io::sip_tcp::ConnectError;
use crate::service::journal::wall_clock;
use crate::service::pbx::Dialect;
use crate::service::trace::Tap;
use crate::sip::{Endpoint, Input, Output};
use crate::store::{PbxRow, StoreError};

/// Connection events taken in one turn: more wait for the next one, so that commands never wait behind a flood.
const BURST: usize = 64;
/// Snapshots a second after a lost connection.
const RESYNC_RATE: u32 = 100;
const RESYNC_WINDOW: u32 = 20;

/// What came of the link's own tasks.
#[derive(Debug)]
pub(super) enum News {
    /// The way to the PBX.
    Route { generation: u64, route: Result<Route, ConnectError> },
    /// A connection attempt ended.
    Connected { generation: u64, result: Result<TcpStream, ConnectError> },
    /// The XML API said something.
    Discovery { generation: u64, news: super::discovery::DiscoveryNews },
    /// The script of a field test is gone.
    ProbeOver,
    /// Lines were tried for a report.
    Tried(Box<super::doctor::Awaited>),
}

/// The link to one PBX.
pub(super) struct LinkTask {
    pub(super) row: PbxRow,
    pub(super) around: Surroundings,
    pub(super) dialect: Dialect,
    /// Rises when the SIP side starts anew: news of an earlier one are ignored.
    pub(super) generation: u64,
    pub(super) link_key: u64,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) news_in: mpsc::Sender<News>,
    pub(super) net: Net,
    /// What goes over the wire, for the trace.
    pub(super) tap: Tap,
    pub(super) spans: Spans,
    pub(super) listen_trouble: Option<String>,
    /// While the router is not reached.
    pub(super) away: Option<Away>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) registrar: Registrar,
    pub(super) lines: HashMap<LineId, LineEntry>,
    pub(super) seats: HashMap<SeatId, Seat>,
    pub(super) next_seat: u32,
    pub(super) table: CallTable,
    pub(super) pacing: Pacing<SeatId>,
    pub(super) resync: Pacing<SeatId>,
    pub(super) flights: Flights,
    pub(super) commands: Commands,
    pub(super) confirmations: Confirmations,
    pub(super) features: Features,
    pub(super) discovery: Discovery,
    pub(super) verifying: Vec<Verifying>,
    pub(super) report: Report,
    pub(super) trials: Trials,
    pub(super) sweep: Sweep,
    pub(super) learned: Learned,
    pub(super) probing: Option<Probing>,
    pub(super) timers: Timers,
    pub(super) outbox: Outbox,
    /// Sessions whose exchange has something to say.
    pub(super) busy_seats: BTreeSet<SeatId>,
    /// Lines whose object may have changed.
    pub(super) changed_lines: BTreeSet<LineId>,
    /// How many calls a number can have at once, where the XML API tells.
    pub(super) channels: HashMap<String, usize>,
    pub(super) shutdown: Option<Shutdown>,
    /// Whether the PBX is seen, as it was last told.
    pub(super) is_in_sight: Option<bool>,
    pub(super) is_done: bool,
    moment: Moment,
}

impl std::fmt::Debug for LinkTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkTask").field("pbx", &self.row.id).finish_non_exhaustive()
    }
}

impl LinkTask {
    /// A link with the lines and calls that the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn begin(row: PbxRow, around: Surroundings) -> Result<Self, StoreError> {
        static KEYS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let link_key = KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (news_in, news) = mpsc::channel(64);
        let learned = Learned::restore(&row, &around.store).await?;
        let dialect = learned.dialect(&row.settings);
        let options = row.settings.options.clone();
        let moment = moment();
        let mut task = Self {
            table: CallTable::new(row.id.clone(), Default::default(), Box::new(RandomIds)),
            registrar: Registrar::default(),
            discovery: Discovery::default(),
            verifying: Vec::new(),
            report: Report::new(&row, moment.wall),
            trials: Trials::knowing(learned.seed()),
            sweep: Sweep::default(),
            learned,
            probing: None,
            dialect,
            generation: 0,
            link_key,
            news,
            news_in,
            net: Net::new(link_key),
            tap: around.trace.tap(&row.id),
            spans: Spans::default(),
            listen_trouble: None,
            away: None,
            endpoint: None,
            lines: HashMap::new(),
            seats: HashMap::new(),
            next_seat: 0,
            pacing: Pacing::new(options.invite_rate_per_s, options.invite_window),
            resync: Pacing::new(RESYNC_RATE, RESYNC_WINDOW),
            flights: Flights::default(),
            commands: Commands::default(),
            confirmations: Confirmations::default(),
            features: Features::default(),
            timers: Timers::default(),
            outbox: Outbox::default(),
            busy_seats: BTreeSet::new(),
            changed_lines: BTreeSet::new(),
            channels: HashMap::new(),
            shutdown: None,
            is_in_sight: None,
            is_done: false,
            moment,
            row,
            around,
        };
        task.report.assume(task.dialect.assumed_services());
        task.restore().await?;
        Ok(task)
    }

    pub(super) fn pbx(&self) -> &PbxId {
        &self.row.id
    }

    /// The time of this turn.
    pub(super) fn now(&self) -> Instant {
        self.moment.now
    }

    /// The time of this turn on both clocks.
    pub(super) fn at(&self) -> Moment {
        self.moment
    }

    /// Runs until the link is stopped or removed.
    pub(super) async fn run(mut self, mailbox: &mut mpsc::Receiver<LinkCommand>) {
        self.start();
        self.start_sweep();
        self.settle();
        while !self.is_done {
            let deadline = self.deadline();
            let sleep = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = self.net.events.recv() => {
                    self.moment = moment();
                    let mut next = event;
                    let mut taken = 0;
                    while let Some(event) = next {
                        self.on_flow_event(event);
                        taken += 1;
                        next = if taken < BURST { self.net.events.try_recv().ok() } else { None };
                    }
                }
                accepted = self.net.accepted.recv() => {
                    self.moment = moment();
                    if let Some(accepted) = accepted {
                        self.on_accepted(accepted);
                    }
                }
                news = self.news.recv() => {
                    self.moment = moment();
                    if let Some(news) = news {
                        self.on_news(news).await;
                    }
                }
                command = mailbox.recv() => {
                    self.moment = moment();
                    match command {
                        Some(command) => self.on_command(command).await,
                        // Every handle is gone: nobody can stop it any more.
                        None => self.is_done = true,
                    }
                }
                () = sleep => {
                    self.moment = moment();
                    self.on_time();
                }
            }
            self.settle();
            self.keep_learned().await;
        }
        self.close_net();
    }

    async fn on_news(&mut self, news: News) {
        match news {
            News::Route { generation, route } if generation == self.generation => self.on_route(route).await,
            News::Connected { generation, result } if generation == self.generation => self.on_connected(result),
            News::Discovery { generation, news } if generation == self.discovery.generation() => {
                self.on_discovery(news).await;
            }
            News::ProbeOver => self.probe_is_over(),
            News::Tried(awaited) => self.on_tried(*awaited),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let parts = [
            self.timers.next(),
            self.endpoint.as_ref().and_then(Endpoint::deadline),
            self.table.deadline(),
            self.may_open_sessions().then(|| self.pacing.deadline()).flatten(),
            self.net.is_connected().then(|| self.resync.deadline()).flatten(),
        ];
        parts.into_iter().flatten().min()
    }

    fn on_time(&mut self) {
        let now = self.now();
        if self.endpoint.as_ref().and_then(Endpoint::deadline).is_some_and(|at| at <= now) {
            self.feed(Input::Timeout);
        }
        self.table.tick(self.moment);
        while let Some(timer) = self.timers.take(now) {
            self.on_timer(timer);
        }
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Connect => self.connect_now(),
            Timer::Resolve => self.find_route(),
            Timer::Register => self.on_register_time(),
            Timer::LinesMayStart => self.on_register_waited(),
            Timer::Discovery => self.discover(),
            Timer::Status => self.tell_status(),
            Timer::Sweep => self.sweep(),
            Timer::Seat(seat) => self.on_seat_time(seat),
            Timer::Exchange(seat) => self.on_exchange_time(seat),
            Timer::Early(seat) => self.on_early_time(seat),
            Timer::Confirm(number) => self.on_confirm_time(number),
            Timer::Command(number) => self.on_command_time(number),
            Timer::Probe => self.on_probe_time(),
            Timer::Verify => self.on_verify_time(),
            Timer::Shutdown => self.on_shutdown_time(),
        }
    }

    /// Gives the SIP endpoint an input.
    pub(super) fn feed(&mut self, input: Input) {
        let now = self.now();
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.handle(now, input);
        }
    }

    /// Works until nothing is left to do in this turn, then publishes what came of it.
    fn settle(&mut self) {
        loop {
            self.open_due_sessions();
            self.resync_due_seats();
            if self.poll_endpoint() {
                continue;
            }
            if let Some(seat) = self.busy_seats.pop_first() {
                self.poll_exchange(seat);
                continue;
            }
            if let Some(output) = self.table.poll() {
                self.on_table_output(output);
                continue;
            }
            break;
        }
        self.tell_changed_lines();
        self.look();
        self.check_verification();
        self.trace_commands();
        self.tap.told(self.outbox.changes());
        self.spans.told(self.outbox.changes());
        self.outbox.flush(&self.around.journal);
        self.is_shutdown_done();
    }

    /// One output of the endpoint; `false` when there is none.
    fn poll_endpoint(&mut self) -> bool {
        let Some(output) = self.endpoint.as_mut().and_then(Endpoint::poll) else { return false };
        match output {
            Output::Connect => self.connect(),
            Output::Send { flow, data } => {
                self.tap_sent(flow.0, &data);
                self.tap.sent(flow.0, &data);
                self.net.send(flow, data);
            }
            Output::CloseFlow { flow, why } => {
                tracing::warn!(link.name = %self.row.settings.name, ?why, "a SIP connection is closed: its framing is lost");
                metrics::counter!("linegate_sip_framing_lost_total").increment(1);
                self.tap.closed(flow.0);
                self.net.close(flow);
            }
            Output::Event(event) => self.on_sip_event(event),
        }
        true
    }
}

pub(super) fn moment() -> Moment {
    Moment { now: Instant::now(), wall: wall_clock() }
}
