//! Steps 11 to 14: the phone goes and comes, the number elsewhere, mobility, quiet.

use std::time::{Duration, Instant};

use crate::csta::{Event, EventKind};
use crate::service::probe::script::{Halt, Script, Step};

const QUIET: Duration = Duration::from_secs(600);

fn is_service(event: &Event<'static>) -> bool {
    matches!(event.kind, EventKind::OutOfService { .. } | EventKind::BackInService { .. })
}

/// Step 11. A phone without power is noticed after three keepalives, and needs minutes to come back.
pub(super) async fn unplugged(script: &mut Script) -> Step {
    let number = script.ground.number.clone();
    let notify = script.ground.notify.map_or("not told", |on| if on { "on" } else { "off" });
    script.find(format!("`cti notify` of the number is {notify}."));
    let text = format!("Unplug the phone {number} (network and power). The router notices after about 90 s.");
    let patience = script.patience() * 2;
    // The end of the session is an answer too.
    let gone = wait_for_service(script, "unplug", text, patience).await?;
    if !gone {
        return Ok(());
    }
    let text = format!("Plug the phone {number} in again and wait until it has registered.");
    if wait_for_service(script, "plug_in", text, patience * 2).await? && script.monitored().await? {
        script.find("The line is monitored again.");
    }
    Ok(())
}

async fn wait_for_service(script: &mut Script, act: &str, text: String, patience: Duration) -> Result<bool, Halt> {
    let had_session = script.session().is_some();
    if !had_session {
        // Without a session nothing is told: the person says when the phone is back.
        return script.person_says((act, "line"), text).await;
    }
    let came = script.person_or_end((act, "line"), text, patience, is_service).await?;
    match came {
        Some(Some(event)) => {
            script.find(format!("“{act}” is told with {}.", super::name_of(&event.kind)));
            Ok(true)
        }
        Some(None) => {
            script.find(format!("With “{act}” the PBX ends the session."));
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Step 12.
pub(super) async fn shared(script: &mut Script) -> Step {
    if script.ground.shared_with == 0 {
        script.not_run("No other phone of this PBX has the number.");
        return Ok(());
    }
    let Some(partner) = script.partner() else { return Ok(()) };
    beside(script, &partner, "as the router is set").await?;
    if !script.wish.disturb {
        script.not_run(
            "The other mode (`cti csta mode basic`) changes what every program is told: ask for it with --disturb.",
        );
        return Ok(());
    }
    for (act, text, mode) in [
        ("basic", "At the router: `voice service voip`, `cti csta mode basic`.", "in basic mode"),
        ("advanced", "At the router: `voice service voip`, `no cti csta mode basic`.", "in advanced mode"),
    ] {
        if !script.person_says((act, "router"), text.to_owned()).await? {
            return Ok(());
        }
        script.monitored_again(mode).await?;
        if script.session().is_some() {
            beside(script, &partner, mode).await?;
            script.clear_all().await?;
        }
    }
    Ok(())
}

/// The other phone uses the number.
async fn beside(script: &mut Script, partner: &str, mode: &str) -> Step {
    let (number, mac) = (script.ground.number.clone(), script.ground.mac.clone());
    let text = format!("At another phone that has {number} too, call {partner} from that number.");
    let is_it = move |event: &Event<'static>| match event.kind {
        // The end of the call before may come after somebody said that the phone is hung up.
        EventKind::ConnectionCleared { .. } => false,
        EventKind::DoNotDisturb { .. } | EventKind::Forwarding { .. } => mac.is_none(),
        _ => true,
    };
    script.look_ahead();
    if let Some(event) = script.person(("call_partner", "other"), text, is_it).await? {
        script.find(format!(
            "A call of the other phone is told here {mode}, first with {}, localConnectionInfo {}.",
            super::name_of(&event.kind),
            super::local(&event),
        ));
        script.snapshot(&format!("the other phone uses the number, {mode}"), None).await?;
    }
    script.person_says(("hang_up", "other"), "Hang up that phone.".to_owned()).await?;
    Ok(())
}

/// Step 13.
pub(super) async fn mobility(script: &mut Script) -> Step {
    if !script.ground.is_mobile {
        script.not_run("This line belongs to a phone. Test the line of an extension mobility user too.");
        return Ok(());
    }
    let patience = script.patience();
    for (act, text) in [
        ("log_out", "Log out the user of this line."),
        ("log_in", "Log the user in again, at another phone if there is one."),
        ("move", "Log the user in at one more phone without logging out at this one, if there is one."),
    ] {
        match script.person_or_end((act, "host"), text.to_owned(), patience, |_| true).await? {
            Some(Some(event)) => script.find(format!("“{act}” is told with {}.", super::name_of(&event.kind))),
            Some(None) => script.find(format!("With “{act}” the PBX ends the session.")),
            None => script.find(format!("Nothing is told of “{act}”.")),
        }
        script.monitored_again(&format!("“{act}”")).await?;
        if script.session().is_none() {
            return Ok(());
        }
    }
    Ok(())
}

/// Step 14: does the connection live when nobody says anything?
pub(super) async fn quiet(script: &mut Script) -> Step {
    if !script.wish.long {
        script.not_run("It takes ten minutes: ask for it with --long.");
        return Ok(());
    }
    let begun = Instant::now();
    let text = "Ten quiet minutes: do nothing at this phone. Enter ends them early.".to_owned();
    let came = script.pause(("wait", "line"), text, QUIET).await?;
    let minutes = begun.elapsed().as_secs() / 60;
    match came {
        Some(event) => {
            script.find(format!("After {minutes} minutes there was {}: not quiet.", super::name_of(&event.kind)));
        }
        None if begun.elapsed() < QUIET => script.not_run("The ten minutes were ended early."),
        None => script.find(format!("{minutes} minutes were quiet.")),
    }
    let came = script.called_up(" and let it ring").await?;
    script.find(if came.is_some() { "The call is told at once." } else { "The call is not told." });
    Ok(())
}
