//! The life of a command: its plan step by step, its answer, and what is told of its outcome.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::confirm::Confirmation;
use super::faults::{names_no_call, not_sent, refused_command};
use super::plan::{Effect, Making, Need, Plan, Step, TakesOver};
use super::services::Purpose;
use super::task::LinkTask;
use super::timers::Timer;
use super::{Reply, json_bytes};
use crate::csta::exchange::{Outcome, Refusal};
use crate::csta::{Fault, FaultValue, OperationError, Request, Response};
use crate::domain::call_table::{DialIntent, SeatId};
use crate::domain::{Action, Call, CallId, CallState, CommandId, LineId, RandomIds};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Done;
use crate::service::journal::{Actor, Known};
use crate::service::pbx::Template;

/// How long a transfer by consultation waits for its target to ring.
const REACHED: Duration = Duration::from_secs(20);
/// A response that names no call: the next event of the device is its call (dossier 15c).
const NAMELESS: Duration = Duration::from_secs(5);

/// The pause after which a number is complete (dossier 15a).
const BETWEEN_DIGITS: Duration = Duration::from_secs(3);

/// What is known about a command beside its plan.
pub(super) struct Order {
    pub(super) actor: Arc<str>,
    /// Its verb in the API.
    pub(super) action: &'static str,
    /// What it does, for sentences.
    pub(super) what: &'static str,
    pub(super) line: LineId,
    pub(super) client_ref: Option<String>,
    pub(super) data: Option<Box<serde_json::value::RawValue>>,
    pub(super) reply: Reply<Done>,
    /// The call that it acts on, as it was when the command was found possible.
    pub(super) on: Option<Expected>,
    /// What it is part of.
    pub(super) span: tracing::Span,
}

/// What a command on a call relies on.
pub(super) struct Expected {
    pub(super) call: CallId,
    pub(super) action: Action,
    pub(super) state: CallState,
}

/// A command that the PBX has not answered yet.
pub(super) struct Command {
    pub(super) actor: Arc<str>,
    pub(super) action: &'static str,
    pub(super) what: &'static str,
    pub(super) line: LineId,
    pub(super) seat: SeatId,
    pub(super) calls: Vec<CallId>,
    pub(super) client_ref: Option<String>,
    pub(super) effect: Effect,
    /// Goes to the call that it makes.
    data: Option<Box<serde_json::value::RawValue>>,
    reply: Option<Reply<Done>>,
    steps: VecDeque<Step>,
    needs: Option<Need>,
    alternative: Option<Box<Plan>>,
    takes_over: TakesOver,
    teaches: Option<Template>,
    makes: Option<Making>,
    /// The call that it made.
    pub(super) made: Option<CallId>,
    /// What the command waits for beside answers.
    wait: Option<Wait>,
    pub(super) has_acted: bool,
    pub(super) on: Option<Expected>,
    /// Its answer may be lost: a snapshot that shows its effect will do.
    pub(super) is_slow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wait {
    /// The call that the PBX did not name.
    Call,
    /// Its call to be ringing or answered at the far end; then it is connected with this one.
    Reached(CallId),
    /// More digits, for a while.
    Digits,
    /// The end of the call that was to be hung up and that the PBX says it does not have; else this is the answer.
    Gone(Box<ServiceError>),
}

/// Commands that are not answered.
#[derive(Default)]
pub(super) struct Commands {
    pub(super) open: HashMap<CommandId, Command>,
    /// Numbers of their timers.
    timers: HashMap<u64, CommandId>,
    next: u64,
}

impl LinkTask {
    /// Begins a command.
    pub(super) fn order(&mut self, order: Order, plan: Plan) {
        let id = CommandId::new(&mut RandomIds);
        self.spans.command(&id, order.action, &order.line, &order.span);
        let command = Command {
            actor: order.actor,
            action: order.action,
            what: order.what,
            line: order.line,
            seat: plan.seat,
            calls: plan.calls,
            client_ref: order.client_ref,
            effect: plan.effect,
            data: order.data,
            reply: Some(order.reply),
            steps: plan.steps,
            needs: plan.needs,
            alternative: plan.alternative,
            takes_over: plan.takes_over,
            teaches: plan.teaches,
            makes: plan.makes,
            made: None,
            wait: None,
            has_acted: false,
            on: order.on,
            is_slow: false,
        };
        self.tap.ordered(&id, command.action, &command.line, &command.calls);
        self.intend(&id, &command);
        self.commands.open.insert(id.clone(), command);
        self.next_step(&id);
    }

    /// What the calls do next carries the command's id.
    fn intend(&mut self, id: &CommandId, command: &Command) {
        let at = self.at();
        let action = Action::ALL.into_iter().find(|action| action.as_str() == command.action);
        for call in &command.calls {
            self.table.intend(at, call, id.clone(), command.actor.to_string(), action);
        }
        self.intend_dial(id, command);
    }

    fn intend_dial(&mut self, id: &CommandId, command: &Command) {
        // While digits are collected, a call that the phone makes is the phone's own.
        let Some(making) = command.makes.as_ref().filter(|_| !matches!(command.steps.front(), Some(Step::Collect)))
        else {
            return;
        };
        self.table.intend_dial(
            command.seat,
            DialIntent {
                command: id.clone(),
                actor: command.actor.to_string(),
                client_ref: command.client_ref.clone(),
                dialed: making.dialed.clone(),
                data: command.data.clone(),
                replaces: making.replaces.clone(),
            },
        );
    }

    fn next_step(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        let seat = command.seat;
        match command.steps.pop_front() {
            None => self.on_command_accepted(id),
            Some(Step::Ask(request)) => self.submit(seat, *request, Purpose::Command(id.clone())),
            Some(Step::Collect) => {
                command.wait = Some(Wait::Digits);
                self.wait_for(id, BETWEEN_DIGITS);
            }
            Some(Step::TransferWhenReached { held }) => {
                command.wait = Some(Wait::Reached(held));
                self.wait_for(id, REACHED);
                self.look_at_wait(id);
            }
        }
    }

    /// The PBX says that it does not have the call: it is over by now, or our picture is wrong. `true` when the command
    /// was dealt with.
    fn is_settled_by_refusal(&mut self, id: &CommandId, fault: &Fault) -> bool {
        let is_gone = names_no_call(&fault.value);
        if !is_gone && !matches!(fault.value, FaultValue::State(_)) {
            return false;
        }
        let Some(command) = self.commands.open.get(id) else { return false };
        let seat = command.seat;
        self.want_snapshot(seat);
        let Some(command) = self.commands.open.get_mut(id) else { return false };
        let is_drop = command.on.as_ref().is_some_and(|on| on.action == Action::Drop);
        if !is_gone || !is_drop {
            return false;
        }
        // What was wanted is so, or the event that says it is on its way (dossier 15c, glare). That the held call of a
        // consultation is over too takes nothing from it.
        let is_over = command.calls.first().is_none_or(|call| self.table.call(call).is_none());
        if is_over || command.has_acted {
            self.on_command_accepted(id);
        } else {
            command.wait = Some(Wait::Gone(Box::new(refused_command(fault, command.what))));
            self.wait_for(id, NAMELESS);
        }
        true
    }

    /// The call that the PBX does not have lives on here.
    fn on_not_gone(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        if let Some(Wait::Gone(error)) = command.wait.take() {
            self.fail_command(id, *error);
        }
    }

    /// A snapshot was applied: a call that it shows was not ended by anybody.
    pub(super) fn judge_gone(&mut self, seat: SeatId) {
        let now = self.now();
        let is_shown = |command: &Command| {
            command.seat == seat
                && command.waits_for_end()
                && command.calls.first().is_some_and(|call| self.table.is_confirmed_at(call, now))
        };
        let shown: Vec<CommandId> =
            self.commands.open.iter().filter(|(_, command)| is_shown(command)).map(|(id, _)| id.clone()).collect();
        for id in shown {
            self.on_not_gone(&id);
        }
    }

    /// The digits of a call in dial tone that wait for more, and the command that brought them.
    pub(super) fn collected(&self, call: &CallId) -> Option<(&CommandId, &str)> {
        let is_it = |command: &Command| command.wait == Some(Wait::Digits) && command.calls.first() == Some(call);
        let (id, command) = self.commands.open.iter().find(|(_, command)| is_it(command))?;
        Some((id, command.makes.as_ref().map_or("", |making| &making.dialed)))
    }

    /// More digits came: what the earlier command wanted is done with them.
    pub(super) fn goes_on_collecting(&mut self, call: &CallId) {
        let Some(id) = self.collected(call).map(|(id, _)| id.clone()) else { return };
        if let Some(command) = self.commands.open.get_mut(&id) {
            command.wait = None;
            command.makes = None;
            command.effect = Effect::Said;
        }
        self.on_command_accepted(&id);
    }

    /// No more digits came: the number goes to the PBX.
    fn on_digits_complete(&mut self, id: &CommandId) {
        let Some(mut command) = self.commands.open.remove(id) else { return };
        command.wait = None;
        self.intend(id, &command);
        self.commands.open.insert(id.clone(), command);
        self.next_step(id);
    }

    fn wait_for(&mut self, id: &CommandId, time: Duration) {
        self.commands.next += 1;
        let number = self.commands.next;
        self.commands.timers.insert(number, id.clone());
        self.timers.set(Timer::Command(number), Some(self.now() + time));
    }

    pub(super) fn on_command_time(&mut self, number: u64) {
        let Some(id) = self.commands.timers.remove(&number) else { return };
        let Some(command) = self.commands.open.get(&id) else { return };
        match command.wait {
            // The snapshot that follows tells whether there is a call.
            Some(Wait::Call) => {
                let seat = command.seat;
                self.on_command_unknown(seat, &id);
            }
            Some(Wait::Reached(_)) => {
                let error = ServiceError::new(Code::PbxRefused, "The target of the transfer does not ring.")
                    .with_hint("The consultation call lives: complete the transfer later, or drop it to go back.");
                self.fail_command(&id, error);
            }
            Some(Wait::Gone(_)) => self.on_not_gone(&id),
            Some(Wait::Digits) => self.on_digits_complete(&id),
            None => {}
        }
    }

    /// A call changed: does a command wait for that?
    pub(super) fn judge_waiting(&mut self, call: &Call, command_id: Option<&CommandId>) {
        let waiting: Vec<CommandId> = self
            .commands
            .open
            .iter()
            .filter(|(id, command)| match &command.wait {
                // What the held call of a consultation does carries the id too, and is not the new call.
                Some(Wait::Call) => command_id == Some(id) && !command.calls.contains(&call.id),
                Some(Wait::Reached(_)) => command.made.as_ref() == Some(&call.id),
                Some(Wait::Gone(_) | Wait::Digits) => call.state.is_ended() && command.calls.first() == Some(&call.id),
                None => false,
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in waiting {
            if let Some(command) = self.commands.open.get_mut(&id)
                && command.wait == Some(Wait::Call)
            {
                command.wait = None;
                command.made = Some(call.id.clone());
                self.next_step(&id);
            } else if self.commands.open.get(&id).is_some_and(Command::waits_for_end) {
                self.on_command_accepted(&id);
            } else if self.commands.open.get(&id).is_some_and(|command| command.wait == Some(Wait::Digits)) {
                let error =
                    ServiceError::new(Code::NotAllowedNow, "The dial tone ended before the number was complete.")
                        .with_hint("Dial the number as a whole, with POST /api/v1/lines/{line}/calls.");
                self.fail_command(&id, error);
            } else if call.state.is_ended() || matches!(call.state, CallState::Busy | CallState::Failed) {
                let error =
                    ServiceError::new(Code::PbxRefused, "The target of the transfer is busy or cannot be reached.")
                        .with_hint("The call is on hold: retrieve it, or transfer it to another number.");
                self.fail_command(&id, error);
            } else {
                self.look_at_wait(&id);
            }
        }
    }

    /// The target of a transfer by consultation rings: connect.
    fn look_at_wait(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get(id) else { return };
        let Some(Wait::Reached(held)) = &command.wait else { return };
        let Some(active) = command.made.as_ref().and_then(|made| self.table.call(made)) else { return };
        if !matches!(active.state, CallState::Ringback | CallState::Connected) {
            return;
        }
        let Some(held) = self.table.call(held) else { return };
        let Some(seat) = self.seats.get(&command.seat) else { return };
        let request =
            Request::TransferCall { held: self.connection(seat, held), active: self.connection(seat, active) };
        let seat = command.seat;
        if let Some(command) = self.commands.open.get_mut(id) {
            command.wait = None;
        }
        self.submit(seat, request, Purpose::Command(id.clone()));
    }

    /// A service of a command is done.
    pub(super) fn on_command_step(&mut self, id: SeatId, command_id: &CommandId, outcome: Outcome) {
        let at = self.at();
        match outcome {
            Outcome::Response(answer) => {
                let named = match answer.response() {
                    Ok(Some(Response::MakeCall { calling_device })) => {
                        Some(calling_device.call_id.map(|call| call.into_owned()))
                    }
                    Ok(Some(Response::ConsultationCall { initiated_call })) => {
                        Some(initiated_call.call_id.map(|call| call.into_owned()))
                    }
                    _ => None,
                };
                let Some(command) = self.commands.open.get_mut(command_id) else { return };
                command.has_acted = true;
                if let Some(named) = named
                    && command.makes.is_some()
                {
                    let seat = command.seat;
                    let by_event = self.table.dialed_call(seat, command_id);
                    let call = self.table.bind_dial(at, seat, command_id, named.as_deref()).or(by_event);
                    let Some(command) = self.commands.open.get_mut(command_id) else { return };
                    match call {
                        Some(call) => command.made = Some(call),
                        None => {
                            command.wait = Some(Wait::Call);
                            return self.wait_for(command_id, NAMELESS);
                        }
                    }
                }
                self.next_step(command_id);
            }
            Outcome::Refused(refusal) => self.on_command_refused(command_id, refusal),
            Outcome::Unknown(_) | Outcome::Mismatch { .. } => self.on_command_unknown(id, command_id),
        }
    }

    fn on_command_refused(&mut self, command_id: &CommandId, refusal: Refusal) {
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        let is_unknown_service = match &refusal {
            Refusal::Fault(fault) => {
                matches!(&fault.value, FaultValue::Operation(OperationError::ServiceNotSupported))
            }
            Refusal::Sip(status) => matches!(status, 405 | 415 | 501),
            _ => false,
        };
        let was_sent = matches!(refusal, Refusal::Fault(_) | Refusal::Sip(_));
        let needs = command.needs;
        let is_invalid_number = match &refusal {
            Refusal::Fault(fault) => matches!(
                &fault.value,
                FaultValue::Operation(OperationError::InvalidCalledDeviceId | OperationError::InvalidDestination)
            ),
            _ => false,
        };
        let takes_over = is_unknown_service
            || match command.takes_over {
                TakesOver::Missing => false,
                TakesOver::Refused => true,
                TakesOver::InvalidNumber => is_invalid_number,
            };
        let takes_alternative = was_sent && takes_over && !command.has_acted;
        let alternative = if takes_alternative { command.alternative.take() } else { None };
        if is_unknown_service && let Some(need) = needs {
            let is_news = match need {
                Need::Service(service) => self.report.cannot(service),
                Need::RemoveParty => self.report.removes_parties(false),
            };
            if is_news {
                self.offer_actions();
                self.status_changed();
            }
        }
        if let Some(plan) = alternative {
            return self.take_alternative(command_id, *plan);
        }
        if let (Refusal::Fault(fault), Some(seat)) = (&refusal, self.commands.open.get(command_id).map(|it| it.seat)) {
            self.hear_out_of_service(seat, fault);
        }
        if let Refusal::Fault(fault) = &refusal
            && self.is_settled_by_refusal(command_id, fault)
        {
            return;
        }
        let what = self.commands.open.get(command_id).map_or("do this", |command| command.what);
        let error = match refusal {
            Refusal::Fault(fault) => refused_command(&fault, what),
            Refusal::Sip(481) => ServiceError::new(
                Code::PbxUnavailable,
                "The PBX does not know the session of this line any more; it is opened again.",
            )
            .with_hint("Ask again in a moment.")
            .with_sip_status(481)
            .retryable(Some(2)),
            Refusal::Sip(status) => {
                let code = if is_unknown_service { Code::NotSupportedByPbx } else { Code::PbxRefused };
                ServiceError::new(code, format!("The PBX refused to {what} (SIP {status})."))
                    .with_hint("Look at the state of the PBX and the protocol trace.")
                    .with_sip_status(status)
            }
            Refusal::QueueFull | Refusal::WaitedTooLong => not_sent(&refusal, what),
        };
        self.fail_command(command_id, error);
    }

    /// Goes on with another plan for the same calls.
    fn take_alternative(&mut self, command_id: &CommandId, plan: Plan) {
        let Some(mut command) = self.commands.open.remove(command_id) else { return };
        // A call that the first plan was to make is still to come.
        let is_first_to_make = command.makes.is_none() && plan.makes.is_some();
        command.steps = plan.steps;
        command.needs = plan.needs;
        command.alternative = plan.alternative;
        command.takes_over = plan.takes_over;
        command.teaches = plan.teaches;
        command.makes = plan.makes.or(command.makes);
        command.effect = plan.effect;
        if is_first_to_make {
            self.intend_dial(command_id, &command);
        }
        self.commands.open.insert(command_id.clone(), command);
        self.next_step(command_id);
    }

    /// Every step is done: answers, and waits for the effect.
    pub(super) fn on_command_accepted(&mut self, command_id: &CommandId) {
        // Changes that the table already has are part of the answer.
        while let Some(output) = self.table.poll() {
            self.on_table_output(output);
        }
        let Some(mut command) = self.commands.open.remove(command_id) else { return };
        if command.needs == Some(Need::RemoveParty) && self.report.removes_parties(true) {
            self.status_changed();
        }
        if let Some(form) = command.teaches.take() {
            self.trials.number_worked(form);
            self.status_changed();
        }
        // A call that was made comes first: the answer is it.
        if let Some(made) = command.made.clone()
            && command.effect == Effect::Made
        {
            command.calls.retain(|call| *call != made);
            command.calls.insert(0, made);
        }
        if let Some(reply) = command.reply.take() {
            let calls = command
                .calls
                .iter()
                .filter_map(|id| self.table.call(id).cloned().or_else(|| self.confirmations.ended(id)))
                .map(|call| Known::call(call).json)
                .collect();
            let command_id = command_id.clone();
            self.outbox.after(move |position| {
                let answer = match position {
                    Some(position) => Ok(Done { command_id, calls, position }),
                    None => Err(ServiceError::new(Code::ShuttingDown, "The gateway is stopping.")),
                };
                let _ = reply.send(answer);
            });
        }
        self.confirm(Confirmation::new(command_id.clone(), command));
    }

    /// Nobody knows what came of it: the snapshot tells, and it is never sent again.
    fn on_command_unknown(&mut self, id: SeatId, command_id: &CommandId) {
        self.answer_timeout(command_id);
        let Some(command) = self.commands.open.remove(command_id) else { return };
        self.want_snapshot(id);
        self.doubt(Confirmation::new(command_id.clone(), command));
    }

    pub(super) fn answer_timeout(&mut self, command_id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        let Some(reply) = command.reply.take() else { return };
        let error = ServiceError::new(
            Code::PbxTimeout,
            format!("The PBX has not answered the wish to {} in time; what it did is not known yet.", command.what),
        )
        .with_hint("Do not ask again: wait for command.succeeded or command.failed with this Command-Id, or look at the calls.")
        .with_command(command_id.clone());
        self.outbox.after(move |_| {
            let _ = reply.send(Err(error));
        });
    }

    /// The session of a command went away.
    pub(super) fn on_command_lost(&mut self, id: SeatId, command_id: &CommandId, sent: bool) {
        if sent {
            return self.on_command_unknown(id, command_id);
        }
        let error = ServiceError::new(Code::PbxUnavailable, "The session of this line was lost; nothing was done.")
            .with_hint("Ask again in a moment.")
            .retryable(Some(2));
        self.fail_command(command_id, error);
    }

    /// Ends a command that the PBX refused.
    pub(super) fn fail_command(&mut self, command_id: &CommandId, error: ServiceError) {
        let Some(command) = self.commands.open.remove(command_id) else { return };
        let error = error.with_command(command_id.clone());
        for call in &command.calls {
            self.table.intent_failed(call, command_id);
        }
        self.forget_intents(command_id, &command);
        self.tell_command(command_id, &command, Some(&error));
        if let Some(reply) = command.reply {
            self.outbox.after(move |_| {
                let _ = reply.send(Err(error));
            });
        }
    }

    pub(super) fn forget_intents(&mut self, id: &CommandId, command: &Command) {
        if command.makes.is_some() {
            self.table.drop_pending(command.seat, id);
        }
        for call in command.calls.iter().chain(&command.made) {
            self.table.intent_done(call, id);
        }
    }

    /// `command.succeeded` or `command.failed`.
    pub(super) fn tell_command(&mut self, id: &CommandId, command: &Command, error: Option<&ServiceError>) {
        let call = command.calls.first();
        let problem = error.map(|error| {
            json!({
                "code": error.code.as_str(),
                "detail": error.detail,
                "hint": error.hint,
                "can_retry": error.can_retry,
                "csta_error": error.csta_error.as_ref().map(|said| json!({"category": said.category, "value": said.value})),
                "sip_status": error.sip_status,
            })
        });
        let json = json!({
            "id": id,
            "action": command.action,
            "line_id": command.line,
            "call_id": call,
            "client_ref": command.client_ref,
            "problem": problem,
        });
        let event = if error.is_some() { "command.failed" } else { "command.succeeded" };
        let pbx = self.row.id.clone();
        let actor = Actor::Token(Arc::clone(&command.actor));
        self.outbox.command(event, (&pbx, &command.line, call), id, actor, json_bytes(&json));
    }
}

impl Command {
    /// Whether it makes a call that nobody has seen yet.
    pub(super) fn awaits_call(&self) -> bool {
        self.effect == Effect::Made && self.made.is_none()
    }

    fn waits_for_end(&self) -> bool {
        matches!(self.wait, Some(Wait::Gone(_)))
    }

    /// Whether nothing but the answer to its last step is missing.
    pub(super) fn is_at_its_last_step(&self) -> bool {
        self.steps.is_empty() && self.wait.is_none()
    }
}
