//! Call control: from a wish of the API to services of the PBX (dossier 15a).

use serde_json::value::RawValue;

use super::commands::Command;
use super::seat::Seat;
use super::services::Purpose;
use super::task::LinkTask;
use super::Reply;
use crate::csta::{self, CallExtras, Request, Service};
use crate::domain::call_table::{DialIntent, SeatId};
use crate::domain::{
    Action, ActionSet, Call, CallId, CallState, CommandId, DialString, LineId, MonitorState, RandomIds,
};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{CallAction, Caller, DialRequest, Done, Written, parse_dial};
use crate::service::journal::Known;
use crate::service::pbx::{RejectBy, TemplateValues};

impl LinkTask {
    /// The actions that the gateway offers and the PBX can do.
    pub(super) fn offered(&self) -> ActionSet {
        let mut set = ActionSet::EMPTY;
        for (action, service) in [
            (Action::Answer, Service::AnswerCall),
            (Action::Drop, Service::ClearConnection),
            (Action::Hold, Service::HoldCall),
            (Action::Retrieve, Service::RetrieveCall),
        ] {
            if self.report.may_use(service) {
                set.insert(action);
            }
        }
        set
    }

    /// Whether a ringing call can be refused (U-18).
    pub(super) fn may_reject(&self) -> bool {
        match self.dialect.svc.reject {
            RejectBy::Clear => true,
            RejectBy::Auto => self.report.may_clear_alerting(),
            RejectBy::Deflect | RejectBy::None => false,
        }
    }

    /// The capabilities changed: what calls and lines offer does too.
    pub(super) fn offer_actions(&mut self) {
        let (offered, may_reject) = (self.offered(), self.may_reject());
        self.table.offer(self.at(), offered, may_reject);
        self.changed_lines.extend(self.lines.keys().cloned());
    }

    /// The seat that a command goes to, or why none can take it.
    fn seat_for(&self, line: &LineId, address: u8) -> Result<SeatId, ServiceError> {
        let entry = self.lines.get(line).ok_or_else(|| ServiceError::not_found("line"))?;
        if !entry.row.body.enabled {
            return Err(ServiceError::new(Code::NotAllowedNow, "This line is switched off.")
                .with_hint("Enable it with PATCH /api/v1/lines/{line}."));
        }
        let found = entry.seats.iter().copied().find_map(|id| {
            let seat = self.seats.get(&id)?;
            (seat.address == address).then_some((id, seat))
        });
        let Some((id, seat)) = found else {
            return Err(ServiceError::new(Code::InvalidValue, format!("This line has no address {address}."))
                .with_hint("Use one of the indexes in `addresses`.")
                .with_field("/address", "There is no such address."));
        };
        self.ready(seat).map(|()| id)
    }

    fn ready(&self, seat: &Seat) -> Result<(), ServiceError> {
        if !self.row.settings.enabled {
            return Err(ServiceError::new(Code::PbxUnavailable, "This PBX is switched off.")
                .with_hint("Enable it with PATCH /api/v1/pbxs/{pbx}."));
        }
        if !self.net.is_connected() {
            let why = self.net.trouble.clone().unwrap_or_default();
            return Err(ServiceError::new(Code::PbxUnavailable, "The link to the PBX is down.")
                .with_hint(if why.is_empty() { "It is connected again by itself; ask again in a moment.".to_owned() } else { why })
                .retryable(Some(2)));
        }
        match seat.monitor.state {
            MonitorState::Active => Ok(()),
            MonitorState::Pending => Err(ServiceError::new(Code::PbxUnavailable, "This line is being connected.")
                .with_hint("Ask again in a moment.")
                .retryable(Some(1))),
            MonitorState::Failed | MonitorState::Off => {
                let reason = seat.monitor.reason.clone().unwrap_or_else(|| "It is not monitored.".to_owned());
                let hint = seat.monitor.hint.clone().unwrap_or_default();
                Err(ServiceError::new(Code::NotAllowedNow, format!("This line cannot be controlled now. {reason}"))
                    .with_hint(hint))
            }
        }
    }

    /// Dials.
    pub(super) fn dial(&mut self, line: &LineId, caller: &Caller, request: DialRequest, reply: Reply<Done>) {
        let planned = parse_dial(request.to.as_deref()).and_then(|to| {
            let id = self.seat_for(line, request.address)?;
            Ok((id, to))
        });
        let (id, to) = match planned {
            Ok(planned) => planned,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let Some(seat) = self.seats.get(&id) else { return };
        let digits = to.as_ref().map_or("", DialString::digits).to_owned();
        let called = if digits.is_empty() {
            String::new()
        } else {
            let values = TemplateValues {
                digits: Some(&digits),
                number: Some(&digits),
                cme: Some(&self.row.settings.host),
                ..TemplateValues::default()
            };
            self.dialect.called.template.fill(values).unwrap_or_else(|| digits.clone())
        };
        let service = Request::MakeCall {
            calling: self.device_of(seat),
            called,
            prompt: match self.dialect.autooriginate.as_str() {
                "prompt" => Some(true),
                "omit" => None,
                _ => Some(false),
            },
            extras: CallExtras::default(),
        };
        let command_id = CommandId::new(&mut RandomIds);
        self.table.intend_dial(
            id,
            DialIntent {
                command: command_id.clone(),
                actor: caller.name.clone(),
                client_ref: request.client_ref.clone(),
                dialed: digits,
                data: request.data,
            },
        );
        let command = Command {
            actor: caller.name.as_str().into(),
            action: "dial",
            what: "dial",
            line: line.clone(),
            seat: id,
            calls: Vec::new(),
            client_ref: request.client_ref,
            reply: Some(reply),
            rest: Default::default(),
            is_dial: true,
        };
        self.commands.insert(command_id.clone(), command);
        self.submit(id, service, Purpose::Command(command_id));
    }

    /// Acts on a call.
    pub(super) fn act(&mut self, call: &CallId, caller: &Caller, action: &CallAction, reply: Reply<Done>) {
        match self.plan(call, action) {
            Ok((id, mut services)) => {
                let Some(first) = services.pop_front() else { return };
                let command_id = CommandId::new(&mut RandomIds);
                let known = self.table.call(call);
                let client_ref = known.and_then(|call| call.client_ref.clone());
                let Some(line) = known.map(|call| call.line_id.clone()) else { return };
                let actor = caller.name.clone();
                self.table.intend(self.at(), call, command_id.clone(), actor.clone());
                let command = Command {
                    actor: actor.into(),
                    action: action.action.as_str(),
                    what: what(action.action),
                    line,
                    seat: id,
                    calls: vec![call.clone()],
                    client_ref,
                    reply: Some(reply),
                    rest: services,
                    is_dial: false,
                };
                self.commands.insert(command_id.clone(), command);
                self.submit(id, first, Purpose::Command(command_id));
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// The services of an action, in order, or why it is not possible.
    fn plan(
        &self,
        id: &CallId,
        action: &CallAction,
    ) -> Result<(SeatId, std::collections::VecDeque<Request>), ServiceError> {
        let call = self.table.call(id).ok_or_else(|| ServiceError::not_found("call"))?;
        let seat_id = self.table.seat_of(id).ok_or_else(|| ServiceError::not_found("call"))?;
        let seat = self.seats.get(&seat_id).ok_or_else(|| ServiceError::not_found("call"))?;
        if !call.allowed_actions.contains(action.action) {
            return Err(not_allowed(call, action.action));
        }
        self.ready(seat)?;
        let connection = self.connection(seat, call);
        let services = match action.action {
            Action::Answer => {
                // CME: a waiting call is answered by holding the active one first (dossier 15a).
                let mut services: std::collections::VecDeque<Request> = self
                    .table
                    .calls_of_line(&call.line_id)
                    .filter(|other| other.id != call.id && other.address == call.address)
                    .filter(|other| {
                        matches!(other.state, CallState::Connected | CallState::RemoteHeld | CallState::Conferenced)
                    })
                    .map(|other| Request::HoldCall {
                        call: self.connection(seat, other),
                    })
                    .collect();
                services.push_back(Request::AnswerCall { call: connection });
                services
            }
            Action::Drop => [Request::ClearConnection {
                call: connection,
                reason: None,
            }]
            .into(),
            Action::Hold => [Request::HoldCall { call: connection }].into(),
            Action::Retrieve => [Request::RetrieveCall { call: connection }].into(),
            other => return Err(not_allowed(call, other)),
        };
        Ok((seat_id, services))
    }

    /// A call at a seat, as requests name it.
    fn connection(&self, seat: &Seat, call: &Call) -> csta::Connection<'static> {
        let pbx_call = call.pbx_call_id.clone().unwrap_or_default();
        csta::Connection::from((pbx_call.as_str(), self.device_of(seat).as_str()))
    }

    /// Replaces the data of a call.
    pub(super) fn attach(&mut self, call: &CallId, caller: &Caller, data: Box<RawValue>, reply: Reply<Written>) {
        if self.table.call(call).is_none() {
            let _ = reply.send(Err(ServiceError::not_found("call")));
            return;
        }
        self.table.attach(self.at(), call, caller.name.clone(), data);
        let json = self.table.call(call).cloned().map(|call| Known::call(call).json);
        while let Some(output) = self.table.poll() {
            self.on_table_output(output);
        }
        self.answer_written(reply, json.map(|json| (json, None)).ok_or_else(|| ServiceError::not_found("call")));
    }
}

fn not_allowed(call: &Call, action: Action) -> ServiceError {
    let allowed: Vec<&str> = call.allowed_actions.iter().map(Action::as_str).collect();
    let hint = if allowed.is_empty() {
        "Nothing can be done with this call now.".to_owned()
    } else {
        format!("Possible now: {}.", allowed.join(", "))
    };
    ServiceError::new(
        Code::NotAllowedNow,
        format!("“{}” is not possible while the call is {}.", action.as_str(), call.state.as_str()),
    )
    .with_hint(hint)
}

/// What an action does, for sentences.
fn what(action: Action) -> &'static str {
    match action {
        Action::Answer => "answer the call",
        Action::Drop => "hang up",
        Action::Hold => "hold the call",
        Action::Retrieve => "take the call back",
        Action::Redirect => "redirect the call",
        Action::BlindTransfer => "transfer the call",
        Action::Consult => "consult",
        Action::Dial => "dial",
        Action::Digits => "send digits",
        Action::Swap => "swap the calls",
        Action::CompleteTransfer => "complete the transfer",
        Action::CompleteConference => "make the conference",
        Action::AddToConference => "add to the conference",
        Action::RemoveFromConference => "remove from the conference",
    }
}
