//! The steps of the test, in the order and with the numbers of dossier 15f.

mod administration;
mod advanced;
mod calls;
mod place;
mod session;
mod settings;

use super::script::{Halt, SOON, Script, Step};
use crate::csta::exchange::Outcome as Done;
use crate::csta::{Connection, Event, EventKind, Request, Response};

/// One step: its number, its title, and the questions of dossier 15b that it answers.
pub(super) struct Plan {
    pub(super) number: u8,
    pub(super) title: &'static str,
    pub(super) questions: &'static [u8],
}

const fn plan(number: u8, title: &'static str, questions: &'static [u8]) -> Plan {
    Plan { number, title, questions }
}

/// All steps.
pub(super) const ALL: [Plan; 16] = [
    plan(1, "registration", &[5, 6]),
    plan(2, "sessions with each identity", &[1, 2, 4, 8, 37]),
    plan(3, "what the PBX says it can do", &[20, 21]),
    plan(4, "the monitor in each form of the device", &[9]),
    plan(5, "an incoming call at the phone", &[12, 13, 24]),
    plan(6, "calls to idle, busy, wrong and outside numbers", &[10, 12, 42]),
    plan(7, "dial tone and digits", &[19]),
    plan(8, "rejecting, redirecting, transfer and conference", &[15, 16, 17, 18]),
    plan(9, "forwarding and do not disturb", &[23]),
    plan(10, "the snapshot of an idle line", &[24]),
    plan(11, "the phone is unplugged", &[28, 29]),
    plan(12, "the number at another phone", &[13, 25, 26]),
    plan(13, "mobility", &[27]),
    plan(14, "ten quiet minutes", &[7]),
    plan(15, "administration of the router", &[30]),
    plan(16, "a second session for the line", &[32]),
];

/// Runs a step.
pub(super) async fn run(script: &mut Script, number: u8) -> Step {
    match number {
        1 => session::registration(script).await,
        2 => session::identities(script).await,
        3 => session::features(script).await,
        4 => session::devices(script).await,
        16 => session::second(script).await,
        15 => administration::all(script).await,
        number => {
            if !script.monitored().await? {
                return Ok(());
            }
            match number {
                5 => calls::incoming(script).await,
                6 => calls::outgoing(script).await,
                7 => calls::dial_tone(script).await,
                8 => advanced::all(script).await,
                9 => settings::all(script).await,
                10 => script.snapshot("idle", None).await,
                11 => place::unplugged(script).await,
                12 => place::shared(script).await,
                13 => place::mobility(script).await,
                _ => place::quiet(script).await,
            }
        }
    }
}

/// The name of an event.
pub(super) fn name_of(kind: &EventKind<'_>) -> &'static str {
    match kind {
        EventKind::ServiceInitiated { .. } => "ServiceInitiated",
        EventKind::Originated { .. } => "Originated",
        EventKind::DigitsDialed { .. } => "DigitsDialed",
        EventKind::Delivered { .. } => "Delivered",
        EventKind::Offered { .. } => "Offered",
        EventKind::NetworkReached { .. } => "NetworkReached",
        EventKind::Established { .. } => "Established",
        EventKind::Failed { .. } => "Failed",
        EventKind::Queued { .. } => "Queued",
        EventKind::Held { .. } => "Held",
        EventKind::Retrieved { .. } => "Retrieved",
        EventKind::Diverted { .. } => "Diverted",
        EventKind::Transferred { .. } => "Transferred",
        EventKind::Conferenced { .. } => "Conferenced",
        EventKind::ConnectionCleared { .. } => "ConnectionCleared",
        EventKind::CallCleared { .. } => "CallCleared",
        EventKind::Bridged { .. } => "Bridged",
        EventKind::CallInformation { .. } => "CallInformation",
        EventKind::DigitsGenerated { .. } => "DigitsGenerated",
        EventKind::DoNotDisturb { .. } => "DoNotDisturb",
        EventKind::Forwarding { .. } => "Forwarding",
        EventKind::CallerIdStatus { .. } => "CallerIdStatus",
        EventKind::MessageWaiting { .. } => "MessageWaiting",
        EventKind::Hookswitch { .. } => "Hookswitch",
        EventKind::BackInService { .. } => "BackInService",
        EventKind::OutOfService { .. } => "OutOfService",
        EventKind::PartiallyInService { .. } => "PartiallyInService",
        EventKind::DeviceCapsChanged { .. } => "DeviceCapsChanged",
        _ => "an event that nobody knows",
    }
}

/// The own state that an event tells.
fn local(event: &Event<'_>) -> String {
    event.local_connection_info.as_ref().map_or_else(|| "absent".to_owned(), |state| state.as_str().to_owned())
}

/// The connection that a service made.
fn made(done: &Done) -> Option<Connection<'static>> {
    let Done::Response(answer) = done else { return None };
    let connection = match answer.response() {
        Ok(Some(Response::MakeCall { calling_device })) => calling_device,
        Ok(Some(Response::ConsultationCall { initiated_call })) => initiated_call,
        _ => return None,
    };
    (!connection.is_empty()).then(|| connection.into_owned())
}

fn is_yes(done: &Done) -> bool {
    matches!(done, Done::Response(_))
}

impl Script {
    /// The second phone: the one that was named, or the one that called.
    fn partner(&mut self) -> Option<String> {
        let partner = self.wish.partner.clone().or_else(|| self.caller.clone());
        if partner.is_none() {
            self.not_run("It needs a second phone: name its number with --partner.");
        }
        partner
    }

    fn third(&mut self) -> Option<String> {
        let third = self.wish.third.clone();
        if third.is_none() {
            self.not_run("Redirecting, transfer and conference need a third phone: name its number with --third.");
        }
        third
    }

    fn make_call(&self, form: &str, digits: &str) -> Request {
        Request::MakeCall {
            calling: self.device.clone(),
            called: self.called(form, digits),
            prompt: Some(false),
            extras: crate::csta::CallExtras::default(),
        }
    }

    /// Calls a phone and has it answered; the own connection.
    async fn call_and_answer(&mut self, number: &str, at: &str) -> Result<Option<Connection<'static>>, Halt> {
        self.look_ahead();
        let form = self.number_form.clone();
        let done = self.say(self.make_call(&form, number)).await?;
        let Some(own) = made(&done) else {
            self.find(format!("MakeCall to the {at}: {}.", super::talk::told(&done)));
            return Ok(None);
        };
        let text = format!("The phone {number} rings: answer it.");
        let came =
            self.person(("answer", at), text, |event| matches!(event.kind, EventKind::Established { .. })).await?;
        Ok(came.map(|_| own))
    }

    /// Ends a call, and asks the other phones to.
    async fn hang_up(&mut self, call: &Connection<'static>) -> Step {
        self.say(Request::ClearConnection { call: call.clone(), reason: None }).await?;
        self.until(SOON, false, |event| matches!(event.kind, EventKind::ConnectionCleared { .. })).await?;
        self.clear_all().await
    }
}
