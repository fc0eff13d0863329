//! The registration of the session server, and what its answers say about the PBX (dossier 3.2, 15c).

use std::time::{Duration, Instant};

use super::net::sentence;
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::Timestamp;
use crate::service::pbx::{KeepaliveKind, RegisterMode, TemplateValues};
use crate::sip::{Credentials, Endpoint, EndpointConfig, Failure, Input, KeepAlive, RegisterConfig};

/// Pause after credentials were rejected: asking again at once would only lock the user out (dossier 3.6).
const CREDENTIALS_PAUSE: Duration = Duration::from_secs(60);
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
const UNANSWERED_PAUSE: Duration = Duration::from_secs(1);
/// Pause before an identity that somebody else uses is asked for again.
const FOREIGN_PAUSE: Duration = Duration::from_secs(300);

/// Where the registration stands.
#[derive(Debug, Default)]
pub(super) struct Registrar {
    pub(super) state: State,
    /// Reference id of the PBX: another one means that it started anew.
    pub(super) reference: Option<String>,
    pub(super) until: Option<Timestamp>,
    /// Lines may open their sessions.
    pub(super) lines_may_start: bool,
    /// Connections were lost: what happened meanwhile is not known.
    pub(super) is_resync_due: bool,
    /// The PBX did not know a session any more, and has not registered us since the connection was lost.
    pub(super) has_lost_sessions: bool,
    /// The reference id changed: sessions from before may be gone.
    pub(super) suspects_restart: Option<Instant>,
    pub(super) foreign: bool,
    /// Why it does not stand.
    pub(super) trouble: Option<String>,
    pub(super) credentials_rejected: bool,
    /// The router knows no session server with our id.
    pub(super) is_unknown: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is registered, nothing asked.
    #[default]
    Idle,
    /// REGISTER is out.
    Asking,
    /// It stands.
    Registered,
    /// Refused.
    Refused,
    /// Not answered.
    Silent,
}

impl LinkTask {
    /// User of the registration.
    pub(super) fn register_user(&self) -> String {
        let values = TemplateValues {
            register_id: Some(&self.row.settings.sip.session_server_id),
            cme: Some(&self.row.settings.host),
            ..TemplateValues::default()
        };
        self.dialect
            .register
            .contact_user
            .fill(values)
            .unwrap_or_else(|| self.row.settings.sip.session_server_id.clone())
    }

    /// Part of every Call-ID of this link, so that its connections are told from those of other PBXs.
    pub(super) fn call_id_mark(&self) -> String {
        format!("-{}", self.row.id.as_str().trim_start_matches("pbx_").chars().rev().take(8).collect::<String>())
    }

    /// The SIP side begins: what is reachable at this address.
    pub(super) fn begin_sip(&mut self, local_host: &str, local_port: u16) {
        let settings = &self.row.settings;
        let mut config = EndpointConfig::new(local_host, local_port, &settings.host, settings.sip.port);
        let values = TemplateValues {
            register_id: Some(&settings.sip.session_server_id),
            cme: Some(&settings.host),
            ..TemplateValues::default()
        };
        let register_id = settings.sip.session_server_id.clone();
        config.call_id_mark = self.call_id_mark();
        config.register = RegisterConfig {
            aor_user: self.dialect.register.aor_user.fill(values).unwrap_or(register_id),
            contact_user: Some(self.register_user()),
            expires_s: settings.sip.expires_s,
            refresh_cap_s: (self.keepalive_kind() == KeepaliveKind::Reregister)
                .then_some(self.dialect.keepalive.tcp_interval),
            reference_header: self.dialect.invite.reference_header.clone(),
        };
        let interval = Duration::from_secs(u64::from(self.dialect.keepalive.tcp_interval.max(1)));
        config.keepalive = match self.keepalive_kind() {
            // Without a registration there is nothing to refresh: OPTIONS keeps the connection in use.
            KeepaliveKind::Reregister if self.dialect.register.mode == RegisterMode::Never => {
                KeepAlive::Options(interval)
            }
            KeepaliveKind::Reregister => KeepAlive::Reregister,
            KeepaliveKind::Options => KeepAlive::Options(interval),
            KeepaliveKind::Crlf => KeepAlive::Crlf(interval),
            KeepaliveKind::None => KeepAlive::Off,
        };
        let (user, password) = match (&settings.sip.username, &self.row.sip_password) {
            (Some(user), Some(password)) => (user.as_str(), Some(password)),
            _ => (settings.axl.username.as_str(), self.row.axl_password.as_ref()),
        };
        config.credentials =
            password.filter(|_| !user.is_empty()).map(|password| Credentials::new(user, password.expose()));
        let mut seed = [0_u8; 32];
        seed[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        seed[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        self.endpoint = Some(Endpoint::new(config, seed));
        self.greet();
        self.await_registration();
        self.status_changed();
    }

    /// Sessions are opened after the answer to the registration, or without it after a while (U-6).
    fn await_registration(&mut self) {
        if self.dialect.register.mode == RegisterMode::Never {
            self.registrar.lines_may_start = true;
            return;
        }
        self.registrar.lines_may_start = false;
        let wait = Duration::from_secs(u64::from(self.dialect.register.wait));
        self.timers.set(Timer::LinesMayStart, Some(self.now() + wait));
    }

    /// Registers, or shows itself in another way where registering is not wanted.
    pub(super) fn greet(&mut self) {
        if self.dialect.register.mode == RegisterMode::Never {
            self.feed(Input::Options);
        } else {
            if self.registrar.state != State::Registered {
                self.registrar.state = State::Asking;
            }
            self.feed(Input::Register);
        }
        self.timers.set(Timer::Register, None);
    }

    pub(super) fn on_register_time(&mut self) {
        self.greet();
    }

    /// The first registration took too long: lines try without it (U-6).
    pub(super) fn on_register_waited(&mut self) {
        self.registrar.lines_may_start = true;
        self.registrar.has_lost_sessions = false;
        self.status_changed();
    }

    pub(super) fn on_flow_open(&mut self) {
        self.status_changed();
    }

    /// No connection is left. Dialogs live on, but what the PBX says now comes late or not at all.
    pub(super) fn on_all_flows_lost(&mut self) {
        self.registrar.is_resync_due = true;
        if self.shutdown.is_none() {
            self.greet();
            self.await_registration();
        }
        self.status_changed();
    }

    pub(super) fn on_registered(&mut self, expires_s: u32, reference: Option<String>, foreign: bool) {
        self.probe_registered(Ok(reference.is_some()));
        let name = self.row.settings.name.clone();
        let was = self.registrar.state;
        self.registrar.state = State::Registered;
        self.registrar.trouble = None;
        self.registrar.credentials_rejected = false;
        self.registrar.is_unknown = false;
        self.registrar.until = Some(Timestamp::from_unix_ms(self.at().wall.unix_ms() + i64::from(expires_s) * 1000));
        if was != State::Registered {
            tracing::info!(link.name = %name, expires_s, "registered at the PBX");
        }
        if foreign && !self.registrar.foreign {
            tracing::error!(link.name = %name, "another program uses the same session server id at this PBX");
        }
        self.registrar.foreign = foreign;
        let restarted = match (&self.registrar.reference, &reference) {
            (Some(old), Some(new)) => old != new,
            _ => false,
        };
        if reference.is_some() {
            self.registrar.reference = reference;
        }
        if restarted {
            tracing::warn!(link.name = %name, "the PBX gave a new reference id: it may have started anew");
            self.registrar.suspects_restart = Some(self.now());
        }
        if std::mem::take(&mut self.registrar.has_lost_sessions) && restarted {
            self.on_pbx_restarted();
        }
        self.registrar.lines_may_start = true;
        self.timers.set(Timer::LinesMayStart, None);
        if std::mem::take(&mut self.registrar.is_resync_due) || restarted || was == State::Silent {
            self.resync_all();
        }
        self.status_changed();
    }

    pub(super) fn on_registration_failed(&mut self, failure: &Failure) {
        self.probe_registered(Err(failure));
        let name = self.row.settings.name.clone();
        self.registrar.until = None;
        self.registrar.is_unknown = matches!(failure.status, Some(403 | 404)) && !failure.credentials_rejected;
        let optional = self.dialect.register.mode == RegisterMode::Auto;
        let pause = match failure.status {
            None => {
                let was = std::mem::replace(&mut self.registrar.state, State::Silent);
                self.registrar.trouble = Some(
                    "The PBX does not answer REGISTER. With `cti-aware` that means that its CTI is down: check `no cti shutdown` \
                     under `voice service voip`."
                        .to_owned(),
                );
                if was == State::Registered && self.net.is_connected() {
                    // Either the CTI side is dead or only the registrar: the sessions tell (dossier 15c).
                    tracing::warn!(link.name = %name, "REGISTER is not answered; every line is probed");
                    self.resync_all();
                }
                self.drop_silent_flows();
                UNANSWERED_PAUSE
            }
            Some(status) if failure.credentials_rejected => {
                self.registrar.state = State::Refused;
                self.registrar.credentials_rejected = true;
                self.registrar.trouble = Some(format!(
                    "The PBX rejects the user name or password for SIP ({status}). Check the `xml user` and password of this PBX \
                     and `authenticate register` on the router."
                ));
                CREDENTIALS_PAUSE
            }
            Some(status) => {
                self.registrar.state = State::Refused;
                self.registrar.trouble = Some(format!(
                    "The PBX refuses the registration of “{}” ({status} {}). Check `voice register session-server` and its `register-id` \
                     on the router.",
                    self.row.settings.sip.session_server_id,
                    sentence(&failure.reason),
                ));
                failure.retry_after_s.map_or(REFUSED_PAUSE, |seconds| Duration::from_secs(u64::from(seconds)))
            }
        };
        let pause = if self.registrar.foreign { pause.max(FOREIGN_PAUSE) } else { pause };
        tracing::warn!(link.name = %name, sip.status = failure.status, optional, "the registration failed");
        if optional {
            self.registrar.lines_may_start = true;
        }
        self.timers.set(Timer::Register, Some(self.now() + pause));
        self.status_changed();
    }

    /// The reference id that an INVITE echoes (U-4).
    pub(super) fn reference_header(&self, is_wanted: bool) -> Option<(String, String)> {
        if !is_wanted {
            return None;
        }
        let reference = self.registrar.reference.clone()?;
        Some((self.dialect.invite.reference_header.clone(), reference))
    }
}
