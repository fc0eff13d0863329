//! A running configuration as text: what the XML interface does not show (section 10.2, the SSH note).

use super::recipe::{REGISTRAR, VOICE_SERVICE};

/// The part of `show running-config` that matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Running {
    voice_service: Vec<String>,
}

impl Running {
    /// Reads the text of `show running-config`, whole or the section `voice service voip` of it.
    pub fn parse(text: &str) -> Self {
        let mut running = Self::default();
        let mut is_inside = false;
        for line in text.lines().map(str::trim_end) {
            let is_top = !line.starts_with([' ', '\t']);
            if is_top {
                is_inside = line == "voice service voip";
            } else if is_inside {
                running.voice_service.push(line.trim().to_owned());
            }
        }
        running
    }

    /// The lines of `voice service voip` that are needed and not in force.
    pub fn missing_of_voice_service(&self) -> Vec<&'static str> {
        let has = |line: &str| self.voice_service.iter().any(|one| one == line);
        let is_in_force = |line: &str| match line {
            // A configuration shows what differs from the default: CTI is shut down, the mode is advanced.
            "no cti shutdown" => has("no cti shutdown"),
            "no cti csta mode basic" => !has("cti csta mode basic"),
            // A sub-mode.
            "sip" => true,
            // Any limits will do: we ask for 600 s.
            REGISTRAR => self.voice_service.iter().any(|one| one.starts_with("registrar server")),
            line => has(line),
        };
        VOICE_SERVICE.iter().chain(&[REGISTRAR]).copied().filter(|line| !is_in_force(line)).collect()
    }
}
