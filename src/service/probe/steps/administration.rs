//! Step 15: what an administrator does to the router. It ends the sessions of every line.

use std::time::Duration;

use super::session::register;
use crate::csta::Request;
use crate::service::probe::script::{Script, Step};
use crate::service::probe::talk::{told, told_open};

/// A router needs some minutes to reload, its phones some more.
const RELOAD: Duration = Duration::from_secs(900);

/// All of step 15.
pub(super) async fn all(script: &mut Script) -> Step {
    if !script.wish.disturb {
        script.not_run(
            "`clear cti session`, `cti shutdown`, `no cti shutdown` and a reload end the sessions of every line: ask for it \
             with --disturb when nobody phones. `linegate watch` and the log show how the other lines take it.",
        );
        return Ok(());
    }
    if !script.monitored().await? {
        return Ok(());
    }
    cleared(script).await?;
    shut_down(script).await?;
    reloaded(script).await
}

async fn cleared(script: &mut Script) -> Step {
    let number = script.ground.number.clone();
    let text = format!(
        "At the router: `show cti session`, then `clear cti session` for the session of {number} (or for all of them)."
    );
    ends(script, "clear_session", text).await?;
    script.monitored_again("`clear cti session`").await
}

/// Asks for something at the router that may end the session.
async fn ends(script: &mut Script, act: &str, text: String) -> Step {
    let patience = script.patience();
    // Whatever is told meanwhile stands among the events of the step.
    let end = script.person_or_end((act, "router"), text, patience, |_| false).await?;
    script.find(match end {
        Some(_) => format!("With “{act}” the PBX ends the session."),
        None => format!("With “{act}” the session is not ended."),
    });
    status(script, &format!("The session, asked for its status after “{act}”")).await
}

/// Asks in the session of the test, when it still stands.
async fn status(script: &mut Script, what: &str) -> Step {
    if let Some(session) = script.session() {
        let done = script.say_in(session, Request::RequestSystemStatus).await?;
        script.find(format!("{what}: {}.", told(&done)));
        // The end of a session that is no more comes with the answer.
        script.look_ahead();
    }
    Ok(())
}

async fn shut_down(script: &mut Script) -> Step {
    if script.session().is_none() {
        return Ok(());
    }
    ends(script, "cti_shutdown", "At the router: `voice service voip`, `cti shutdown`.".to_owned()).await?;
    let form = script.form.clone();
    let (session, opened) = script.open(&form).await?;
    script.find(format!("A new session under `cti shutdown`: {}.", told_open(&opened)));
    script.close_session(session).await?;
    register(script, "REGISTER under `cti shutdown`").await?;
    let text = "At the router: `voice service voip`, `no cti shutdown`.".to_owned();
    script.person_says(("no_cti_shutdown", "router"), text).await?;
    script.monitored_again("`no cti shutdown`").await
}

async fn reloaded(script: &mut Script) -> Step {
    if script.session().is_none() {
        return Ok(());
    }
    let text = "Reload the router (`reload`) and wait until its phones are registered.".to_owned();
    if !script.person_says_within(("reload", "router"), text, RELOAD).await? {
        return Ok(());
    }
    script.look_ahead();
    status(script, "The session of before the reload, asked for its status").await?;
    script.monitored_again("the reload").await
}
