//! A seat: one address of a line with its session, its monitor and its conversation in CSTA.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::task::LinkTask;
use super::timers::Timer;
use crate::csta::exchange::early::EarlyEvents;
use crate::csta::exchange::{Exchange, ExchangeConfig, ResponseMode};
use crate::csta::{Encoding, Namespace};
use crate::domain::call_table::{SeatId, SnapshotCall};
use crate::domain::{LineId, Monitor, MonitorState, Timestamp};
use crate::service::pbx::{self, TemplateValues};

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not wanted: the line or the PBX is switched off.
    Off,
    /// Waits for its turn, or for the link.
    Queued,
    /// INVITE is out.
    Inviting,
    /// The session stands; the system status or the monitor is being asked for.
    Opening,
    /// Monitored.
    Active,
    /// Failed; tried again later.
    Waiting,
    /// Being closed.
    Closing,
}

/// What the PBX said when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// To the INVITE.
    Session(String),
    /// To MonitorStart.
    Monitor(String),
}

/// A snapshot that is put together call by call (U-24, `call`).
#[derive(Debug)]
pub(super) struct CallsAsked {
    pub(super) left: usize,
    pub(super) found: Vec<SnapshotCall>,
    /// Something else than a yes or a no came: nothing may be concluded from what is missing.
    pub(super) is_unsure: bool,
}

/// One address of a line.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) line: LineId,
    pub(super) address: u8,
    pub(super) number: String,
    /// The phone that the session names: of a mobility line none, unless the dialect wants it.
    pub(super) mac: Option<String>,
    pub(super) phase: Phase,
    pub(super) monitor: Monitor,
    pub(super) exchange: Exchange,
    pub(super) early: EarlyEvents,
    pub(super) xref: Option<String>,
    /// The string that the PBX itself uses for this device.
    pub(super) learned_device: Option<String>,
    /// Which of the identity templates is being tried.
    pub(super) from_attempt: usize,
    pub(super) device_attempt: usize,
    /// The last INVITE's body began with an XML declaration.
    pub(super) sent_declaration: bool,
    /// The PBX wants this mobility line's session to name the phone (U-27).
    pub(super) needs_phone: bool,
    /// Times that the session ended by itself, recently.
    pub(super) ends: u32,
    pub(super) monitor_stops: VecDeque<Instant>,
    pub(super) is_snapshot_out: bool,
    pub(super) is_snapshot_wanted: bool,
    /// A snapshot that is put together call by call.
    pub(super) calls_asked: Option<CallsAsked>,
    /// The snapshot waits for the states that the XML API tells.
    pub(super) awaits_states: bool,
    /// This session holds a turn of the pacing.
    pub(super) has_turn: bool,
    /// A snapshot of a resynchronisation is out.
    pub(super) in_resync: bool,
    pub(super) remote_in_use: bool,
    /// The PBX's own words at the last refusal.
    pub(super) said: Option<Said>,
    /// After this session opened, did the registration change its reference id?
    pub(super) opened_at: Option<Instant>,
}

impl Seat {
    pub(super) fn new(
        line: LineId,
        address: u8,
        number: String,
        mac: Option<String>,
        exchange: ExchangeConfig,
        since: Timestamp,
    ) -> Self {
        Self {
            line,
            address,
            number,
            mac,
            phase: Phase::Off,
            monitor: Monitor::plain(MonitorState::Off, since),
            exchange: Exchange::new(exchange),
            early: EarlyEvents::new(),
            xref: None,
            learned_device: None,
            from_attempt: 0,
            device_attempt: 0,
            sent_declaration: true,
            needs_phone: false,
            ends: 0,
            monitor_stops: VecDeque::new(),
            is_snapshot_out: false,
            is_snapshot_wanted: false,
            calls_asked: None,
            awaits_states: false,
            has_turn: false,
            in_resync: false,
            remote_in_use: false,
            said: None,
            opened_at: None,
        }
    }

    /// Whether the session stands, so that services can be asked for.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Active)
    }

    pub(super) fn values<'a>(&'a self, task: &'a SeatSurroundings) -> TemplateValues<'a> {
        TemplateValues {
            number: Some(&self.number),
            mac: self.mac.as_deref(),
            register_id: Some(&task.register_id),
            digits: Some(&self.number),
            cme: Some(&task.host),
        }
    }
}

/// What templates of a seat may name beside the seat.
#[derive(Debug, Clone)]
pub(super) struct SeatSurroundings {
    pub(super) register_id: String,
    pub(super) host: String,
}

impl LinkTask {
    pub(super) fn seat_surroundings(&self) -> SeatSurroundings {
        SeatSurroundings {
            register_id: self.row.settings.sip.session_server_id.clone(),
            host: self.row.settings.host.clone(),
        }
    }

    /// Settings of the conversations in CSTA.
    pub(super) fn exchange_config(&self) -> ExchangeConfig {
        let csta = &self.dialect.csta;
        let namespace = self.trials.namespace().unwrap_or_else(|| Namespace::named(&csta.namespace));
        let encoding = Encoding {
            namespace,
            prefix: (!csta.prefix.is_empty()).then(|| csta.prefix.clone()),
            declaration: self.has_declaration(),
            ..Encoding::default()
        };
        ExchangeConfig {
            encoding,
            learn_namespace: csta.namespace == "learn" && self.trials.namespace().is_none(),
            response_mode: match self.dialect.response.mode {
                pbx::ResponseMode::Final => ResponseMode::Final,
                pbx::ResponseMode::Separate => ResponseMode::Separate,
                pbx::ResponseMode::Auto => ResponseMode::Auto,
            },
            charset: self.dialect.fallback_charset().unwrap_or_default(),
            max_outstanding: usize::try_from(self.dialect.dialog.max_outstanding).unwrap_or(1),
            ..ExchangeConfig::default()
        }
    }

    /// Sets the timer of a seat's exchange; to be called after everything that touches it.
    pub(super) fn touch(&mut self, id: SeatId) {
        self.busy_seats.insert(id);
        let deadline = self.seats.get(&id).and_then(|seat| seat.exchange.deadline());
        self.timers.set(Timer::Exchange(id), deadline);
    }

    /// Asks for a seat's turn after a pause.
    pub(super) fn seat_in(&mut self, id: SeatId, pause: Duration) {
        let at = self.now() + pause;
        self.timers.set(Timer::Seat(id), Some(at));
    }
}
