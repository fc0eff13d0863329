//! The life of a command: its plan step by step, its answer, and what is told of its outcome.

mod answers;
mod aside;
mod intents;
mod waits;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::confirm::Confirmation;
use super::plan::{Effect, Making, Need, Plan, Step, TakesOver};
use super::services::Purpose;
use super::task::LinkTask;
use super::{Reply, json_bytes};
use crate::domain::call_table::SeatId;
use crate::domain::{Action, CallId, CallState, CommandId, LineId, RandomIds};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Done;
use crate::service::journal::{Actor, Known};
use crate::service::pbx::Template;

/// How long a transfer by consultation waits for its target to ring.
const REACHED: Duration = Duration::from_secs(20);
/// How long the target of a transfer by consultation proceeds before the transfer is tried: trunks may not tell that it
/// rings (dossier 15a).
const PROCEEDING: Duration = Duration::from_secs(2);
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
    /// Where the call that it makes is waited for.
    pub(super) dials_at: SeatId,
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
    /// The wait that goes on when the PBX says that the transfer comes too early.
    early: Option<Reach>,
    /// The call that the step under way puts on hold for those that follow.
    holds: Option<CallId>,
    /// The call that was put on hold for what is still to come.
    aside: Option<CallId>,
    /// The table knows that it makes a call.
    is_dialing: bool,
    /// A step of it has gone to the PBX.
    was_sent: bool,
    pub(super) has_acted: bool,
    pub(super) on: Option<Expected>,
    /// Its answer may be lost: a snapshot that shows its effect will do.
    pub(super) is_slow: bool,
}

/// The wait of a transfer for its target.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    held: CallId,
    /// It is given up then.
    until: Instant,
    /// The target proceeds: the transfer is tried in a moment, or was.
    proceeds: bool,
}

/// What a command is woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alarm {
    Nameless,
    Reached,
    Proceeding,
    Digits,
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wait {
    /// The call that the PBX did not name.
    Call,
    /// Its call to be ringing or answered at the far end; then it is connected with the held one.
    Reached(Reach),
    /// More digits, for a while.
    Digits,
    /// The end of the call that was to be hung up and that the PBX says it does not have; else this is the answer.
    Gone(Box<ServiceError>),
    /// The call that was put on hold for nothing is taken back; then this is the answer.
    Back(Box<ServiceError>),
}

/// A command as its outcome names it.
pub(super) struct Told<'a> {
    pub(super) action: &'a str,
    pub(super) line: &'a LineId,
    pub(super) call: Option<&'a CallId>,
    pub(super) client_ref: Option<&'a str>,
    pub(super) actor: &'a Arc<str>,
}

/// Commands that are not answered.
#[derive(Default)]
pub(super) struct Commands {
    pub(super) open: HashMap<CommandId, Command>,
    /// Numbers of their timers.
    timers: HashMap<u64, (CommandId, Alarm)>,
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
            dials_at: plan.seat,
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
            early: None,
            holds: None,
            aside: None,
            is_dialing: false,
            was_sent: false,
            has_acted: false,
            on: order.on,
            is_slow: false,
        };
        self.tap.ordered(&id, command.action, &command.line, &command.calls);
        self.commands.open.insert(id.clone(), command);
        self.next_step(&id);
    }

    fn next_step(&mut self, id: &CommandId) {
        let now = self.now();
        let Some(command) = self.commands.open.get_mut(id) else { return };
        match command.steps.pop_front() {
            None => self.on_command_accepted(id),
            Some(Step::Ask { seat, request, aside }) => {
                command.holds = aside;
                self.submit(seat, *request, Purpose::Command(id.clone()));
            }
            Some(Step::Collect) => {
                command.wait = Some(Wait::Digits);
                self.wait_for(id, BETWEEN_DIGITS, Alarm::Digits);
            }
            Some(Step::TransferWhenReached { held }) => {
                command.wait = Some(Wait::Reached(Reach { held, until: now + REACHED, proceeds: false }));
                self.wait_for(id, REACHED, Alarm::Reached);
                self.look_at_wait(id);
            }
        }
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

    /// `command.succeeded` or `command.failed`.
    pub(super) fn tell_command(&mut self, id: &CommandId, command: &Command, error: Option<&ServiceError>) {
        let told = Told {
            action: command.action,
            line: &command.line,
            call: command.calls.first(),
            client_ref: command.client_ref.as_deref(),
            actor: &command.actor,
        };
        self.tell_outcome(id, &told, error);
    }

    pub(super) fn tell_outcome(&mut self, id: &CommandId, told: &Told<'_>, error: Option<&ServiceError>) {
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
            "action": told.action,
            "line_id": told.line,
            "call_id": told.call,
            "client_ref": told.client_ref,
            "problem": problem,
        });
        let event = if error.is_some() { "command.failed" } else { "command.succeeded" };
        let pbx = self.row.id.clone();
        let actor = Actor::Token(Arc::clone(told.actor));
        self.outbox.command(event, (&pbx, told.line, told.call), id, actor, json_bytes(&json));
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
