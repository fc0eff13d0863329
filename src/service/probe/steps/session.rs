//! Steps 1 to 4 and 16: registration, sessions, capabilities, the monitor. Nobody has to do anything.

use super::is_yes;
use crate::csta::exchange::Outcome as Done;
use crate::csta::{Message, Request, Response, SystemStatus, decode};
use crate::service::link::{Form, Opened};
use crate::service::probe::script::{Halt, Script, Step};
use crate::service::probe::talk::{monitor, told, told_open};
use crate::sip::Failure;

/// Step 1: the registration that the link has anyway, once more.
pub(super) async fn registration(script: &mut Script) -> Step {
    if !script.ground.registers {
        script.not_run("The dialect says that this PBX is not registered at (register.mode = never).");
        return Ok(());
    }
    register(script, "REGISTER").await
}

/// Registers once more and tells what came of it.
pub(super) async fn register(script: &mut Script, what: &str) -> Step {
    match script.register().await? {
        Some(Ok(has_reference)) => {
            let with = if has_reference { "with" } else { "without" };
            script.find(format!("{what} is answered, {with} a reference id in the header that the dialect names."));
        }
        Some(Err(Failure { status: Some(status), reason, .. })) => {
            script.find(format!("{what} is refused with SIP {status} {reason}."));
        }
        Some(Err(_)) | None => script.find(format!("{what} is not answered.")),
    }
    Ok(())
}

/// The status in the answer to an INVITE.
fn status(opened: &Opened) -> Option<SystemStatus> {
    let Opened::Yes(Some(body)) = opened else { return None };
    match decode(body) {
        Ok(Message::Response(Response::SystemStatus(status))) => status,
        _ => None,
    }
}

/// Step 2: one session after the other, each with one thing changed.
pub(super) async fn identities(script: &mut Script) -> Step {
    let base = script.form.clone();
    let mut forms: Vec<(String, Form)> = script
        .ground
        .users
        .iter()
        .map(|user| (format!("From user {user}"), Form { user: user.clone(), ..base.clone() }))
        .collect();
    let mut works: Option<(usize, Form)> = None;
    let mut has_status = false;
    for at in 0..forms.len() {
        let Some((what, form)) = forms.get(at).cloned() else { break };
        let (is_open, told_status) = try_form(script, &what, &form).await?;
        if is_open && works.is_none() {
            works = Some((at, form));
            has_status = told_status;
        }
    }
    // With the identity that works, one thing at a time.
    let found = works.clone().map_or_else(|| base.clone(), |(_, form)| form);
    forms.clear();
    if script.ground.registers {
        let with = if found.has_reference { "without" } else { "with" };
        let form = Form { has_reference: !found.has_reference, ..found.clone() };
        forms.push((format!("{with} the reference id"), form));
    }
    let with = if found.has_declaration { "without" } else { "with" };
    forms.push((
        format!("{with} an XML declaration"),
        Form { has_declaration: !found.has_declaration, ..found.clone() },
    ));
    let with = if found.has_line { "without" } else { "with" };
    forms.push((format!("{with} the line as private data"), Form { has_line: !found.has_line, ..found.clone() }));
    for (what, form) in forms {
        let (is_open, told_status) = try_form(script, &what, &form).await?;
        if !is_open {
            continue;
        }
        if works.is_none() {
            // None of the identities worked as they are: this is what they missed.
            works = Some((0, form.clone()));
            if form.has_reference != base.has_reference {
                script.learn("invite.reference_id", if form.has_reference { "header" } else { "none" });
            }
            if form.has_declaration != base.has_declaration {
                script.learn("xml.declaration", if form.has_declaration { "on" } else { "off" });
            }
        } else if form.has_line && !base.has_line && told_status && !has_status {
            script.learn("status.private_line", "lcs");
            works = Some((0, form));
        }
    }
    match works {
        Some((at, form)) => {
            if at > 0 {
                script.learn("invite.from_user", form.user.clone());
            }
            let (session, opened) = script.open(&form).await?;
            if matches!(opened, Opened::Yes(_)) {
                script.use_session(session, form);
            }
        }
        None => script.find("No session can be opened in any form."),
    }
    Ok(())
}

async fn try_form(script: &mut Script, what: &str, form: &Form) -> Result<(bool, bool), Halt> {
    let (session, opened) = script.open(form).await?;
    let status = status(&opened);
    let shown = status.as_ref().map_or_else(String::new, |status| format!(", status {}", status.as_str()));
    script.find(format!("{what}: {}{shown}.", told_open(&opened)));
    let is_open = matches!(opened, Opened::Yes(_));
    if is_open {
        script.close_session(session).await?;
    }
    Ok((is_open, status.is_some_and(|status| status == SystemStatus::Normal)))
}

/// Step 3.
pub(super) async fn features(script: &mut Script) -> Step {
    let done = script.try_out("GetCSTAFeatures", Request::GetCstaFeatures).await?;
    if let Done::Response(answer) = &done
        && let Ok(Some(Response::Features(features))) = answer.response()
    {
        let services: Vec<&str> = features.services().map(|service| service.as_str()).collect();
        let events: Vec<&str> = features.events().map(|event| event.as_str()).collect();
        script.find(format!("It names the services {}.", services.join(", ")));
        script.find(format!("It names the events {}.", events.join(", ")));
        let unlisted = features.unlisted().count();
        if unlisted > 0 {
            script.find(format!("It names {unlisted} that the standard does not list."));
        }
    }
    let device = script.ground.devices.first().and_then(|form| script.filled(form));
    if let Some(device) = device.or_else(|| Some(format!("tel:{}", script.ground.number))) {
        script.try_out("GetLogicalDeviceInformation", Request::GetLogicalDeviceInformation { device }).await?;
    }
    script.try_out("RequestSystemStatus inside the session", Request::RequestSystemStatus).await?;
    Ok(())
}

/// Step 4: the monitor in each form; the first that works is kept.
pub(super) async fn devices(script: &mut Script) -> Step {
    let mut works: Option<(usize, String)> = None;
    for (at, form) in script.ground.devices.clone().into_iter().enumerate() {
        let Some(device) = script.filled(&form) else {
            script.find(format!("MonitorStart of {form}: not possible, the line has no phone to name."));
            continue;
        };
        let done = script.try_out(&format!("MonitorStart of {form}"), monitor(device.clone())).await?;
        let Done::Response(answer) = &done else { continue };
        if works.is_none() {
            works = Some((at, device));
        }
        if let Ok(Some(Response::MonitorStart { monitor_cross_ref_id, .. })) = answer.response() {
            let monitor_cross_ref_id = monitor_cross_ref_id.into_owned();
            script.say(Request::MonitorStop { monitor_cross_ref_id }).await?;
        }
    }
    if let Some((at, device)) = works {
        if at > 0
            && let Some(form) = script.ground.devices.get(at).cloned()
        {
            script.learn("device_id.self", form);
        }
        script.device = device;
        script.monitored().await?;
    }
    Ok(())
}

/// Step 16: another session for the same line, from the same client.
pub(super) async fn second(script: &mut Script) -> Step {
    if !script.monitored().await? {
        return Ok(());
    }
    let first = script.session();
    let (session, opened) = script.open(&script.form.clone()).await?;
    script.find(format!("A second session while the first stands: {}.", told_open(&opened)));
    if matches!(opened, Opened::Yes(_)) {
        let done = script.say_in(session, monitor(script.device.clone())).await?;
        script.find(format!("Its monitor: {}.", told(&done)));
        if is_yes(&done)
            && let Some(first) = first
        {
            let done = script.say_in(first, Request::RequestSystemStatus).await?;
            script.find(format!("The first session, asked for its status then: {}.", told(&done)));
        }
        script.close_session(session).await?;
    }
    if !script.wish.disturb {
        script.not_run(
            "The same session server id from another machine takes the registration away from every line: ask for it with \
             --disturb, or watch for “another program uses the session server id” in the status.",
        );
        return Ok(());
    }
    other_program(script).await
}

/// Another program that registers under the same session server id and opens sessions for the same lines.
async fn other_program(script: &mut Script) -> Step {
    if !script.monitored().await? {
        return Ok(());
    }
    let text = "Start another CSTA program with the same session server id at this router (the driver that is to be replaced, \
                say) and wait until it shows its lines.";
    if !script.person_says(("start_program", "other"), text.to_owned()).await? {
        return Ok(());
    }
    script.look_ahead();
    match script.session() {
        Some(session) => {
            script.find("The session of the test stands beside the other program.");
            let done = script.say_in(session, Request::RequestSystemStatus).await?;
            script.find(format!("Asked for its status then: {}.", told(&done)));
            let done = script.say_in(session, Request::SnapshotDevice { device: script.device.clone() }).await?;
            script.find(format!("Asked for the calls of the line: {}.", told(&done)));
        }
        None => script.find("The other program ends the session of the test."),
    }
    register(script, "REGISTER beside the other program").await?;
    script.person_says(("stop_program", "other"), "Stop the other program.".to_owned()).await?;
    script.monitored_again("the other program is gone").await
}
