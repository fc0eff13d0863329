//! Step 8: what is done with a ringing call, and with two calls.

use super::{is_yes, made};
use crate::csta::{CallExtras, Connection, ConsultOptions, Event, EventKind, Request};
use crate::service::probe::script::{Halt, SOON, Script, Step};

/// All of step 8.
pub(super) async fn all(script: &mut Script) -> Step {
    reject(script).await?;
    script.clear_all().await?;
    let Some(partner) = script.partner() else { return Ok(()) };
    let Some(third) = script.third() else { return Ok(()) };
    redirect(script, &partner, &third).await?;
    script.clear_all().await?;
    blind(script, &partner, &third).await?;
    script.clear_all().await?;
    if let Some((held, active)) = consult(script, &partner, &third).await? {
        transfer(script, held, active).await?;
    }
    hang_up_there(script, &partner).await?;
    script.clear_all().await?;
    if let Some((held, active)) = consult(script, &partner, &third).await? {
        conference(script, held, active, &third).await?;
    }
    script.clear_all().await
}

async fn hang_up_there(script: &mut Script, number: &str) -> Step {
    script.person_says(("hang_up", "partner"), format!("Hang up the phone {number}.")).await.map(|_| ())
}

/// A ringing call is refused (U-18).
async fn reject(script: &mut Script) -> Step {
    let Some((_, own)) = script.called_up(" and let it ring: it is rejected").await? else { return Ok(()) };
    let request = Request::ClearConnection { call: own, reason: None };
    let done = script.try_out("ClearConnection of a ringing call", request).await?;
    let is_cleared = is_yes(&done)
        && script
            .until(SOON, false, |event| matches!(event.kind, EventKind::ConnectionCleared { .. }))
            .await?
            .is_some();
    script.find(if is_cleared { "A ringing call can be rejected." } else { "A ringing call cannot be rejected." });
    if !is_cleared {
        script.propose("svc.reject", if script.ground.reject_target { "deflect" } else { "none" });
        let text = "The call cannot be rejected: hang up the phone that called.".to_owned();
        script.person_says(("hang_up", "partner"), text).await?;
    }
    Ok(())
}

async fn redirect(script: &mut Script, partner: &str, third: &str) -> Step {
    let Some((_, own)) = script.called_up(&format!(" and let it ring: it goes to {third}")).await? else {
        return Ok(());
    };
    let new_destination = script.called(&script.number_form, third);
    let done = script.try_out("DeflectCall", Request::DeflectCall { call: own, new_destination }).await?;
    if is_yes(&done) {
        let came = script.until(SOON, false, |event| matches!(event.kind, EventKind::Diverted { .. })).await?;
        script.find(if came.is_some() { "Diverted follows." } else { "No Diverted follows." });
    }
    hang_up_there(script, partner).await
}

/// SingleStepTransferCall (U-17).
async fn blind(script: &mut Script, partner: &str, third: &str) -> Step {
    let Some(own) = script.call_and_answer(partner, "partner").await? else { return Ok(()) };
    let transferred_to = script.called(&script.number_form, third);
    let request = Request::SingleStepTransferCall { active: own, transferred_to, extras: CallExtras::default() };
    let done = script.try_out("SingleStepTransferCall", request).await?;
    if is_yes(&done) {
        script.until(SOON, false, |event| matches!(event.kind, EventKind::Transferred { .. })).await?;
    } else {
        script.propose("svc.blind_transfer", "consult");
    }
    hang_up_there(script, partner).await
}

/// Two calls: the held one, and the active one.
async fn consult(
    script: &mut Script,
    partner: &str,
    third: &str,
) -> Result<Option<(Connection<'static>, Connection<'static>)>, Halt> {
    let Some(held) = script.call_and_answer(partner, "partner").await? else { return Ok(None) };
    let request = Request::ConsultationCall {
        existing: held.clone(),
        consulted: script.called(&script.number_form, third),
        consult_options: Some(ConsultOptions::Unrestricted),
        extras: CallExtras::default(),
    };
    let done = script.try_out("ConsultationCall", request).await?;
    let Some(active) = made(&done) else {
        script.find("It names no new connection: the calls of this step end here.");
        hang_up_there(script, partner).await?;
        return Ok(None);
    };
    let text = format!("The phone {third} rings: answer it.");
    let is_it = |event: &Event<'static>| matches!(event.kind, EventKind::Established { .. });
    if script.person(("answer", "third"), text, is_it).await?.is_none() {
        return Ok(None);
    }
    script.snapshot("one call is held and one is active", None).await?;
    // There and back again.
    for (held, active) in [(&held, &active), (&active, &held)] {
        let request = Request::AlternateCall { held: held.clone(), active: active.clone() };
        script.try_out("AlternateCall", request).await?;
        script.until(SOON, false, |event| matches!(event.kind, EventKind::Retrieved { .. })).await?;
    }
    Ok(Some((held, active)))
}

/// Which of two calls the new one is (U-15).
fn survivor(new: &Connection<'_>, held: &Connection<'_>, active: &Connection<'_>) -> &'static str {
    match new.call() {
        "" => "no call id",
        call if call == held.call() && call == active.call() => "the id of both",
        call if call == held.call() => "the id of the held call",
        call if call == active.call() => "the id of the active call",
        _ => "a new id",
    }
}

fn new_connection(items: &[crate::csta::ConnectionListItem<'static>]) -> Option<Connection<'static>> {
    items.iter().find_map(|item| item.new_connection.clone())
}

async fn transfer(script: &mut Script, held: Connection<'static>, active: Connection<'static>) -> Step {
    let request = Request::TransferCall { held: held.clone(), active: active.clone() };
    script.try_out("TransferCall", request).await?;
    let came = script.until(SOON, false, |event| matches!(event.kind, EventKind::Transferred { .. })).await?;
    if let Some(EventKind::Transferred { transferred_connections, .. }) = came.map(|event| event.kind) {
        let new = new_connection(&transferred_connections).unwrap_or_default();
        script.find(format!("After the transfer the call has {}.", survivor(&new, &held, &active)));
    }
    Ok(())
}

/// A conference of three, and one of them is sent away (U-16).
async fn conference(script: &mut Script, held: Connection<'static>, active: Connection<'static>, third: &str) -> Step {
    let request = Request::ConferenceCall { held: held.clone(), active: active.clone() };
    let done = script.try_out("ConferenceCall", request).await?;
    if !is_yes(&done) {
        script.propose("svc.conference", "off");
        return Ok(());
    }
    let came = script.until(SOON, false, |event| matches!(event.kind, EventKind::Conferenced { .. })).await?;
    let Some(EventKind::Conferenced { conference_connections, .. }) = came.map(|event| event.kind) else {
        script.find("No Conferenced follows.");
        return Ok(());
    };
    let new = new_connection(&conference_connections).unwrap_or_default();
    script.find(format!("The conference has {}.", survivor(&new, &held, &active)));
    script.snapshot("in a conference", None).await?;
    let ends_so = |connection: &Connection<'static>| {
        connection.device.as_ref().is_some_and(|device| device.comparable_number().ends_with(third))
    };
    let theirs = conference_connections.iter().filter_map(|item| item.new_connection.clone()).find(ends_so);
    let Some(call) = theirs else {
        script.find("The event does not name the connection of the third phone.");
        return Ok(());
    };
    let done = script.try_out("ClearConnection of a party", Request::ClearConnection { call, reason: None }).await?;
    if !is_yes(&done) {
        script.propose("svc.remove_party", "none");
    }
    Ok(())
}
