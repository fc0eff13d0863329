//! What a command does, as spans below the request that gave it: the services at the PBX, the events for the clients.
//!
//! They are made only where something takes them (feature `otel`); else each of them is one look at the filter.

use std::collections::{HashMap, VecDeque};

use tracing::Span;
use tracing::field::Empty;

use crate::csta::exchange::{Outcome, Ticket};
use crate::domain::{CallId, CommandId, LineId};
use crate::service::journal::Change;

/// Commands whose outcome is not told yet.
const OPEN: usize = 512;

/// Spans that have not ended.
#[derive(Debug, Default)]
pub(super) struct Spans {
    commands: HashMap<CommandId, Span>,
    order: VecDeque<CommandId>,
    services: HashMap<Ticket, Span>,
}

impl Spans {
    /// A command begins.
    pub(super) fn command(&mut self, id: &CommandId, action: &str, line: &LineId, parent: &Span) {
        let span = tracing::trace_span!(
            target: "otel", parent: parent, "command",
            otel.name = format!("command {action}"), command.id = %id, line.id = %line, outcome = Empty
        );
        if span.is_disabled() {
            return;
        }
        self.commands.insert(id.clone(), span);
        self.order.push_back(id.clone());
        // A command is told of once it has an outcome; what never is must not stay.
        while self.order.len() > OPEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.commands.remove(&oldest);
        }
    }

    /// A service of a command is asked for.
    pub(super) fn service(&mut self, ticket: Ticket, command: &CommandId, name: &str) {
        let Some(parent) = self.commands.get(command) else { return };
        let span = tracing::trace_span!(
            target: "otel", parent: parent, "csta",
            otel.name = format!("csta {name}"), otel.kind = "client", csta.service = name, outcome = Empty
        );
        self.services.insert(ticket, span);
    }

    /// A service has ended.
    pub(super) fn service_done(&mut self, ticket: Ticket, outcome: Option<&Outcome>) {
        let Some(span) = self.services.remove(&ticket) else { return };
        span.record(
            "outcome",
            match outcome {
                Some(Outcome::Response(_)) => "answered",
                Some(Outcome::Refused(_)) => "refused",
                Some(Outcome::Unknown(_) | Outcome::Mismatch { .. }) => "unknown",
                None => "cancelled",
            },
        );
    }

    /// Events for the clients; the one that tells the outcome ends the command.
    pub(super) fn told(&mut self, changes: &[Change]) {
        if self.commands.is_empty() {
            return;
        }
        for change in changes {
            let Some(id) = &change.command_id else { continue };
            let Some(command) = self.commands.get(id) else { continue };
            let call = change.call_id.as_ref().map(CallId::as_str);
            let event = tracing::trace_span!(
                target: "otel", parent: command, "event",
                otel.name = format!("event {}", change.event), otel.kind = "producer", event = change.event, call.id = call
            );
            drop(event);
            if let Some(outcome) = change.event.strip_prefix("command.") {
                command.record("outcome", outcome);
                self.commands.remove(id);
                self.order.retain(|other| other != id);
            }
        }
    }
}
