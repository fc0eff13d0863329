//! Step 9: forwarding and do not disturb, from here and at the phone (U-23). What was set before is set again.

use super::is_yes;
use crate::csta::exchange::Outcome as Done;
use crate::csta::{Event, EventKind, ForwardListItem, ForwardingType, Request, Response};
use crate::service::probe::script::{SOON, Script, Step};

fn is_forwarding(event: &Event<'static>) -> bool {
    matches!(event.kind, EventKind::Forwarding { .. })
}

fn is_dnd(event: &Event<'static>) -> bool {
    matches!(event.kind, EventKind::DoNotDisturb { .. })
}

fn set_forwarding(script: &Script, target: Option<String>) -> Request {
    Request::SetForwarding {
        device: script.device.clone(),
        forwarding_type: Some(ForwardingType::ForwardImmediate),
        activate: target.is_some(),
        forward_dn: target,
        ring_count: None,
    }
}

/// Where calls go, by the PBX's word.
fn target(done: &Done) -> Option<String> {
    let Done::Response(answer) = done else { return None };
    let Ok(Some(Response::Forwarding(list))) = answer.response() else { return None };
    let is_it = |item: &&ForwardListItem<'_>| {
        item.forward_status == Some(true)
            && item.forwarding_type.as_ref().is_none_or(|kind| *kind == ForwardingType::ForwardImmediate)
    };
    list.iter().find(is_it).and_then(|item| item.forward_dn.as_ref()).map(|device| device.raw.to_string())
}

fn is_on(done: &Done) -> Option<bool> {
    let Done::Response(answer) = done else { return None };
    match answer.response() {
        Ok(Some(Response::DoNotDisturb(on))) => on,
        _ => None,
    }
}

/// All of step 9.
pub(super) async fn all(script: &mut Script) -> Step {
    let device = script.device.clone();
    let before = script.try_out("GetForwarding", Request::GetForwarding { device: device.clone() }).await?;
    let was_on = script.try_out("GetDoNotDisturb", Request::GetDoNotDisturb { device: device.clone() }).await?;
    let done = forwarding(script).await;
    if is_yes(&before) {
        let request = set_forwarding(script, target(&before));
        script.say(request).await?;
    }
    done?;
    let done = do_not_disturb(script).await;
    if let Some(on) = is_on(&was_on) {
        script.say(Request::SetDoNotDisturb { device, on }).await?;
    }
    done
}

async fn forwarding(script: &mut Script) -> Step {
    let Some(partner) = script.partner() else { return Ok(()) };
    let wanted = script.called(&script.number_form, &partner);
    script.look_ahead();
    let request = set_forwarding(script, Some(wanted));
    let done = script.try_out("SetForwarding", request).await?;
    if is_yes(&done) {
        let came = script.until(SOON, false, is_forwarding).await?;
        script.find(format!("A Forwarding event follows: {}.", if came.is_some() { "yes" } else { "no" }));
        let device = script.device.clone();
        let now = script.say(Request::GetForwarding { device }).await?;
        script.find(format!(
            "GetForwarding then names the target: {}.",
            if target(&now).is_some() { "yes" } else { "no" }
        ));
        let request = set_forwarding(script, None);
        script.try_out("SetForwarding to nowhere", request).await?;
        script.until(SOON, false, is_forwarding).await?;
    }
    let number = script.ground.number.clone();
    let text = format!("At {number} press CFwdAll and dial {partner}.");
    if script.person(("forward_on", "line"), text, is_forwarding).await?.is_some() {
        script.find("Forwarding at the phone is told as an event.");
        let text = format!("At {number} press CFwdAll once more, so that calls arrive again.");
        script.person(("forward_off", "line"), text, is_forwarding).await?;
    }
    Ok(())
}

async fn do_not_disturb(script: &mut Script) -> Step {
    script.look_ahead();
    for (what, on) in [("SetDoNotDisturb on", true), ("SetDoNotDisturb off", false)] {
        let device = script.device.clone();
        let done = script.try_out(what, Request::SetDoNotDisturb { device, on }).await?;
        if is_yes(&done) {
            let came = script.until(SOON, false, is_dnd).await?;
            script.find(format!("A DoNotDisturb event follows: {}.", if came.is_some() { "yes" } else { "no" }));
        }
    }
    let number = script.ground.number.clone();
    let text = format!("At {number} press DND.");
    if script.person(("dnd_on", "line"), text, is_dnd).await?.is_some() {
        script.find("Do not disturb at the phone is told as an event.");
        script.person(("dnd_off", "line"), format!("At {number} press DND once more."), is_dnd).await?;
    }
    Ok(())
}
