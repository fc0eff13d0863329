//! The settings of a provider.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use linegate_tsp_link::{Address, Enrolment, LinkError, LinkSettings, Trust, parse_fingerprint};
use serde::{Deserialize, Serialize};

use crate::{MachineError, access, files, name, secret};

/// The settings of one provider, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Address of the gateway.
    pub gateway: String,
    /// The sealed token; empty when there is none yet.
    pub token: String,
    /// A sealed enrolment code, which the first contact with the gateway exchanges for a token.
    pub enrolment: String,
    /// SHA-256 of the gateway's certificate, when that one alone is believed.
    pub fingerprint: Option<String>,
    /// PEM file of authorities.
    pub ca_file: Option<String>,
    /// HTTP without TLS to another machine; the token then travels in the clear.
    pub allow_plain: bool,
    /// Only these numbers; a trailing `*` stands for any digits.
    pub lines: Vec<String>,
    /// Name of the file with its lines: given once, it stays when gateway address and filter change.
    pub lines_file: String,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub log_level: String,
    /// Folder of the log, when it is not the one of the settings.
    pub log_dir: Option<String>,
    /// How long an answer of the gateway is waited for.
    pub command_timeout_ms: u64,
    /// How long a first call waits for the link.
    pub link_wait_ms: u64,
    /// How long calls outlive the link.
    pub grace_ms: u64,
    /// A drop so soon after a new call without an owner is TAPI's own, and is not carried out.
    pub drop_guard_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            gateway: String::new(),
            token: String::new(),
            enrolment: String::new(),
            fingerprint: None,
            ca_file: None,
            allow_plain: false,
            lines: Vec::new(),
            lines_file: String::new(),
            log_level: "info".to_owned(),
            log_dir: None,
            command_timeout_ms: 8_000,
            link_wait_ms: 5_000,
            grace_ms: 20_000,
            drop_guard_ms: 500,
        }
    }
}

impl Config {
    /// Reads the settings of a provider; without a file they are empty.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn read(provider: u32) -> Result<Self, MachineError> {
        let path = files::settings_of(provider);
        let shown = || path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|cause| MachineError::Content { path: shown(), cause }),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(MachineError::File { path: shown(), cause }),
        }
    }

    /// Stores the settings; when they name a gateway for the first time, it is decided where its lines are stored.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, provider: u32) -> Result<(), MachineError> {
        let path = files::settings_of(provider);
        let mut stored = self.clone();
        if stored.lines_file.is_empty() && !stored.gateway.is_empty() {
            stored.lines_file = self.choose_lines_file(provider);
        }
        let content = serde_json::to_vec_pretty(&stored)
            .map_err(|cause| MachineError::Content { path: path.display().to_string(), cause })?;
        access::ready()?;
        files::replace(&path, &content)
    }

    /// Where its lines are stored.
    pub fn lines_path(&self) -> PathBuf {
        match Path::new(&self.lines_file).file_name() {
            Some(name) => files::folder().join(name),
            None => files::lines_of(&self.gateway, &self.lines),
        }
    }

    /// A file that no other provider has: that of the same gateway and filter when a provider is added anew, else the one
    /// of this gateway with the most lines, else a new one.
    fn choose_lines_file(&self, provider: u32) -> String {
        let name_of = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let others = files::configured().into_iter().filter(|id| *id != provider);
        let claimed: BTreeSet<String> = others
            .filter_map(|id| Self::read(id).ok().filter(|known| !known.gateway.is_empty()))
            .filter_map(|known| name_of(known.lines_path()))
            .collect();
        let mut free = files::stored_lines();
        free.retain(|(name, _)| !claimed.contains(name));
        let first = name_of(files::lines_of(&self.gateway, &self.lines)).unwrap_or_default();
        if free.iter().any(|(name, _)| *name == first) {
            return first;
        }
        free.retain(|(_, store)| store.gateway == self.gateway);
        if let Some((name, _)) = free.into_iter().max_by_key(|(_, store)| store.lines.len()) {
            return name;
        }
        let stem = first.trim_end_matches(".json").to_owned();
        let is_free = |name: &String| !claimed.contains(name) && !files::folder().join(name).exists();
        let more = (2..=u32::MAX).map(|count| format!("{stem}-{count}.json"));
        std::iter::once(first.clone()).chain(more).find(is_free).unwrap_or(first)
    }

    /// Takes a token in.
    ///
    /// # Errors
    /// What Windows says.
    pub fn set_token(&mut self, token: &str) -> Result<(), MachineError> {
        self.token = secret::seal(token)?;
        // With a token of its own the machine needs no code; one that is revoked later must not fetch another.
        self.enrolment.clear();
        Ok(())
    }

    /// Takes an enrolment code in; it takes the place of a token.
    ///
    /// # Errors
    /// What Windows says.
    pub fn set_enrolment(&mut self, code: &str) -> Result<(), MachineError> {
        self.enrolment = secret::seal(code)?;
        self.token.clear();
        Ok(())
    }

    /// Whether the token has still to be fetched.
    pub fn waits_for_token(&self) -> bool {
        self.token.is_empty() && !self.enrolment.is_empty()
    }

    /// Whether there is a token, or a code for one.
    pub fn has_access(&self) -> bool {
        !self.token.is_empty() || !self.enrolment.is_empty()
    }

    /// Whether a text that stands where a token is expected is an enrolment code.
    pub fn is_code(text: &str) -> bool {
        text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("LGE-"))
    }

    /// What the link needs.
    ///
    /// # Errors
    /// What is missing or wrong, in a sentence.
    pub fn link_settings(&self) -> Result<LinkSettings, LinkError> {
        if self.gateway.is_empty() {
            return Err(LinkError::Address("No gateway is entered yet: open the settings of the provider."));
        }
        let address = Address::parse(&self.gateway)?;
        if !address.is_secure && !address.is_local() && !self.allow_plain {
            return Err(LinkError::Address(
                "Without TLS only a gateway on this machine is used; enter an https address, or allow plain HTTP.",
            ));
        }
        let trust = match (&self.fingerprint, &self.ca_file) {
            (Some(text), _) => Trust::Fingerprint(
                parse_fingerprint(text).ok_or(LinkError::Address("The fingerprint is no SHA-256 of 64 hex digits."))?,
            ),
            (None, Some(path)) => Trust::Authorities(PathBuf::from(path)),
            (None, None) => Trust::Nobody,
        };
        let open = |sealed: &str| if sealed.is_empty() { Ok(String::new()) } else { secret::open(sealed) };
        let token = open(&self.token).map_err(|_| LinkError::Token)?;
        let code = open(&self.enrolment).map_err(|_| LinkError::Code)?;
        let enrolment = (!code.is_empty()).then(|| Enrolment { code, machine: name::of_machine() });
        let user_agent = format!("linegate-tapi/{} (Windows)", env!("CARGO_PKG_VERSION"));
        Ok(LinkSettings { address, token, enrolment, trust, user_agent })
    }
}
