//! Steps 5 to 7: a call in, calls out, dial tone.

use std::time::Duration;

use super::{is_yes, local, made};
use crate::csta::exchange::{Outcome as Done, Refusal};
use crate::csta::{Connection, DigitMode, Event, EventKind, FaultValue, OperationError, Request, SubjectDevice};
use crate::service::probe::script::{Halt, SOON, Script, Step};

/// An outside call needs its time.
const OUTSIDE: Duration = Duration::from_secs(30);

/// What a party of an event says.
fn party(device: &SubjectDevice<'_>) -> &'static str {
    match device {
        SubjectDevice::Identified(_) => "told",
        SubjectDevice::NotKnown => "notKnown",
        SubjectDevice::Restricted => "restricted",
        SubjectDevice::Absent => "absent",
    }
}

/// A call that rings at the line: the own connection.
pub(super) fn rings(script: &Script, event: &Event<'static>) -> Option<Connection<'static>> {
    match &event.kind {
        EventKind::Delivered { progress } if progress.device.id().is_some_and(|device| script.is_own(device)) => {
            Some(progress.connection.clone())
        }
        _ => None,
    }
}

impl Script {
    /// Asks for a call to the line; its own connection once it rings.
    pub(super) async fn called_up(
        &mut self,
        more: &str,
    ) -> Result<Option<(Event<'static>, Connection<'static>)>, Halt> {
        let number = self.ground.number.clone();
        let from = self
            .wish
            .partner
            .clone()
            .map_or_else(|| "another phone".to_owned(), |partner| format!("the phone {partner}"));
        let (own, mac) = (self.ground.number.clone(), self.ground.mac.clone());
        let is_it = move |event: &Event<'static>| {
            matches!(&event.kind, EventKind::Delivered { progress } if progress.device.id().is_some_and(|device| {
                let is_phone = device.mac.as_ref().zip(mac.as_ref()).is_none_or(|(theirs, own)| theirs.as_str() == own);
                is_phone && device.comparable_number().ends_with(&own)
            }))
        };
        let text = format!("Call {number} from {from}{more}.");
        let Some(event) = self.person(("call_line", "partner"), text, is_it).await? else { return Ok(None) };
        let own = rings(self, &event);
        Ok(own.map(|own| (event, own)))
    }
}

/// Step 5: ring, answer, hold, retrieve and hang up at the phone.
pub(super) async fn incoming(script: &mut Script) -> Step {
    let Some((event, _)) = script.called_up(" and let it ring").await? else { return Ok(()) };
    if let EventKind::Delivered { progress } = &event.kind {
        script.find(format!(
            "Delivered tells the caller: {}, the called number: {}, localConnectionInfo: {}.",
            party(&progress.calling_device),
            party(&progress.called_device),
            local(&event),
        ));
        script.caller = progress.calling_device.id().map(|device| device.number.to_string()).filter(|number| {
            // Only a phone of the same kind of number is one at hand.
            number.len() == script.ground.number.len()
        });
    }
    script.snapshot("it rings", Some("alerting")).await?;
    let number = script.ground.number.clone();
    type Is = fn(&Event<'static>) -> bool;
    let acts: [(&str, &str, &str, Option<&str>, Is); 4] = [
        ("answer", "Answer the call at", "connected", Some("connected"), |event| {
            matches!(event.kind, EventKind::Established { .. })
        }),
        ("hold", "Press Hold at", "held", Some("hold"), |event| matches!(event.kind, EventKind::Held { .. })),
        ("retrieve", "Press Resume at", "connected again", Some("connected"), |event| {
            matches!(event.kind, EventKind::Retrieved { .. })
        }),
        ("hang_up", "Hang up at", "idle again", None, |event| {
            matches!(event.kind, EventKind::ConnectionCleared { .. })
        }),
    ];
    for (act, text, state, own, is_it) in acts {
        let Some(event) = script.person((act, "line"), format!("{text} {number}."), is_it).await? else {
            return Ok(());
        };
        script.find(format!("After “{act}” localConnectionInfo is {}.", local(&event)));
        script.snapshot(state, own).await?;
    }
    Ok(())
}

fn is_number_refused(done: &Done) -> bool {
    matches!(done, Done::Refused(Refusal::Fault(fault)) if matches!(
        &fault.value,
        FaultValue::Operation(
            OperationError::InvalidCalledDeviceId | OperationError::InvalidDestination | OperationError::InvalidDeviceId
        )
    ))
}

/// Step 6.
pub(super) async fn outgoing(script: &mut Script) -> Step {
    if let Some(partner) = script.partner() {
        idle(script, &partner).await?;
        script.clear_all().await?;
        busy(script, &partner).await?;
        script.clear_all().await?;
    }
    match script.wish.invalid.clone() {
        Some(invalid) => {
            let done = script
                .try_out("MakeCall to a number that nobody has", script.make_call(&script.number_form, &invalid))
                .await?;
            if is_yes(&done) {
                let came =
                    script.until(SOON * 2, false, |event| matches!(event.kind, EventKind::Failed { .. })).await?;
                tell_failed(script, "the wrong number", came.as_ref());
            }
            script.clear_all().await?;
        }
        None => script.not_run("A wrong number might be dialled outside: name one that nobody has with --invalid."),
    }
    match script.wish.outside.clone() {
        Some(outside) => {
            let done = script
                .try_out("MakeCall to an outside number", script.make_call(&script.number_form, &outside))
                .await?;
            if is_yes(&done) {
                script.until(OUTSIDE, true, |event| matches!(event.kind, EventKind::Established { .. })).await?;
                script.snapshot("calling outside", None).await?;
            }
        }
        None => script.not_run("A call outside costs money: name a number that may be called with --outside."),
    }
    Ok(())
}

/// To an idle phone, in each form of the number.
async fn idle(script: &mut Script, partner: &str) -> Step {
    let mut works = None;
    for (at, form) in script.ground.numbers.clone().into_iter().enumerate() {
        script.look_ahead();
        let done = script.try_out(&format!("MakeCall to {form}"), script.make_call(&form, partner)).await?;
        if !is_yes(&done) {
            if !is_number_refused(&done) {
                script.find("The refusal does not say that it is the form of the number.");
            }
            continue;
        }
        if made(&done).is_none() {
            script.find("MakeCallResponse names no connection.");
        }
        let came = script.until(SOON, false, |event| matches!(event.kind, EventKind::Delivered { .. })).await?;
        let shown = came.as_ref().map_or_else(
            || "no Delivered follows".to_owned(),
            |event| {
                format!(
                    "Delivered follows, its localConnectionInfo is {} (connected means the own state)",
                    local(event)
                )
            },
        );
        script.find(format!("With {form} {shown}."));
        if came.is_some() && works.is_none() {
            works = Some((at, form));
            script.snapshot("it rings at the other phone", Some("connected")).await?;
        }
        script.clear_all().await?;
    }
    if let Some((at, form)) = works {
        if at > 0 {
            script.learn("called.template", form.clone());
        }
        script.number_form = form;
        if let Some(own) = script.call_and_answer(partner, "partner").await? {
            script.try_out("HoldCall", Request::HoldCall { call: own.clone() }).await?;
            script.until(SOON, false, |event| matches!(event.kind, EventKind::Held { .. })).await?;
            script.try_out("RetrieveCall", Request::RetrieveCall { call: own.clone() }).await?;
            script.until(SOON, false, |event| matches!(event.kind, EventKind::Retrieved { .. })).await?;
            let digits =
                Request::GenerateDigits { call: own.clone(), mode: DigitMode::Dtmf, characters: "12".to_owned() };
            script.try_out("GenerateDigits", digits).await?;
            script.try_out("ClearConnection", Request::ClearConnection { call: own, reason: None }).await?;
            script.until(SOON, false, |event| matches!(event.kind, EventKind::ConnectionCleared { .. })).await?;
        }
    }
    Ok(())
}

fn tell_failed(script: &mut Script, what: &str, came: Option<&Event<'static>>) {
    let cause =
        |event: &Event<'_>| event.cause.as_ref().map_or_else(|| "none".to_owned(), |cause| cause.as_str().to_owned());
    let shown = match came {
        Some(event) if matches!(event.kind, EventKind::Failed { .. }) => {
            format!("Failed with cause {}, localConnectionInfo {}", cause(event), local(event))
        }
        Some(event) => format!("{} instead of Failed", super::name_of(&event.kind)),
        None => "no Failed".to_owned(),
    };
    script.find(format!("For {what} there is {shown}."));
}

/// To a busy phone.
async fn busy(script: &mut Script, partner: &str) -> Step {
    let text = format!("Lift the handset of {partner} and leave it off the hook.");
    if !script.person_says(("off_hook", "partner"), text).await? {
        return Ok(());
    }
    let done = script.try_out("MakeCall to a busy phone", script.make_call(&script.number_form, partner)).await?;
    if is_yes(&done) {
        let is_it =
            |event: &Event<'static>| matches!(event.kind, EventKind::Failed { .. } | EventKind::Delivered { .. });
        let came = script.until(SOON, false, is_it).await?;
        tell_failed(script, "the busy phone", came.as_ref());
        script.snapshot("the other phone is busy", None).await?;
    }
    script.clear_all().await?;
    script.person_says(("on_hook", "partner"), format!("Put the handset of {partner} back.")).await?;
    Ok(())
}

/// Step 7: a call without a number, then its digits.
pub(super) async fn dial_tone(script: &mut Script) -> Step {
    let Some(partner) = script.partner() else { return Ok(()) };
    let done = script.try_out("MakeCall without a number", script.make_call("", "")).await?;
    if !is_yes(&done) {
        script.propose("svc.dialtone", "collect");
        return Ok(());
    }
    let is_it = |event: &Event<'static>| {
        matches!(event.kind, EventKind::Originated { .. } | EventKind::ServiceInitiated { .. })
    };
    let event = script.until(SOON, false, is_it).await?;
    let seen = event.and_then(|event| match event.kind {
        EventKind::Originated { connection, .. } | EventKind::ServiceInitiated { connection, .. } => Some(connection),
        _ => None,
    });
    let Some(own) = made(&done).or(seen) else {
        script.find("Neither the answer nor an event names the call.");
        return Ok(());
    };
    script.snapshot("there is dial tone", None).await?;
    let delivered = |event: &Event<'static>| matches!(event.kind, EventKind::Delivered { .. });
    let request = Request::DialDigits { call: own.clone(), digits: partner.clone() };
    let done = script.try_out("DialDigits at dial tone", request).await?;
    if is_yes(&done) {
        let rings = script.until(SOON * 2, false, delivered).await?.is_some();
        script.find(if rings { "The digits are dialled." } else { "Nothing rings after the digits." });
        return script.hang_up(&own).await;
    }
    let request = Request::GenerateDigits { call: own.clone(), mode: DigitMode::Dtmf, characters: partner };
    let done = script.try_out("GenerateDigits at dial tone", request).await?;
    let rings = is_yes(&done) && script.until(SOON * 2, false, delivered).await?.is_some();
    script.propose("svc.dialtone", if rings { "generatedigits" } else { "collect" });
    script.find(format!("GenerateDigits dials: {}.", if rings { "yes" } else { "no" }));
    script.hang_up(&own).await
}
