//! What a link is asked: dispatch, and the life of a command until its outcome is certain.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::json;

use super::confirm::Confirmation;
use super::faults::refused_command;
use super::services::Purpose;
use super::shutdown::Shutdown;
use super::task::LinkTask;
use super::{LinkCommand, Reply, json_bytes};
use crate::csta::exchange::{Outcome, Refusal};
use crate::csta::{Request, Response};
use crate::domain::call_table::SeatId;
use crate::domain::{CallId, CommandId, LineId};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Done;
use crate::service::journal::{Actor, Known};

/// A command that the PBX has not answered yet.
pub(super) struct Command {
    pub(super) actor: Arc<str>,
    /// Its verb in the API.
    pub(super) action: &'static str,
    /// What it does, for sentences.
    pub(super) what: &'static str,
    pub(super) line: LineId,
    pub(super) seat: SeatId,
    /// The calls that it changes; of a dial none until the PBX names it.
    pub(super) calls: Vec<CallId>,
    pub(super) client_ref: Option<String>,
    pub(super) reply: Option<Reply<Done>>,
    /// Services that follow the one that is out.
    pub(super) rest: VecDeque<Request>,
    pub(super) is_dial: bool,
}

/// Commands that are not answered.
#[derive(Default)]
pub(super) struct Commands {
    open: HashMap<CommandId, Command>,
}

impl Commands {
    pub(super) fn insert(&mut self, id: CommandId, command: Command) {
        self.open.insert(id, command);
    }
}

impl LinkTask {
    pub(super) async fn on_command(&mut self, command: LinkCommand) {
        match command {
            LinkCommand::Dial {
                line,
                caller,
                request,
                reply,
            } => self.dial(&line, &caller, request, reply),
            LinkCommand::Act {
                call,
                caller,
                action,
                reply,
            } => self.act(&call, &caller, &action, reply),
            LinkCommand::Attach {
                call,
                caller,
                data,
                reply,
            } => self.attach(&call, &caller, data, reply),
            LinkCommand::Refresh { line, reply } => self.refresh(&line, reply),
            LinkCommand::LoadLines { dry_run, reply } => self.load_lines(dry_run, reply),
            LinkCommand::CreateLine { line, caller, reply } => {
                let outcome = self.create_line(line, &caller).await;
                self.answer_written(reply, outcome);
            }
            LinkCommand::UpdateLine {
                line,
                caller,
                patch,
                if_match,
                reply,
            } => {
                let outcome = self.update_line(&line, &caller, patch, if_match.as_deref()).await;
                self.answer_written(reply, outcome);
            }
            LinkCommand::DeleteLine { line, caller, reply } => {
                let outcome = self.delete_line(&line, &caller).await;
                self.outbox.after(move |_| {
                    let _ = reply.send(outcome);
                });
            }
            LinkCommand::Configure {
                row,
                changed,
                actor,
                reply,
            } => self.configure(*row, changed, actor, reply),
            LinkCommand::Remove { actor, reply } => self.remove(actor, reply),
            LinkCommand::Stop { reply } => self.shutdown(Shutdown::new(Some(reply))),
        }
    }

    /// A step of a command is done.
    pub(super) fn on_command_step(&mut self, id: SeatId, command_id: &CommandId, outcome: Outcome) {
        match outcome {
            Outcome::Response(answer) => {
                let next = self.commands.open.get_mut(command_id).and_then(|command| command.rest.pop_front());
                if let Some(request) = next {
                    return self.submit(id, request, Purpose::Command(command_id.clone()));
                }
                let made = match answer.response() {
                    Ok(Some(Response::MakeCall { calling_device })) => {
                        calling_device.call_id.map(|call| call.into_owned())
                    }
                    _ => None,
                };
                self.on_command_accepted(command_id, made.as_deref());
            }
            Outcome::Refused(refusal) => {
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
                        ServiceError::new(Code::PbxRefused, format!("The PBX refused to {what} (SIP {status})."))
                            .with_hint("Look at the state of the PBX and the protocol trace.")
                            .with_sip_status(status)
                    }
                    Refusal::QueueFull | Refusal::WaitedTooLong => ServiceError::new(
                        Code::PbxUnavailable,
                        "Too many commands wait for this line; nothing was done.",
                    )
                    .with_hint("Ask again in a second.")
                    .retryable(Some(1)),
                };
                self.fail_command(command_id, error);
            }
            Outcome::Unknown(_) | Outcome::Mismatch { .. } => self.on_command_unknown(id, command_id),
        }
    }

    /// The PBX said yes.
    fn on_command_accepted(&mut self, command_id: &CommandId, made: Option<&str>) {
        let at = self.at();
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        let (seat, is_dial) = (command.seat, command.is_dial);
        let mut is_confirmed = false;
        if is_dial {
            let by_event = self.table.dialed_call(seat, command_id);
            is_confirmed = by_event.is_some();
            let Some(call) = self.table.bind_dial(at, seat, command_id, made).or(by_event) else {
                // A response without an id: the next event of the device is bound (dossier 15c).
                return self.await_call(command_id);
            };
            if let Some(command) = self.commands.open.get_mut(command_id) {
                command.calls = vec![call];
            }
        }
        self.accepted(command_id, is_confirmed);
    }

    /// The command has its calls: answers, and waits for their change.
    pub(super) fn accepted(&mut self, command_id: &CommandId, is_confirmed: bool) {
        // Changes that the table already has are part of the answer.
        while let Some(output) = self.table.poll() {
            self.on_table_output(output);
        }
        let Some(mut command) = self.commands.open.remove(command_id) else { return };
        if let Some(reply) = command.reply.take() {
            let calls = command
                .calls
                .iter()
                .filter_map(|id| self.table.call(id).cloned())
                .map(|call| Known::call(call).json)
                .collect();
            let command_id = command_id.clone();
            self.outbox.after(move |position| {
                let answer = match position {
                    Some(position) => Ok(Done {
                        command_id,
                        calls,
                        position,
                    }),
                    None => Err(ServiceError::new(Code::ShuttingDown, "The gateway is stopping.")),
                };
                let _ = reply.send(answer);
            });
        }
        self.confirm(Confirmation::new(command_id.clone(), command), is_confirmed);
    }

    /// Nobody knows what came of it: the snapshot tells, and it is never sent again.
    fn on_command_unknown(&mut self, id: SeatId, command_id: &CommandId) {
        self.answer_timeout(command_id);
        let Some(command) = self.commands.open.remove(command_id) else { return };
        self.want_snapshot(id);
        self.doubt(Confirmation::new(command_id.clone(), command));
    }

    /// The PBX is slow: the caller is told now, the outcome comes as an event.
    pub(super) fn on_command_slow(&mut self, command_id: &CommandId) {
        self.answer_timeout(command_id);
    }

    fn answer_timeout(&mut self, command_id: &CommandId) {
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

    /// Ends a command that changed nothing.
    pub(super) fn fail_command(&mut self, command_id: &CommandId, error: ServiceError) {
        let Some(command) = self.commands.open.remove(command_id) else { return };
        let error = error.with_command(command_id.clone());
        if command.is_dial {
            self.table.drop_pending(command.seat, command_id);
        }
        for call in &command.calls {
            self.table.intent_done(call, command_id);
        }
        self.tell_command(command_id, &command, Some(&error));
        if let Some(reply) = command.reply {
            self.outbox.after(move |_| {
                let _ = reply.send(Err(error));
            });
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
        self.outbox.command(event, &pbx, &command.line, call, id, actor, json_bytes(&json));
    }
}
