//! Every operation on calls as a plan (dossier 15a), with the alternative of its last column.

use super::control::not_allowed;
use super::plan::{Effect, Making, Need, Plan, Step};
use super::seat::Seat;
use super::task::LinkTask;
use crate::csta::{self, CallExtras, ConsultOptions, DigitMode, ParticipationType, Request, Service};
use crate::domain::call_table::SeatId;
use crate::domain::{Action, Call, CallId, CallState, Participant};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::CallAction;
use crate::service::pbx::{DialTone, RejectBy, ServiceChoice, TemplateValues};

type Planned = Result<Plan, ServiceError>;

/// Two calls of an operation that takes two: the held one and the active one.
struct Pair<'a> {
    held: &'a Call,
    active: &'a Call,
}

impl LinkTask {
    /// The plan of an action, or why it is not possible.
    pub(super) fn plan(&self, id: &CallId, action: &CallAction) -> Planned {
        let call = self.table.call(id).ok_or_else(|| ServiceError::not_found("call"))?;
        let seat_id = self.table.seat_of(id).ok_or_else(|| ServiceError::not_found("call"))?;
        let seat = self.seats.get(&seat_id).ok_or_else(|| ServiceError::not_found("call"))?;
        if !call.allowed_actions.contains(action.action) {
            return Err(self.not_possible(call, action.action));
        }
        self.ready(seat)?;
        let connection = self.connection(seat, call);
        let plan = |effect, request: Request| Plan::new(seat_id, id, effect, [request]);
        match action.action {
            Action::Answer => Ok(self.plan_answer(seat_id, seat, call)),
            Action::Drop => self.plan_drop(seat_id, seat, call),
            Action::Hold => Ok(plan(Effect::Held, Request::HoldCall { call: connection })),
            Action::Retrieve => Ok(plan(Effect::Retrieved, Request::RetrieveCall { call: connection })),
            Action::Redirect => {
                let to = self.called(&self.number(action)?);
                Ok(plan(Effect::Ended, Request::DeflectCall { call: connection, new_destination: to })
                    .needing(Service::DeflectCall))
            }
            Action::BlindTransfer => self.plan_blind_transfer(seat_id, seat, call, action),
            Action::Consult => self.plan_consult(seat_id, seat, call, action),
            Action::Dial => self.plan_digits(seat_id, seat, call, action),
            Action::Digits => {
                let characters = digits_of(action)?;
                Ok(plan(Effect::Said, Request::GenerateDigits { call: connection, mode: DigitMode::Dtmf, characters })
                    .needing(Service::GenerateDigits))
            }
            Action::Swap => self.plan_swap(seat_id, seat, call, action),
            Action::CompleteTransfer => {
                let pair = self.pair(call, action)?;
                let request = Request::TransferCall {
                    held: self.connection(seat, pair.held),
                    active: self.connection(seat, pair.active),
                };
                Ok(Plan::new(seat_id, &pair.held.id, Effect::Ended, [request])
                    .with(&pair.active.id)
                    .needing(Service::TransferCall))
            }
            Action::CompleteConference | Action::AddToConference => {
                let pair = self.pair(call, action)?;
                Ok(self.plan_conference(seat_id, seat, &pair))
            }
            Action::RemoveFromConference => self.plan_remove(seat_id, call, action),
        }
    }

    /// CME: a waiting call is answered by holding the active one first. Not every release takes a busy tone for nothing.
    /// The phone has one handset: the active call may be at another of its buttons.
    fn plan_answer(&self, seat_id: SeatId, seat: &Seat, call: &Call) -> Plan {
        let mut steps: Vec<Step> = self
            .table
            .calls_of_line(&call.line_id)
            .filter(|other| other.id != call.id && !self.table.is_ending(&other.id))
            .filter_map(|other| match other.state {
                CallState::Connected | CallState::RemoteHeld | CallState::Conferenced => {
                    Some(self.set_aside(seat_id, seat, other))
                }
                CallState::Busy | CallState::Failed => Some(self.clear(seat_id, seat, other)),
                _ => None,
            })
            .collect();
        steps.push(Step::ask(seat_id, Request::AnswerCall { call: self.connection(seat, call) }));
        Plan::of(seat_id, &call.id, Effect::Answered, steps)
    }

    /// The address that a step about a call goes to.
    fn seat_of(&self, seat_id: SeatId, call: &Call) -> SeatId {
        self.table.seat_of(&call.id).unwrap_or(seat_id)
    }

    fn set_aside(&self, seat_id: SeatId, seat: &Seat, call: &Call) -> Step {
        let hold = Request::HoldCall { call: self.connection(seat, call) };
        Step::set_aside(self.seat_of(seat_id, call), &call.id, hold)
    }

    fn clear(&self, seat_id: SeatId, seat: &Seat, call: &Call) -> Step {
        let clear = Request::ClearConnection { call: self.connection(seat, call), reason: None };
        Step::ask(self.seat_of(seat_id, call), clear)
    }

    fn take_back(&self, seat_id: SeatId, seat: &Seat, call: &Call) -> Step {
        let retrieve = Request::RetrieveCall { call: self.connection(seat, call) };
        Step::ask(self.seat_of(seat_id, call), retrieve)
    }

    fn plan_drop(&self, seat_id: SeatId, seat: &Seat, call: &Call) -> Planned {
        let connection = self.connection(seat, call);
        let clear = Plan::new(
            seat_id,
            &call.id,
            Effect::Ended,
            [Request::ClearConnection { call: connection.clone(), reason: None }],
        );
        if call.state == CallState::Offering {
            return Ok(self.plan_reject(seat_id, call, connection, clear));
        }
        // A consultation goes back to the call that it is about, also when its target is busy; but not one that is on hold
        // itself, nor where that would take the handset from a third call.
        let held = call
            .consultation_of
            .as_ref()
            .filter(|_| call.state != CallState::OnHold)
            .and_then(|id| self.table.call(id))
            .filter(|held| held.state == CallState::OnHold && !self.table.is_ending(&held.id))
            .filter(|held| !self.has_another_active(call, held));
        let Some(held) = held else { return Ok(clear) };
        let held_connection = self.connection(seat, held);
        let by_hand = Plan::of(
            seat_id,
            &call.id,
            Effect::Ended,
            [self.clear(seat_id, seat, call), self.take_back(seat_id, seat, held)],
        )
        .with(&held.id);
        let fails =
            matches!(call.state, CallState::Busy | CallState::Failed | CallState::DialTone | CallState::Dialing);
        if fails || !self.report.may_use(Service::ReconnectCall) {
            return Ok(by_hand);
        }
        let reconnect = Request::ReconnectCall { active: connection, held: held_connection };
        Ok(Plan::new(seat_id, &call.id, Effect::Ended, [reconnect])
            .with(&held.id)
            .needing(Service::ReconnectCall)
            .or_after_any_refusal(by_hand))
    }

    /// Whether the phone is in a call beside these two.
    fn has_another_active(&self, call: &Call, held: &Call) -> bool {
        self.table.calls_of_line(&call.line_id).any(|other| {
            ![&call.id, &held.id].contains(&&other.id)
                && !matches!(other.state, CallState::OnHold | CallState::Offering | CallState::Ended)
                && !self.table.is_ending(&other.id)
        })
    }

    /// U-18: cleared where the PBX can, else sent to the reject target.
    fn plan_reject(&self, seat_id: SeatId, call: &Call, connection: csta::Connection<'static>, clear: Plan) -> Plan {
        let target = &self.dialect.reject.target;
        let deflect = (!target.is_empty()).then(|| {
            Plan::new(
                seat_id,
                &call.id,
                Effect::Ended,
                [Request::DeflectCall { call: connection, new_destination: self.called(target) }],
            )
        });
        match (self.dialect.svc.reject, deflect) {
            (RejectBy::Deflect, Some(deflect)) => deflect,
            (RejectBy::Auto, Some(deflect)) if !self.report.may_clear_alerting() => deflect,
            (RejectBy::Auto, Some(deflect)) => clear.or_after_any_refusal(deflect),
            _ => clear,
        }
    }

    fn plan_blind_transfer(&self, seat_id: SeatId, seat: &Seat, call: &Call, action: &CallAction) -> Planned {
        let number = self.number(action)?;
        let second = match call.state {
            CallState::OnHold => Plan::new(seat_id, &call.id, Effect::Made, [self.make_call(seat, &number)])
                .making(Making::of(number.clone())),
            _ => self.consultation(seat_id, seat, call, &number),
        };
        let mut by_consultation = second.then(Step::TransferWhenReached { held: call.id.clone() });
        by_consultation.effect = Effect::Ended;
        let choice = self.dialect.svc.blind_transfer.as_str();
        if choice == "consult" || (choice == "auto" && !self.report.may_use(Service::SingleStepTransferCall)) {
            return Ok(by_consultation);
        }
        let single = Plan::new(
            seat_id,
            &call.id,
            Effect::Ended,
            [Request::SingleStepTransferCall {
                active: self.connection(seat, call),
                transferred_to: self.called(&number),
                extras: CallExtras::default(),
            }],
        )
        .needing(Service::SingleStepTransferCall);
        Ok(if choice == "sst" { single } else { single.or(by_consultation) })
    }

    fn plan_consult(&self, seat_id: SeatId, seat: &Seat, call: &Call, action: &CallAction) -> Planned {
        match &action.digits {
            Some(_) => Ok(self.consultation(seat_id, seat, call, &self.number(action)?)),
            None => Ok(self.held_and_dialed(seat_id, seat, call, "")),
        }
    }

    /// Holds the call and dials a second one.
    fn consultation(&self, seat_id: SeatId, seat: &Seat, call: &Call, number: &str) -> Plan {
        let by_hand = self.held_and_dialed(seat_id, seat, call, number);
        if !self.report.may_use(Service::ConsultationCall) {
            return by_hand;
        }
        let request = Request::ConsultationCall {
            existing: self.connection(seat, call),
            consulted: self.called(number),
            consult_options: Some(ConsultOptions::Unrestricted),
            extras: CallExtras::default(),
        };
        let mut plan = Plan::new(seat_id, &call.id, Effect::Made, [request])
            .making(Making::of(number))
            .needing(Service::ConsultationCall);
        plan.alternative = Some(Box::new(by_hand));
        plan
    }

    fn held_and_dialed(&self, seat_id: SeatId, seat: &Seat, call: &Call, number: &str) -> Plan {
        let dial = Step::ask(seat_id, self.make_call(seat, number));
        Plan::of(seat_id, &call.id, Effect::Made, [self.set_aside(seat_id, seat, call), dial])
            .making(Making::of(number))
    }

    /// Digits in dial tone (U-19).
    fn plan_digits(&self, seat_id: SeatId, seat: &Seat, call: &Call, action: &CallAction) -> Planned {
        let digits = digits_of(action)?;
        let connection = self.connection(seat, call);
        let generate = Plan::new(
            seat_id,
            &call.id,
            Effect::Dialed,
            [Request::GenerateDigits { call: connection.clone(), mode: DigitMode::Dtmf, characters: digits.clone() }],
        )
        .needing(Service::GenerateDigits);
        let collect = self.collect(seat_id, seat, call, &digits)?;
        let dial = Plan::new(seat_id, &call.id, Effect::Dialed, [Request::DialDigits { call: connection, digits }])
            .needing(Service::DialDigits);
        Ok(match self.dialect.svc.dialtone {
            DialTone::Dialdigits => dial,
            DialTone::Generatedigits => generate,
            DialTone::Collect => collect,
            DialTone::Auto if !self.report.may_use(Service::DialDigits) => collect,
            DialTone::Auto => dial.or(collect),
        })
    }

    /// One call after the digits are known takes the place of the one in dial tone. `#` says that they are complete, a
    /// pause too.
    fn collect(&self, seat_id: SeatId, seat: &Seat, call: &Call, digits: &str) -> Planned {
        let all = format!("{}{digits}", self.collected(&call.id).map_or("", |(_, before)| before));
        let number = all.strip_suffix('#').filter(|number| !number.is_empty());
        let is_complete = number.is_some() || all.len() >= MOST_DIGITS;
        if all.len() > MOST_DIGITS {
            return Err(wrong_digits());
        }
        let number = number.unwrap_or(&all);
        let clear = Request::ClearConnection { call: self.connection(seat, call), reason: None };
        let mut plan = Plan::new(seat_id, &call.id, Effect::Made, [clear, self.make_call(seat, number)])
            .making(Making { dialed: number.to_owned(), replaces: Some(call.id.clone()) });
        if !is_complete {
            plan.steps.push_front(Step::Collect);
        }
        Ok(plan)
    }

    fn plan_swap(&self, seat_id: SeatId, seat: &Seat, call: &Call, action: &CallAction) -> Planned {
        let pair = self.pair(call, action)?;
        let (held, active) = (self.connection(seat, pair.held), self.connection(seat, pair.active));
        let by_hand = Plan::of(
            seat_id,
            &pair.held.id,
            Effect::Swapped,
            [self.set_aside(seat_id, seat, pair.active), self.take_back(seat_id, seat, pair.held)],
        )
        .with(&pair.active.id);
        if !self.report.may_use(Service::AlternateCall) {
            return Ok(by_hand);
        }
        let request = Request::AlternateCall { held, active };
        Ok(Plan::new(seat_id, &pair.held.id, Effect::Swapped, [request])
            .with(&pair.active.id)
            .needing(Service::AlternateCall)
            .or(by_hand))
    }

    /// U-16: one conference of two calls, or the second call's party called into the first.
    fn plan_conference(&self, seat_id: SeatId, seat: &Seat, pair: &Pair<'_>) -> Plan {
        let (held, active) = (self.connection(seat, pair.held), self.connection(seat, pair.active));
        let plan =
            |steps: Vec<Step>| Plan::of(seat_id, &pair.held.id, Effect::Conferenced, steps).with(&pair.active.id);
        let request = Request::ConferenceCall { held: held.clone(), active };
        let conference = plan(vec![Step::ask(seat_id, request)]).needing(Service::ConferenceCall);
        let party = pair.active.far_end().raw.as_ref().filter(|_| self.may_join_in_one_step());
        let Some(party) = party else { return conference };
        let join = plan(vec![
            self.clear(seat_id, seat, pair.active),
            self.take_back(seat_id, seat, pair.held),
            Step::ask(
                self.seat_of(seat_id, pair.held),
                Request::SingleStepConferenceCall {
                    active: held,
                    device_to_join: self.other_device(party),
                    participation: ParticipationType::Active,
                    extras: CallExtras::default(),
                },
            ),
        ]);
        if self.report.may_use(Service::ConferenceCall) { conference.or(join) } else { join }
    }

    /// Whether a party may be called into a call (U-16).
    pub(super) fn may_join_in_one_step(&self) -> bool {
        match self.dialect.svc.single_step_conference {
            ServiceChoice::Auto => self.report.may_use(Service::SingleStepConferenceCall),
            ServiceChoice::On => true,
            ServiceChoice::Off => false,
        }
    }

    fn plan_remove(&self, seat_id: SeatId, call: &Call, action: &CallAction) -> Planned {
        let wanted = action.party.as_deref().unwrap_or_default();
        let Some(raw) = participant(call, wanted).and_then(|party| party.raw.clone()) else {
            return Err(ServiceError::new(Code::NotFound, "There is no such participant in this conference.")
                .with_hint("Use the id or the number of one of `participants`.")
                .with_field("/party", "There is no such participant."));
        };
        if self.dialect.svc.remove_party == "none" {
            return Err(ServiceError::new(
                Code::NotSupportedByPbx,
                "This PBX cannot take a participant out of a conference.",
            )
            .with_hint("The setting svc.remove_party of this PBX says so."));
        }
        let pbx_call = call.pbx_call_id.clone().unwrap_or_default();
        let request = Request::ClearConnection {
            call: csta::Connection::from((pbx_call.as_str(), self.other_device(&raw).as_str())),
            reason: None,
        };
        let mut plan = Plan::new(seat_id, &call.id, Effect::Left(raw), [request]);
        plan.needs = Some(Need::RemoveParty);
        Ok(plan)
    }

    /// The two calls of an operation: the one in the path, and the one that is named or the only one that fits.
    fn pair<'a>(&'a self, call: &'a Call, action: &CallAction) -> Result<Pair<'a>, ServiceError> {
        let other = match &action.with {
            Some(id) => {
                let other = self
                    .table
                    .call(id)
                    .filter(|other| other.line_id == call.line_id && other.id != call.id)
                    .ok_or_else(|| {
                        ServiceError::new(Code::NotFound, "There is no such second call on this line.")
                            .with_hint("Both calls must belong to the same line.")
                            .with_field("/with", "There is no such call.")
                    })?;
                let fits = (call.is_active() && other.state == CallState::OnHold)
                    || (call.state == CallState::OnHold && other.is_active());
                if !fits {
                    return Err(not_allowed(other, action.action));
                }
                other
            }
            None => {
                let mut fitting = self.table.calls_of_line(&call.line_id).filter(|other| {
                    other.id != call.id
                        && ((call.is_active() && other.state == CallState::OnHold)
                            || (call.state == CallState::OnHold && other.is_active()))
                });
                match (fitting.next(), fitting.next()) {
                    (Some(only), None) => only,
                    (None, _) => return Err(not_allowed(call, action.action)),
                    (Some(_), Some(_)) => {
                        return Err(ServiceError::new(Code::InvalidValue, "Several calls of this line fit.")
                            .with_hint("Name the second call in the body.")
                            .with_field("/with", "Several calls fit: name one."));
                    }
                }
            }
        };
        Ok(if call.state == CallState::OnHold {
            Pair { held: call, active: other }
        } else {
            Pair { held: other, active: call }
        })
    }

    /// A call at a seat, as requests name it.
    pub(super) fn connection(&self, seat: &Seat, call: &Call) -> csta::Connection<'static> {
        let own = self.table.seat_of(&call.id).and_then(|id| self.seats.get(&id)).unwrap_or(seat);
        let pbx_call = call.pbx_call_id.clone().unwrap_or_default();
        csta::Connection::from((pbx_call.as_str(), self.device_of(own).as_str()))
    }

    /// A device that is not ours (U-9).
    fn other_device(&self, digits: &str) -> String {
        let values = TemplateValues {
            digits: Some(digits),
            number: Some(digits),
            cme: Some(&self.row.settings.host),
            ..TemplateValues::default()
        };
        self.dialect.device_id.other.fill(values).unwrap_or_else(|| format!("tel:{digits}"))
    }

    pub(super) fn make_call(&self, seat: &Seat, digits: &str) -> Request {
        self.make_call_to(seat, self.called(digits))
    }

    pub(super) fn make_call_to(&self, seat: &Seat, called: String) -> Request {
        Request::MakeCall {
            calling: self.device_of(seat),
            called,
            prompt: match self.dialect.autooriginate.as_str() {
                "prompt" => Some(true),
                "omit" => None,
                _ => Some(false),
            },
            extras: CallExtras::default(),
        }
    }

    /// The number that an action goes to.
    fn number(&self, action: &CallAction) -> Result<String, ServiceError> {
        self.dials(Some(action.digits.as_deref().unwrap_or_default()))
    }
}

/// Most keys at once.
const MOST_DIGITS: usize = 64;

/// Keys of a phone: digits, `*`, `#`, `A` to `D`.
fn digits_of(action: &CallAction) -> Result<String, ServiceError> {
    let text: String = action.digits.as_deref().unwrap_or_default().split_whitespace().collect();
    let good = (1..=MOST_DIGITS).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D' | 'a'..='d'));
    if good { Ok(text.to_ascii_uppercase()) } else { Err(wrong_digits()) }
}

fn wrong_digits() -> ServiceError {
    let detail = "1 to 64 keys of a phone: 0 to 9, *, #, A to D.";
    ServiceError::new(Code::InvalidNumber, "These digits cannot be sent.")
        .with_hint(detail)
        .with_field("/digits", detail)
}

/// The participant with an id or a number; the number may be the short form of one that the PBX writes in full.
fn participant<'a>(call: &'a Call, wanted: &str) -> Option<&'a Participant> {
    if wanted.is_empty() {
        return None;
    }
    fn numbers(party: &Participant) -> impl Iterator<Item = &str> {
        [party.number.as_deref(), party.raw.as_deref()].into_iter().flatten()
    }
    let exact = |party: &&Participant| party.id.as_str() == wanted || numbers(party).any(|number| number == wanted);
    call.participants.iter().find(exact).or_else(|| {
        let mut longer = call.participants.iter().filter(|party| numbers(party).any(|number| number.ends_with(wanted)));
        // Two that end alike are told apart by nobody.
        longer.next().filter(|_| longer.next().is_none())
    })
}
