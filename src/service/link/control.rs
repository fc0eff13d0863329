//! What a link is asked: dispatch, and what must be true before anything goes to the PBX.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::commands::{Expected, Order};
use super::plan::{Effect, Making, Plan, Step, TakesOver};
use super::seat::Seat;
use super::shutdown::Shutdown;
use super::task::LinkTask;
use super::{LinkCommand, Reply};
use crate::csta::Service;
use crate::domain::call_table::{DATA_DEPTH, DATA_LIMIT, SeatId};
use crate::domain::{Action, ActionSet, Call, CallId, CallState, LineId, MonitorState, nesting};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{CallAction, Caller, DialRequest, Done, Written};
use crate::service::journal::Known;
use crate::service::merge::merge;
use crate::service::pbx::{RejectBy, ServiceChoice};

impl LinkTask {
    pub(super) async fn on_command(&mut self, command: LinkCommand) {
        match command {
            LinkCommand::Dial { line, caller, request, reply } => self.dial(&line, &caller, request, reply),
            LinkCommand::Act { call, caller, action, reply } => self.act(&call, &caller, &action, reply),
            LinkCommand::Attach { call, caller, patch, reply } => self.attach(&call, &caller, patch, reply),
            LinkCommand::Forwarding { line, address, caller, set, reply } => {
                self.forwarding(&line, address, &caller, set, reply)
            }
            LinkCommand::DoNotDisturb { line, caller, set, reply } => self.do_not_disturb(&line, &caller, set, reply),
            LinkCommand::Refresh { line, reply } => self.refresh(&line, reply),
            LinkCommand::LoadLines { dry_run, reply } => self.load_lines(dry_run, reply),
            LinkCommand::ImportLines { lines, dry_run, caller, reply } => {
                let outcome = self.import_lines(lines, dry_run, &caller).await;
                self.outbox.after(move |_| {
                    let _ = reply.send(outcome);
                });
            }
            LinkCommand::Diagnose { line, is_reached, reply } => self.diagnose(line, is_reached, reply),
            LinkCommand::Assistant(command) => self.on_assistant_command(command).await,
            LinkCommand::CreateLine { line, caller, reply } => {
                let outcome = self.create_line(line, &caller).await;
                self.answer_written(reply, outcome);
            }
            LinkCommand::UpdateLine { line, caller, patch, if_match, reply } => {
                let outcome = self.update_line(&line, &caller, patch, if_match.as_deref()).await;
                self.answer_written(reply, outcome);
            }
            LinkCommand::DeleteLine { line, caller, reply } => {
                let outcome = self.delete_line(&line, &caller).await;
                self.outbox.after(move |_| {
                    let _ = reply.send(outcome);
                });
            }
            LinkCommand::Configure { row, changed, actor, reply } => self.configure(*row, changed, actor, reply),
            LinkCommand::Renumber { reply } => self.renumber(reply),
            LinkCommand::BeginProbe { line, record, news, over, reply } => {
                self.begin_probe(&line, record, news, over, reply)
            }
            LinkCommand::Probe(ask) => self.probe_ask(ask),
            LinkCommand::Learn { found, actor, reply } => self.learn(&found, actor, reply),
            LinkCommand::SiteCopy { reply } => self.site_copy(reply),
            LinkCommand::ForgetLearned { actor, reply } => self.forget_learned(actor, reply),
            LinkCommand::Remove { actor, reply } => self.remove(actor, reply),
            LinkCommand::Stop { reply } => self.shutdown(Shutdown::new(Some(reply))),
        }
    }

    /// The actions that the gateway offers and the PBX can do.
    pub(super) fn offered(&self) -> ActionSet {
        let can = |service| self.report.may_use(service);
        let can_confer = match self.dialect.svc.conference {
            ServiceChoice::Auto => can(Service::ConferenceCall) || self.may_join_in_one_step(),
            ServiceChoice::On => true,
            ServiceChoice::Off => false,
        };
        let mut set = ActionSet::EMPTY;
        for (action, possible) in [
            (Action::Answer, can(Service::AnswerCall)),
            (Action::Drop, can(Service::ClearConnection)),
            (Action::Hold, can(Service::HoldCall)),
            (Action::Retrieve, can(Service::RetrieveCall)),
            (Action::Redirect, can(Service::DeflectCall)),
            // Emulated by hold and dial, or by a consultation, where the service itself is missing.
            (Action::BlindTransfer, can(Service::SingleStepTransferCall) || can(Service::TransferCall)),
            (Action::Consult, can(Service::ConsultationCall) || (can(Service::HoldCall) && can(Service::MakeCall))),
            (Action::Dial, true),
            (Action::Digits, can(Service::GenerateDigits)),
            (Action::Swap, can(Service::AlternateCall) || (can(Service::HoldCall) && can(Service::RetrieveCall))),
            (Action::CompleteTransfer, can(Service::TransferCall)),
            (Action::CompleteConference, can_confer),
            (Action::AddToConference, can_confer),
            (Action::RemoveFromConference, self.may_remove_parties()),
        ] {
            if possible {
                set.insert(action);
            }
        }
        set
    }

    /// Whether a ringing call can be refused (U-18).
    pub(super) fn may_reject(&self) -> bool {
        let has_target = !self.dialect.reject.target.is_empty() && self.report.may_use(Service::DeflectCall);
        match self.dialect.svc.reject {
            RejectBy::Clear => true,
            RejectBy::Auto => self.report.may_clear_alerting() || has_target,
            RejectBy::Deflect => has_target,
            RejectBy::None => false,
        }
    }

    /// Whether a participant can be taken out of a conference (U-16).
    fn may_remove_parties(&self) -> bool {
        match self.dialect.svc.remove_party.as_str() {
            "none" => false,
            "clear_foreign" => true,
            _ => self.report.can_remove_parties() != Some(false),
        }
    }

    /// `yes`, `no`, `emulated` or `unknown` for each operation.
    pub(super) fn capabilities(&self) -> BTreeMap<String, String> {
        let mut all = self.report.capabilities();
        let remove = match (self.may_remove_parties(), self.report.can_remove_parties()) {
            (false, _) => "no",
            (true, Some(true)) => "yes",
            (true, _) => "unknown",
        };
        // A ringing call is hung up in its own way, or not at all (U-18).
        let reject = match self.dialect.svc.reject {
            RejectBy::Clear => "yes",
            RejectBy::Auto if self.report.may_clear_alerting() => "yes",
            _ if self.may_reject() => "emulated",
            RejectBy::Auto if !self.report.has_features() => "unknown",
            _ => "no",
        };
        for (operation, word) in [("remove_from_conference", remove), ("reject", reject)] {
            all.insert(operation.to_owned(), word.to_owned());
        }
        all
    }

    /// Why an action is not possible: the state of the call, or the PBX itself.
    pub(super) fn not_possible(&self, call: &Call, action: Action) -> ServiceError {
        let is_reject = action == Action::Drop && call.state == CallState::Offering && !self.may_reject();
        if !is_reject && self.offered().contains(action) {
            return not_allowed(call, action);
        }
        let what = if is_reject { "refuse a ringing call" } else { what(action) };
        ServiceError::new(Code::NotAllowedNow, format!("This PBX cannot {what}.")).with_hint(
            "Look at `capabilities` in its status; if it learned to meanwhile, DELETE /api/v1/pbxs/{pbx}/learned has it tried anew.",
        )
    }

    /// The capabilities changed: what calls and lines offer does too.
    pub(super) fn offer_actions(&mut self) {
        let (offered, may_reject) = (self.offered(), self.may_reject());
        self.table.offer(self.at(), offered, may_reject);
        self.changed_lines.extend(self.lines.keys().cloned());
    }

    /// The seat that a command goes to, or why none can take it.
    pub(super) fn seat_for(&self, line: &LineId, address: u8) -> Result<SeatId, ServiceError> {
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

    pub(super) fn ready(&self, seat: &Seat) -> Result<(), ServiceError> {
        if !self.row.settings.enabled {
            return Err(ServiceError::new(Code::PbxUnavailable, "This PBX is switched off.")
                .with_hint("Enable it with PATCH /api/v1/pbxs/{pbx}."));
        }
        if !self.net.is_connected() {
            let why = self.net.trouble.clone().unwrap_or_default();
            let hint =
                if why.is_empty() { "It is connected again by itself; ask again in a moment.".to_owned() } else { why };
            return Err(ServiceError::new(Code::PbxUnavailable, "The link to the PBX is down.")
                .with_hint(hint)
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
    fn dial(&mut self, line: &LineId, caller: &Caller, request: DialRequest, reply: Reply<Done>) {
        let planned = self.dials(request.to.as_deref()).and_then(|digits| {
            let id = self.seat_for(line, request.address)?;
            let seat = self.seats.get(&id).ok_or_else(|| ServiceError::not_found("line"))?;
            let entry = self.lines.get(line).ok_or_else(|| ServiceError::not_found("line"))?;
            if let Some(error) = self.cannot_dial(entry, id, seat) {
                return Err(error);
            }
            let plan = |request, teaches| Plan {
                seat: id,
                steps: [Step::ask(id, request)].into(),
                calls: Vec::new(),
                makes: Some(Making::of(digits.clone())),
                effect: Effect::Made,
                needs: None,
                alternative: None,
                takes_over: TakesOver::Missing,
                teaches,
            };
            let first = plan(self.make_call(seat, &digits), None);
            // A number that the PBX has and calls invalid is perhaps written in the wrong form (U-10).
            let other = self.other_number_form().filter(|_| self.table.knows_number(&digits));
            Ok(match other {
                Some(form) => {
                    let request = self.make_call_to(seat, self.called_as(&form, &digits));
                    first.or_when_number_is_invalid(plan(request, Some(form)))
                }
                None => first,
            })
        });
        match planned {
            Ok(plan) => {
                let order = Order {
                    actor: caller.name.as_str().into(),
                    action: "dial",
                    what: "dial",
                    line: line.clone(),
                    client_ref: request.client_ref,
                    data: request.data,
                    reply,
                    on: None,
                    span: caller.span.clone(),
                };
                self.order(order, plan);
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Acts on a call.
    fn act(&mut self, call: &CallId, caller: &Caller, action: &CallAction, reply: Reply<Done>) {
        match self.plan(call, action) {
            Ok(plan) => {
                let known = self.table.call(call);
                let Some(line) = known.map(|call| call.line_id.clone()) else { return };
                let state = known.map(|call| call.state);
                let on = state.map(|state| Expected { call: call.clone(), action: action.action, state });
                let client_ref = known.and_then(|call| call.client_ref.clone()).filter(|_| plan.makes.is_none());
                if action.action == Action::Dial {
                    self.table.dials(call);
                    self.goes_on_collecting(call);
                }
                let order = Order {
                    actor: caller.name.as_str().into(),
                    action: action.action.as_str(),
                    what: what(action.action),
                    line,
                    client_ref,
                    data: None,
                    reply,
                    on,
                    span: caller.span.clone(),
                };
                self.order(order, plan);
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Merges a patch into the data of a call; here, where nobody else changes them meanwhile.
    fn attach(&mut self, call: &CallId, caller: &Caller, patch: Value, reply: Reply<Written>) {
        let merged = self.table.call(call).ok_or_else(|| ServiceError::not_found("call"));
        let data = match merged.and_then(|call| patched(&call.data, patch)) {
            Ok(data) => data,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        self.table.attach(self.at(), call, caller.name.clone(), data);
        let json = self.table.call(call).cloned().map(|call| Known::call(call).json);
        while let Some(output) = self.table.poll() {
            self.on_table_output(output);
        }
        self.answer_written(reply, json.map(|json| (json, None)).ok_or_else(|| ServiceError::not_found("call")));
    }
}

/// Data after a merge patch; `null` empties them.
fn patched(data: &RawValue, patch: Value) -> Result<Box<RawValue>, ServiceError> {
    let wrong = |detail: &str| ServiceError::new(Code::InvalidValue, detail).with_field("/data", detail);
    let empty = || Value::Object(serde_json::Map::new());
    let merged = if patch.is_null() {
        empty()
    } else {
        let mut merged = serde_json::from_str(data.get()).unwrap_or_else(|_| empty());
        merge(&mut merged, patch);
        merged
    };
    let raw =
        serde_json::value::to_raw_value(&merged).map_err(|error| wrong(&format!("`data` is no JSON: {error}.")))?;
    if raw.get().len() > DATA_LIMIT {
        return Err(wrong("`data` has at most 4096 bytes."));
    }
    if nesting::depth(raw.get()) > DATA_DEPTH {
        return Err(wrong("`data` has at most 16 levels."));
    }
    Ok(raw)
}

/// Why an action is not possible.
pub(super) fn not_allowed(call: &Call, action: Action) -> ServiceError {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_patch_makes_data_neither_too_long_nor_too_deep() {
        let kept = RawValue::from_string(r#"{"a":{"b":1}}"#.to_owned()).unwrap();
        let deep = |levels: usize| (1..levels).fold(json!({"x": 1}), |inner, _| json!({"x": inner}));
        let merged = patched(&kept, deep(16)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(merged.get()).unwrap()["a"]["b"], 1);
        for wrong in [deep(17), json!({"x": "y".repeat(5000)})] {
            let error = patched(&kept, wrong).unwrap_err();
            assert_eq!((error.code, &*error.fields[0].pointer), (Code::InvalidValue, "/data"));
        }
        assert_eq!(patched(&kept, Value::Null).unwrap().get(), "{}");
    }
}
