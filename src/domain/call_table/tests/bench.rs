//! Three phones of one PBX, a clock that only moves when told, and words for signals.

use std::time::{Duration, Instant};

use crate::domain::call_table::{
    Actor, CallTable, Change, Connection, Device, Endpoint, LocalState, Output, Parties, SeatId, SeatSettings, Signal,
    SignalCause, SignalKind, SnapshotCall, TableSettings,
};
use crate::domain::{Action, Call, CallId, CallState, IdSource, LineId, Moment, PbxId, Timestamp};

pub(super) const A: &str = "6F10A2B4-C0DE11EF-8123A0B1-00C0FFEE";
pub(super) const B: &str = "6F10A2B4-C0DE11EF-8124A0B1-00C0FFEE";
/// Line 201 on its phone.
pub(super) const ANNA: SeatId = SeatId(1);
/// Line 202 on its phone.
pub(super) const BERT: SeatId = SeatId(2);

pub(super) struct Counter(pub(super) u128);

impl IdSource for Counter {
    fn next(&mut self) -> [u8; 16] {
        self.0 += 1;
        self.0.to_be_bytes()
    }
}

pub(super) struct Bench {
    pub(super) table: CallTable,
    pub(super) at: Moment,
    out: Vec<Output>,
}

pub(super) fn line(name: &str) -> LineId {
    LineId::parse(&format!("{}{name}", LineId::PREFIX)).unwrap()
}

pub(super) fn mac(seat: SeatId) -> String {
    format!("0A1B2C3D4E{:02}", seat.0)
}

/// The phone of a seat as the PBX names it.
pub(super) fn phone(seat: SeatId) -> Device {
    Device { number: format!("{}", 200 + seat.0), mac: Some(mac(seat)) }
}

pub(super) fn device(number: &str) -> Device {
    Device { number: number.to_owned(), mac: None }
}

/// Another phone with the number of Anna.
pub(super) fn twin() -> Device {
    Device { number: "201".to_owned(), mac: Some("0A1B2C3D4EFF".to_owned()) }
}

pub(super) fn who(device: &Device) -> Endpoint {
    Endpoint::Device(device.clone())
}

pub(super) fn at(call: &str, device: &Device) -> Connection {
    Connection { call: Some(call.to_owned()), device: Some(device.clone()) }
}

pub(super) fn parties(calling: &Device, called: &Device) -> Parties {
    Parties { calling: who(calling), called: who(called), redirecting: Endpoint::Absent }
}

pub(super) fn dial_tone(call: &str, seat: SeatId) -> SignalKind {
    SignalKind::DialTone { connection: at(call, &phone(seat)) }
}

pub(super) fn originated(call: &str, seat: SeatId, called: &Endpoint) -> SignalKind {
    let parties = Parties { calling: who(&phone(seat)), called: called.clone(), redirecting: Endpoint::Absent };
    SignalKind::Originated { connection: at(call, &phone(seat)), parties }
}

pub(super) fn delivered(call: &str, from: &Device, to: &Device) -> SignalKind {
    SignalKind::Delivered { connection: at(call, to), alerting: who(to), parties: parties(from, to) }
}

pub(super) fn established(call: &str, from: &Device, to: &Device) -> SignalKind {
    SignalKind::Established { connection: at(call, to), answering: who(to), parties: parties(from, to) }
}

pub(super) fn held(call: &str, device: &Device) -> SignalKind {
    SignalKind::Held { connection: at(call, device), holding: who(device) }
}

pub(super) fn retrieved(call: &str, device: &Device) -> SignalKind {
    SignalKind::Retrieved { connection: at(call, device), retrieving: who(device) }
}

pub(super) fn cleared(call: &str, device: &Device) -> SignalKind {
    SignalKind::ConnectionCleared { connection: at(call, device), releasing: who(device) }
}

pub(super) fn seen(call: &str, seat: SeatId, far: &str, own: LocalState, other: Option<LocalState>) -> SnapshotCall {
    SnapshotCall {
        connection: at(call, &phone(seat)),
        endpoint: who(&device(far)),
        own,
        others: other.into_iter().collect(),
    }
}

impl Bench {
    pub(super) fn with(settings: TableSettings) -> Self {
        let pbx = PbxId::parse(&format!("{}hq", PbxId::PREFIX)).unwrap();
        let mut table = CallTable::new(pbx, settings, Box::new(Counter(0)));
        for (seat, name) in [(ANNA, "anna"), (BERT, "bert")] {
            let settings = SeatSettings {
                line: line(name),
                address: 0,
                numbers: vec![phone(seat).number, format!("+4989{}", phone(seat).number)],
                mac: Some(mac(seat)),
            };
            table.place(seat, settings);
        }
        let names = [("201", "Anna"), ("202", "Bert")];
        table.name_numbers(names.map(|(number, name)| (number.to_owned(), name.to_owned())).into());
        let at = Moment { now: Instant::now(), wall: Timestamp::from_unix_ms(1_700_000_000_000) };
        Self { table, at, out: Vec::new() }
    }

    pub(super) fn new() -> Self {
        Self::with(TableSettings::default())
    }

    pub(super) fn pump(&mut self) {
        self.out.extend(std::iter::from_fn(|| self.table.poll()));
    }

    pub(super) fn say(&mut self, seat: SeatId, kind: SignalKind) -> &mut Self {
        self.say_more(seat, kind, None, SignalCause::Normal)
    }

    pub(super) fn say_because(&mut self, seat: SeatId, kind: SignalKind, cause: SignalCause) -> &mut Self {
        self.say_more(seat, kind, None, cause)
    }

    pub(super) fn say_more(
        &mut self,
        seat: SeatId,
        kind: SignalKind,
        local_state: Option<LocalState>,
        cause: SignalCause,
    ) -> &mut Self {
        self.table.signal(self.at, seat, Signal { kind, local_state, cause });
        self.pump();
        self
    }

    pub(super) fn snapshot(&mut self, seat: SeatId, calls: &[SnapshotCall]) -> &mut Self {
        self.table.snapshot(self.at, seat, calls);
        self.pump();
        self
    }

    pub(super) fn pass_ms(&mut self, ms: u64) -> &mut Self {
        let until = self.at.now + Duration::from_millis(ms);
        while let Some(due) = self.table.deadline().filter(|due| *due <= until) {
            self.step(due.max(self.at.now));
        }
        self.step(until);
        self
    }

    fn step(&mut self, to: Instant) {
        let ms = i64::try_from((to - self.at.now).as_millis()).unwrap();
        self.at = Moment { now: to, wall: Timestamp::from_unix_ms(self.at.wall.unix_ms() + ms) };
        self.table.tick(self.at);
        self.pump();
    }

    /// Everything told since the last look.
    pub(super) fn told(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// Forgets what was told.
    pub(super) fn hush(&mut self) -> &mut Self {
        self.out.clear();
        self
    }

    #[track_caller]
    pub(super) fn quiet(&self) {
        assert!(self.out.is_empty(), "{:?}", self.out);
    }

    /// The one living call of a line.
    #[track_caller]
    pub(super) fn call(&self, seat: SeatId) -> Call {
        let calls = self.calls(seat);
        let [call] = calls.as_slice() else { panic!("{} calls", calls.len()) };
        call.clone()
    }

    pub(super) fn calls(&self, seat: SeatId) -> Vec<Call> {
        let line = line(if seat == ANNA { "anna" } else { "bert" });
        self.table.calls_of_line(&line).cloned().collect()
    }

    pub(super) fn state(&self, seat: SeatId) -> CallState {
        self.call(seat).state
    }

    pub(super) fn id(&self, seat: SeatId) -> CallId {
        self.call(seat).id
    }

    /// The ends among what was told since the last look.
    pub(super) fn ends(&mut self) -> Vec<Call> {
        let told = self.told();
        told.into_iter()
            .filter_map(|output| match output {
                Output::Ended(change) => Some(change.call),
                _ => None,
            })
            .collect()
    }

    #[track_caller]
    pub(super) fn end(&mut self) -> Call {
        let ends = self.ends();
        let [call] = ends.as_slice() else { panic!("{} ends", ends.len()) };
        call.clone()
    }

    /// The last change of a call that was told.
    #[track_caller]
    pub(super) fn last_change(&mut self) -> Change {
        let told = self.told();
        let found = told.into_iter().rev().find_map(|output| match output {
            Output::Created(change) | Output::Updated(change) | Output::Ended(change) => Some(*change),
            _ => None,
        });
        found.unwrap()
    }

    /// Whether a snapshot was asked for since the last look.
    pub(super) fn wants_snapshot(&mut self) -> bool {
        self.told().iter().any(|output| matches!(output, Output::WantSnapshot { seat: ANNA }))
    }

    pub(super) fn actions(&self, id: &CallId) -> Vec<&'static str> {
        self.table.call(id).unwrap().allowed_actions.iter().map(Action::as_str).collect()
    }

    /// Anna speaks with 233 in call A, having been called.
    pub(super) fn talking() -> Self {
        let mut bench = Self::new();
        let far = device("233");
        bench.say(ANNA, delivered(A, &far, &phone(ANNA))).say(ANNA, established(A, &far, &phone(ANNA)));
        bench.hush();
        bench
    }

    /// Anna holds call A with 233 and speaks with 240 in call B, having called.
    pub(super) fn consulting() -> Self {
        let mut bench = Self::talking();
        let third = device("240");
        bench
            .say_because(ANNA, held(A, &phone(ANNA)), SignalCause::Consultation)
            .say_because(ANNA, originated(B, ANNA, &who(&third)), SignalCause::Consultation)
            .say(ANNA, delivered(B, &phone(ANNA), &third))
            .say(ANNA, established(B, &phone(ANNA), &third));
        bench.hush();
        bench
    }
}

/// Who caused a change, as a word.
pub(super) fn by(change: &Change) -> String {
    match &change.actor {
        Actor::Phone => "phone".to_owned(),
        Actor::Gateway => "gateway".to_owned(),
        Actor::Token(name) => name.clone(),
    }
}
