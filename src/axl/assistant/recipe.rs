//! The lines themselves (the manual's 2.5 and 2.6), their inverse and their impact.

use super::{Block, Step};

/// What the lines of one site say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `register-id` of our session server.
    pub register_id: String,
    /// Its `keepalive` in seconds.
    pub keepalive_s: u32,
}

/// The lines of B1 with the sub-mode in which each stands.
pub(super) const VOICE_SERVICE: [&str; 5] =
    ["allow-connections sip to sip", "no cti shutdown", "gcid", "no cti csta mode basic", "sip"];
pub(super) const REGISTRAR: &str = "registrar server expires max 1800 min 60";

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}

fn step(block: Block, subject: &str, commands: Vec<String>, impact: &str) -> Step {
    Step {
        block,
        subject: subject.to_owned(),
        tag: None,
        number: None,
        commands,
        inverse: Vec::new(),
        impact: impact.to_owned(),
    }
}

pub(super) fn voice_service() -> Step {
    let mut commands = lines(&["voice service voip"]);
    commands.extend(lines(&VOICE_SERVICE));
    commands.push(REGISTRAR.to_owned());
    step(
        Block::VoiceServiceVoip,
        "voice service voip",
        commands,
        "Switches CTI and the SIP registrar on for the whole router. `no cti csta mode basic` is advanced mode: a Microsoft \
         client (OCS, Lync) that uses CSTA at this router needs basic mode and stops working. It is not taken back by undo.",
    )
}

pub(super) fn register_mode() -> Step {
    step(
        Block::VoiceRegisterGlobal,
        "voice register global",
        lines(&["voice register global", "mode cme"]),
        "Changes the SIP side of the router from SRST to CME: SIP phones that fall back to this router in SRST are affected. \
         It is not taken back by undo.",
    )
}

pub(super) fn session_server(tag: u32, site: &Site) -> Step {
    let mode = format!("voice register session-server {tag}");
    Step {
        tag: Some(tag),
        inverse: vec![format!("no {mode}")],
        commands: vec![
            mode.clone(),
            "cti-aware".to_owned(),
            format!("register-id {}", site.register_id),
            format!("keepalive {}", site.keepalive_s),
        ],
        ..step(Block::SessionServer, &mode, Vec::new(), "Adds a session server; others stay as they are.")
    }
}

/// The flags that are not known to be there. Only one that was off for certain is taken back by undo: where the router does
/// not show them, the number may have had them before, and taking them away would end control of it.
pub(super) fn directory_number(
    tag: u32,
    number: &str,
    watch: Option<bool>,
    notify: Option<bool>,
    has_button: bool,
) -> Step {
    let mode = format!("ephone-dn {tag}");
    let mut commands = vec![mode.clone()];
    let mut inverse = Vec::new();
    let mut impacts = Vec::new();
    let on_notify = if has_button {
        "`cti notify` keeps the number up while no phone is registered."
    } else {
        "`cti notify` keeps the number up while no phone is registered; as it stands on no button now, the router gives it a \
         static forward."
    };
    let on_watch = "`cti watch` lets programs monitor and control this number.";
    for (line, before, impact) in [("cti watch", watch, on_watch), ("cti notify", notify, on_notify)] {
        if before == Some(true) {
            continue;
        }
        commands.push(line.to_owned());
        impacts.push(impact.to_owned());
        match before {
            None => impacts
                .push(format!("The router does not show whether `{line}` was there before, so undo leaves it there.")),
            _ => inverse.push(format!("no {line}")),
        }
    }
    if !inverse.is_empty() {
        inverse.insert(0, mode.clone());
    }
    Step {
        tag: Some(tag),
        number: Some(number.to_owned()),
        inverse,
        ..step(Block::EphoneDn, &format!("{mode} ({number})"), commands, &impacts.join(" "))
    }
}

pub(super) fn authenticate() -> Step {
    step(
        Block::Authenticate,
        "voice register global: authenticate register",
        lines(&["voice register global", "authenticate register"]),
        "Optional. From then on every SIP registration at this router needs a user name and password, those of SIP phones and \
         other programs too; we use the XML user. It is applied only when it is named, and not taken back by undo.",
    )
}

/// The lines as they are sent: at most `most` in one request, each request from global configuration mode, with an
/// `exit` for each mode at its end where the dialect wants it (section 15, 13).
pub fn batches(commands: &[String], most: usize, with_exit: bool) -> Vec<Vec<String>> {
    let Some((mode, rest)) = commands.split_first() else { return Vec::new() };
    let mut path = vec![mode.clone()];
    let mut batches = Vec::new();
    let mut batch = path.clone();
    let exits = |depth: usize| if with_exit { depth } else { 0 };
    for line in rest {
        let room = most.max(path.len() + 1 + exits(path.len()));
        if batch.len() + 1 + exits(path.len()) > room && batch.len() > path.len() {
            batch.extend(std::iter::repeat_n("exit".to_owned(), exits(path.len())));
            batches.push(std::mem::replace(&mut batch, path.clone()));
        }
        batch.push(line.clone());
        if line == "sip" {
            path.push(line.clone());
        }
    }
    batch.extend(std::iter::repeat_n("exit".to_owned(), exits(path.len())));
    batches.push(batch);
    batches
}

/// The inverse of the lines that were executed; empty when there is nothing to take back.
pub fn undo_of(step: &Step, executed: &[String]) -> Vec<String> {
    if step.inverse.is_empty() || executed.is_empty() {
        return Vec::new();
    }
    match step.block {
        // The tag was free before: whatever stands under it is ours.
        Block::SessionServer => step.inverse.clone(),
        _ => {
            let undone =
                |line: &&String| line.strip_prefix("no ").is_some_and(|plain| executed.iter().any(|one| one == plain));
            let mut lines: Vec<String> = step.inverse.iter().filter(undone).cloned().collect();
            if !lines.is_empty()
                && let Some(mode) = step.inverse.first()
            {
                lines.insert(0, mode.clone());
            }
            lines
        }
    }
}

/// The complete configuration of the manual's 2.5 and 2.6 for a site, ready to paste at a console.
///
/// `user` is the XML user and its password, as they stand in the text.
pub fn cme_config(site: &Site, user: (&str, &str), tag: u32, dns: &[u32], with_authenticate: bool) -> String {
    let (name, password) = user;
    let mut out = String::new();
    let mut say = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    say("! Linegate: what a Cisco CallManager Express (8.0 to 12.5) needs so that its phones can be controlled.");
    say("! Enter it at the console of the router, in privileged mode.");
    say("enable");
    say("configure terminal");
    say("!");
    say("! The XML interface: it gives the lines, and takes the set-up of the assistant (level 15).");
    for line in
        ["ip http server", "ixi transport http", " no shutdown", " response size 64", " request outstanding 3", " exit"]
    {
        say(line);
    }
    for line in ["ixi application cme", " no shutdown", " exit", "telephony-service"] {
        say(line);
    }
    say(&format!(" xml user {name} password {password} 15"));
    say(" no shutdown");
    say(" exit");
    say("!");
    say("! CTI and the SIP registrar. Advanced mode: a Microsoft client (OCS, Lync) would need basic mode.");
    say("voice service voip");
    for line in VOICE_SERVICE {
        say(&format!(" {line}"));
    }
    say(&format!("  {REGISTRAR}"));
    say("  exit");
    say(" exit");
    say("voice register global");
    say(" mode cme");
    say(" exit");
    say("!");
    say("! The session server that Linegate registers as. Take another tag where this one is in use:");
    say("! show running-config | section session-server");
    say(&format!("voice register session-server {tag}"));
    say(" cti-aware");
    say(&format!(" register-id {}", site.register_id));
    say(&format!(" keepalive {}", site.keepalive_s));
    say(" exit");
    say("!");
    if dns.is_empty() {
        say(
            "! Each number that is to be controlled: these lines with the tag of its ephone-dn. `linegate pbx csta-config NAME",
        );
        say("! --apply` does it for all of them; or name the tags with --dn.");
        for line in ["ephone-dn TAG", " cti watch", " cti notify", " exit"] {
            say(&format!("! {line}"));
        }
    } else {
        say("! Each number that is to be controlled.");
    }
    for dn in dns {
        say(&format!("ephone-dn {dn}"));
        say(" cti watch");
        say(" cti notify");
        say(" exit");
    }
    if with_authenticate {
        say("!");
        say("! Optional: from now on every SIP registration at this router needs the XML user and its password.");
        say("voice register global");
        say(" authenticate register");
        say(" exit");
    }
    say("end");
    say("write memory");
    out
}
