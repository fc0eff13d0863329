//! Looks for everything that can be wrong.

use std::path::{Path, PathBuf};

use linegate_tsp_machine::providers::FILE_NAME;
use linegate_tsp_machine::{MachineError, access, files};

use crate::service::State;
use crate::status::{Standing, look};
use crate::{code, install, service};

/// IMAGE_FILE_MACHINE_AMD64 and IMAGE_FILE_MACHINE_I386.
const AMD64: u16 = 0x8664;
const I386: u16 = 0x014C;

struct Findings(usize);

impl Findings {
    fn good(&self, text: &str) {
        println!("  ok       {text}");
    }

    fn bad(&mut self, text: &str, advice: &str) {
        self.0 += 1;
        println!("  PROBLEM  {text}\n           {advice}");
    }
}

pub(crate) fn doctor() -> u8 {
    let mut findings = Findings(0);
    println!("Linegate TAPI bridge {}", env!("CARGO_PKG_VERSION"));
    file(&mut findings);
    let state = service::state();
    match state {
        State::Disabled { .. } => {
            if let Some((problem, advice)) = state.problem() {
                findings.bad(problem, advice);
            }
        }
        State::Running => findings.good("the telephony service runs"),
        State::Stopped => {
            findings.good("the telephony service is stopped; it starts with the first program that needs it")
        }
        State::Other => {
            findings.bad("the telephony service starts or stops", "If it hangs: restart Windows, and send the log.")
        }
        State::Missing => {
            findings.bad("there is no telephony service", "Install the Windows feature for telephony (TapiSrv).")
        }
    }
    match access::claim() {
        Ok(()) => findings.good("the folder of the settings belongs to the administrators and has its rights"),
        Err(error @ (MachineError::Foreign { .. } | MachineError::Link { .. })) => {
            findings.bad(&error.to_string(), "A token that was stored there may be known: revoke it at the gateway.");
        }
        Err(error) => findings.bad(
            &format!("owner and rights of {} could not be set: {error}", files::folder().display()),
            "Run this as an administrator.",
        ),
    }
    let lost = install::lost().unwrap_or_default();
    if !lost.is_empty() {
        findings.bad(
            &format!("providers {lost:?} have settings and are not in TAPI's list"),
            "An upgrade of Windows may have emptied it: linegate-tapi repair",
        );
    }
    match look() {
        Ok(standing) if standing.is_empty() => {
            if lost.is_empty() {
                findings.bad("no provider is registered", "linegate-tapi install --gateway URL");
            }
        }
        Ok(standing) => {
            for one in &standing {
                provider(&mut findings, one);
            }
        }
        Err(error) => findings.bad(&error, "Run this as an administrator."),
    }
    println!("{} problem(s)", findings.0);
    if findings.0 == 0 { code::DONE } else { code::UNHEALTHY }
}

fn provider(findings: &mut Findings, one: &Standing) {
    if let Some(version) = one.old_release() {
        findings.bad(
            &format!(
                "provider {}: the telephony service runs release {version}, and {} is installed",
                one.id,
                env!("CARGO_PKG_VERSION")
            ),
            "Its process has kept the old one, because other services run in it: restart Windows.",
        );
    }
    match &one.gateway {
        Ok(answer) => {
            findings.good(&format!("provider {}: the gateway answers (release {})", one.id, answer.version));
            if answer.can_control() {
                findings.good(&format!("provider {}: its token may make calls", one.id));
            } else {
                findings.bad(
                    &format!("provider {}: its token may only read", one.id),
                    "Make one with the scope control at the gateway: linegate token create; then linegate-tapi configure.",
                );
            }
            if answer.lines == 0 {
                findings.bad(
                    &format!("provider {}: the token sees no line", one.id),
                    "Give the token lines at the gateway, or look there whether the lines are loaded.",
                );
            } else {
                let known = one.stored;
                findings
                    .good(&format!("provider {}: {} lines at the gateway, {known} stored here", one.id, answer.lines));
            }
        }
        Err(error) => findings.bad(
            &format!("provider {}: {error}", one.id),
            "Check address, port, firewall, certificate and token: linegate-tapi configure --provider ID …",
        ),
    }
}

/// The provider's file: there, and of the width that TAPI loads.
fn file(findings: &mut Findings) {
    let root = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from("C:\\Windows"), PathBuf::from);
    // A 32-bit program sees another folder under the name system32; this is the real one.
    let native = root.join("Sysnative").join(FILE_NAME);
    let path = if native.exists() { native } else { root.join("System32").join(FILE_NAME) };
    let is_64 = root.join("SysWOW64").exists();
    let wanted = if is_64 { AMD64 } else { I386 };
    match machine_of(&path) {
        Some(found) if found == wanted => findings.good(&format!("{} has the right width", path.display())),
        Some(_) => findings.bad(
            &format!("{} has the wrong width", path.display()),
            "A 64-bit Windows loads only the 64-bit provider: install the x64 MSI.",
        ),
        None => findings.bad(&format!("{} is not there", path.display()), "Install the MSI again (repair)."),
    }
}

/// The machine that a program file is for.
fn machine_of(path: &Path) -> Option<u16> {
    let bytes = std::fs::read(path).ok()?;
    let word = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let head = usize::from(word(0x3C)?) | usize::from(word(0x3E)?) << 16;
    (bytes.get(head..head + 4)? == b"PE\0\0").then(|| word(head + 4))?
}
