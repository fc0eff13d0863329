//! The forms in which a PBX wants to be addressed: what is tried next when it refuses one, and what has worked
//! (dossier 15b: U-1, U-4, U-7 to U-11, U-24, U-33, U-37).

use std::collections::BTreeMap;

use serde_json::Value;

use super::seat::{Phase, Seat};
use super::services::Purpose;
use super::task::LinkTask;
use crate::csta::{LocalConnectionState, Namespace, OwnIndex, Request, SnapshotDeviceInfo};
use crate::domain::CallState;
use crate::domain::call_table::SeatId;
use crate::service::pbx::{
    self, Dialect, KeepaliveKind, PrivateLine, ReferenceId, RegisterMode, ResponseMode, Switch, Template,
    TemplateValues,
};

/// Forms of a device after the one of the dialect (U-9); the last is for a PBX whose learned form works no more.
pub(super) const DEVICES: [&str; 4] = ["tel:{number}", "{number}", "sip:{number}@{cme}", "tel:{number};device={mac}"];
/// Forms of a dialled number (U-10).
pub(super) const NUMBERS: [&str; 2] = ["tel:{digits}", "{digits}"];

/// What a link has found out by trying.
#[derive(Debug, Default)]
pub(super) struct Trials {
    invite: Option<usize>,
    device: Option<usize>,
    /// The XML declaration that is sent now, where it is not the one of the dialect.
    declaration: Option<bool>,
    is_declaration_settled: bool,
    private_line: bool,
    number: Option<Template>,
    namespace: Option<Namespace>,
    /// It was heard in this run.
    is_namespace_heard: bool,
    has_separate_responses: bool,
    /// OPTIONS was not answered: the registration keeps the connection in use.
    reregisters: bool,
    index: IndexVotes,
}

/// What ringing calls say about which state of a snapshot is the own one (U-24): their pair is never the same both ways.
#[derive(Debug, Default, Clone, Copy)]
struct IndexVotes {
    first: u8,
    last: u8,
}

/// So many ringing calls, and none that speaks against it.
const INDEX_VOTES: u8 = 2;

impl IndexVotes {
    fn winner(self) -> Option<pbx::OwnIndex> {
        match self {
            Self { first: 0, last: INDEX_VOTES.. } => Some(pbx::OwnIndex::Last),
            Self { first: INDEX_VOTES.., last: 0 } => Some(pbx::OwnIndex::First),
            _ => None,
        }
    }
}

impl Trials {
    /// Trials that begin with what earlier ones learned and the dialect does not hold.
    pub(super) fn knowing(learned: &BTreeMap<String, Value>) -> Self {
        let namespace = learned.get("csta.namespace").and_then(Value::as_str).map(Namespace::named);
        Self { namespace, ..Self::default() }
    }

    /// Whether any identity was ever accepted.
    pub(super) fn has_identity_worked(&self) -> bool {
        self.invite.is_some()
    }

    pub(super) fn has_device_worked(&self) -> bool {
        self.device.is_some()
    }

    pub(super) fn device_worked(&mut self, attempt: usize) {
        self.device.get_or_insert(attempt);
    }

    /// A session stands with this identity and this declaration.
    pub(super) fn invite_worked(&mut self, attempt: usize) {
        self.invite.get_or_insert(attempt);
        self.is_declaration_settled = true;
    }

    /// The PBX takes numbers in this form.
    pub(super) fn number_worked(&mut self, form: Template) {
        self.number = Some(form);
    }

    /// The namespace that the PBX was heard to use, where it is to be learned (U-11).
    pub(super) fn namespace(&self) -> Option<Namespace> {
        self.namespace.clone()
    }

    /// A response came in an INFO of its own (U-33).
    pub(super) fn responses_are_separate(&mut self) {
        self.has_separate_responses = true;
    }

    /// What was learned, as settings of the dialect.
    pub(super) fn learned(&self, dialect: &Dialect) -> BTreeMap<String, Value> {
        let mut learned = BTreeMap::new();
        let mut learn = |key: &str, value: String| {
            learned.insert(key.to_owned(), Value::from(value));
        };
        if let Some(attempt) = self.invite.filter(|attempt| *attempt > 0) {
            let form = invite_form(dialect, attempt);
            if let Some(user) = form.user.filter(|user| **user != dialect.invite.from_user) {
                learn("invite.from_user", user.to_string());
            }
            if form.has_reference != (dialect.invite.reference_id == ReferenceId::Header) {
                learn("invite.reference_id", if form.has_reference { "header" } else { "none" }.to_owned());
            }
        }
        if let Some(form) = self.device.and_then(|attempt| attempt.checked_sub(1)).and_then(|at| DEVICES.get(at)) {
            learn("device_id.self", (*form).to_owned());
        }
        if let Some(declaration) = self.declaration.filter(|_| self.is_declaration_settled) {
            learn("xml.declaration", if declaration { "on" } else { "off" }.to_owned());
        }
        if self.private_line {
            learn("status.private_line", "lcs".to_owned());
        }
        if let Some(form) = &self.number {
            learn("called.template", form.to_string());
        }
        if let Some(namespace) = &self.namespace {
            learn("csta.namespace", namespace.name().to_owned());
        }
        if self.has_separate_responses && dialect.response.mode == ResponseMode::Auto {
            learn("response.mode", "separate".to_owned());
        }
        if self.reregisters {
            learn("keepalive.tcp", "reregister".to_owned());
        }
        if let Some(index) = self.index.winner().filter(|index| *index != dialect.snapshot.own_index) {
            let word = if index == pbx::OwnIndex::Last { "last" } else { "first" };
            learn("snapshot.own_index", word.to_owned());
        }
        learned
    }
}

/// One way to say who calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct InviteForm<'a> {
    /// The user of From; `None` for an attempt that does not exist.
    pub(super) user: Option<&'a Template>,
    /// Whether the reference id of the registration is echoed.
    pub(super) has_reference: bool,
}

/// The identity of an attempt: every user with the reference id as the dialect wants it, then the other way round.
fn invite_form(dialect: &Dialect, attempt: usize) -> InviteForm<'_> {
    let invite = &dialect.invite;
    let users = 1 + invite.from_user_fallback.len();
    let user = match attempt % users {
        0 => Some(&invite.from_user),
        at => invite.from_user_fallback.get(at - 1),
    };
    InviteForm { user, has_reference: (invite.reference_id == ReferenceId::Header) == (attempt < users) }
}

/// How many identities there are. Without a registration there is no reference id to leave out or to add.
fn invite_forms(dialect: &Dialect) -> usize {
    let users = 1 + dialect.invite.from_user_fallback.len();
    if dialect.register.mode == RegisterMode::Never { users } else { 2 * users }
}

impl LinkTask {
    /// The status answer of a session shows the namespace that the PBX uses (U-11).
    pub(super) fn learn_namespace(&mut self, body: &[u8]) {
        if self.dialect.csta.namespace == "learn"
            && !self.trials.is_namespace_heard
            && let Some(heard) = Namespace::learn(body)
        {
            self.trials.is_namespace_heard = true;
            self.trials.namespace = Some(Namespace::named(heard.uri()));
            self.status_changed();
        }
    }

    /// OPTIONS is not answered: from now on the registration keeps the connection in use (U-7).
    pub(super) fn options_do_not_work(&mut self) {
        if self.dialect.keepalive.tcp == KeepaliveKind::Options
            && self.dialect.register.mode != RegisterMode::Never
            && !std::mem::replace(&mut self.trials.reregisters, true)
        {
            self.status_changed();
        }
    }

    /// What keeps the connection in use.
    pub(super) fn keepalive_kind(&self) -> KeepaliveKind {
        if self.trials.reregisters { KeepaliveKind::Reregister } else { self.dialect.keepalive.tcp }
    }

    /// Which state of a snapshot is the own one (U-24).
    pub(super) fn own_index(&self) -> OwnIndex {
        match self.trials.index.winner().unwrap_or(self.dialect.snapshot.own_index) {
            pbx::OwnIndex::First => OwnIndex::First,
            pbx::OwnIndex::Last => OwnIndex::Last,
        }
    }

    /// Compares what a snapshot says about a ringing call with what is known of it.
    pub(super) fn learn_index(&mut self, id: SeatId, info: &SnapshotDeviceInfo<'_>) {
        use LocalConnectionState as L;
        let Some(pbx_call) = info.connection.call_id.as_deref() else { return };
        let Some(call) = self.table.call_at(id, pbx_call) else { return };
        let before = self.trials.index.winner();
        let state = &info.local_call_state;
        let pair = (state.own(OwnIndex::First), state.own(OwnIndex::Last));
        let votes = &mut self.trials.index;
        let vote = match (call.state, pair) {
            (CallState::Offering, (Some(L::Alerting), Some(L::Connected)))
            | (CallState::Ringback, (Some(L::Connected), Some(L::Alerting))) => &mut votes.first,
            (CallState::Offering, (Some(L::Connected), Some(L::Alerting)))
            | (CallState::Ringback, (Some(L::Alerting), Some(L::Connected))) => &mut votes.last,
            _ => return,
        };
        *vote = vote.saturating_add(1);
        if self.trials.index.winner() != before {
            self.status_changed();
        }
    }

    /// The identity that a seat uses now.
    pub(super) fn form_of(&self, seat: &Seat) -> InviteForm<'_> {
        invite_form(&self.dialect, seat.from_attempt.max(self.trials.invite.unwrap_or(0)))
    }

    /// An INVITE was refused: is there another form to try? If so the seat waits for its turn again.
    pub(super) fn tries_another_form(&mut self, id: SeatId, status: Option<u16>) -> bool {
        let is_text = matches!(status, Some(400 | 415)) && !self.trials.is_declaration_settled;
        let is_identity = matches!(status, Some(400 | 403 | 404 | 484 | 485 | 488 | 604))
            && !self.trials.has_identity_worked()
            && !self.is_explained(id);
        let forms = invite_forms(&self.dialect);
        let wanted = self.dialect.xml.declaration == Switch::On;
        let now = self.has_declaration();
        let mac = self.host_of(id);
        let Some(seat) = self.seats.get_mut(&id) else { return false };
        if is_text {
            if seat.sent_declaration == wanted {
                // U-37; sessions that were refused at the same time find it turned already.
                self.trials.declaration = Some(!wanted);
                self.enqueue(id);
                return true;
            }
            if now != wanted {
                self.trials.declaration = None;
                self.trials.is_declaration_settled = true;
            }
        }
        if is_identity {
            if seat.from_attempt + 1 < forms {
                seat.from_attempt += 1;
                self.enqueue(id);
                return true;
            }
            seat.from_attempt = 0;
        }
        // A mobility line may need the phone that carries it (U-27).
        if matches!(status, Some(400..=499 | 600..=699))
            && seat.mac.is_none()
            && let Some(mac) = mac
        {
            seat.mac = Some(mac);
            seat.needs_phone = true;
            self.enqueue(id);
            return true;
        }
        false
    }

    /// The phone that carries a mobility line whose session has not named it yet.
    fn host_of(&self, id: SeatId) -> Option<String> {
        let seat = self.seats.get(&id).filter(|seat| !seat.needs_phone)?;
        self.lines.get(&seat.line)?.row.body.host_mac.clone()
    }

    /// Whether XML bodies begin with a declaration.
    pub(super) fn has_declaration(&self) -> bool {
        self.trials.declaration.unwrap_or(self.dialect.xml.declaration == Switch::On)
    }

    /// The line as private data of the system status request, where it is wanted (U-8).
    pub(super) fn private_line(&self, seat: &Seat) -> Option<String> {
        let is_wanted = self.trials.private_line || self.dialect.status.private_line == PrivateLine::Lcs;
        is_wanted.then(|| self.dialect.status.line_uri.fill(seat.values(&self.seat_surroundings()))).flatten()
    }

    /// Asks for the system status with the line as private data: without it the PBX told none, or not a normal one.
    pub(super) fn ask_status_with_line(&mut self, id: SeatId) {
        let around = self.seat_surroundings();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let line = self.dialect.status.line_uri.fill(seat.values(&around));
        let mut encoding = seat.exchange.encoding().clone();
        encoding.private_line = line;
        seat.exchange.set_encoding(encoding);
        self.submit(id, Request::RequestSystemStatus, Purpose::Status);
    }

    /// The status is normal: did it take the private data to get it?
    pub(super) fn status_worked(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.phase == Phase::Opening) else { return };
        let has_line = seat.exchange.encoding().private_line.is_some();
        if has_line && self.dialect.status.private_line == PrivateLine::None && !self.trials.private_line {
            self.trials.private_line = true;
            self.status_changed();
        }
    }

    /// The device string of a seat in requests (U-9).
    pub(super) fn device_of(&self, seat: &Seat) -> String {
        if let Some(learned) = &seat.learned_device {
            return learned.clone();
        }
        let around = self.seat_surroundings();
        let attempt = seat.device_attempt.max(self.trials.device.unwrap_or(0));
        let own = (attempt == 0).then(|| self.dialect.device_id.self_id.fill(seat.values(&around))).flatten();
        own.or_else(|| {
            // A form of the dialect whose fields are not known (no MAC) is passed over.
            let form = DEVICES.get(attempt.saturating_sub(1)).and_then(|form| Template::parse(form).ok())?;
            form.fill(seat.values(&around))
        })
        .unwrap_or_else(|| format!("tel:{}", seat.number))
    }

    /// After a refused MonitorStart: whether another device string is left to try.
    pub(super) fn tries_another_device(&mut self, id: SeatId) -> bool {
        if self.trials.has_device_worked() {
            return false;
        }
        let own = self.dialect.device_id.self_id.to_string();
        let Some(seat) = self.seats.get_mut(&id) else { return false };
        let other = (seat.device_attempt..DEVICES.len()).find(|at| DEVICES.get(*at).is_some_and(|form| *form != own));
        if let Some(at) = other {
            seat.device_attempt = at + 1;
            seat.learned_device = None;
            return true;
        }
        seat.device_attempt = 0;
        false
    }

    /// A number as the PBX wants it (U-10); empty digits ask for dial tone.
    pub(super) fn called(&self, digits: &str) -> String {
        let form = self.trials.number.as_ref().unwrap_or(&self.dialect.called.template);
        self.called_as(form, digits)
    }

    pub(super) fn called_as(&self, form: &Template, digits: &str) -> String {
        if digits.is_empty() {
            return String::new();
        }
        let values = TemplateValues {
            digits: Some(digits),
            number: Some(digits),
            cme: Some(&self.row.settings.host),
            ..TemplateValues::default()
        };
        form.fill(values).unwrap_or_else(|| digits.to_owned())
    }

    /// The form to try when the PBX calls a number of its own invalid; `None` when a form has worked already.
    pub(super) fn other_number_form(&self) -> Option<Template> {
        if self.trials.number.is_some() {
            return None;
        }
        let used = self.dialect.called.template.to_string();
        NUMBERS.iter().find(|form| **form != used).and_then(|form| Template::parse(form).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_is_tried_before_the_reference_id_is_left_out() {
        let dialect = Dialect::default();
        let forms: Vec<(String, bool)> = (0..invite_forms(&dialect))
            .map(|attempt| invite_form(&dialect, attempt))
            .filter_map(|form| Some((form.user?.to_string(), form.has_reference)))
            .collect();
        let users = ["{number}_{mac}", "{number}", "{register_id}"];
        let wanted: Vec<(String, bool)> =
            [true, false].iter().flat_map(|with| users.map(|user| (user.to_owned(), *with))).collect();
        assert_eq!(forms, wanted);
    }

    #[test]
    fn what_worked_at_once_is_nothing_learned() {
        let mut trials = Trials::default();
        trials.invite_worked(0);
        trials.device_worked(0);
        assert!(trials.learned(&Dialect::default()).is_empty());
    }

    #[test]
    fn what_was_learned_reads_as_settings() {
        let mut trials = Trials { declaration: Some(false), private_line: true, ..Trials::default() };
        trials.invite_worked(4);
        trials.device_worked(2);
        let learned = trials.learned(&Dialect::default());
        let dialect = Dialect::from_differences(&learned).expect("keys and values of the dialect");
        assert_eq!(dialect.invite.from_user.to_string(), "{number}");
        assert_eq!(dialect.invite.reference_id, ReferenceId::None);
        assert_eq!(dialect.device_id.self_id.to_string(), "{number}");
        assert_eq!(dialect.xml.declaration, Switch::Off);
        assert_eq!(dialect.status.private_line, PrivateLine::Lcs);
    }
}
