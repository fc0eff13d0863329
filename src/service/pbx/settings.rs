//! The settings of one PBX, as they stand in the API, in the configuration file and in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::dialect::Dialect;
use crate::domain::numbers::{Location, LocationError};

/// One CME router (api.md, "PBXs"). Passwords are kept apart: they never stand in this structure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PbxSettings {
    /// Short name for people, unique.
    pub name: String,
    /// Whether the gateway connects to it.
    pub enabled: bool,
    /// Host name or address.
    pub host: String,
    /// SIP.
    pub sip: SipSettings,
    /// XML API.
    pub axl: AxlSettings,
    /// Options of the manual's chapter 2.2 and our rates.
    pub options: Options,
    /// Dialect settings that differ from their defaults.
    pub dialect: BTreeMap<String, Value>,
    /// Numbers that must stay diallable.
    pub emergency_numbers: Vec<String>,
    /// Location.
    pub location: LocationSettings,
    /// Number ranges that are internal.
    pub internal_numbers: Vec<InternalRange>,
}

/// SIP towards the router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SipSettings {
    /// Port of the router.
    pub port: u16,
    /// Transport.
    pub transport: Transport,
    /// Interface on which the router's connections are accepted.
    pub local_address: String,
    /// Port on which they are accepted.
    pub local_port: u16,
    /// The address that the router is told; `null` means the one that leads to it.
    pub advertise_address: Option<String>,
    /// `register-id` of the session server.
    pub session_server_id: String,
    /// Lifetime of the registration in seconds.
    pub expires_s: u32,
    /// User for SIP digest; `null` means the XML API's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// SIP transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP, the only one CME's CTI documents.
    Tcp,
}

/// XML API of the router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AxlSettings {
    /// `http` or `https`.
    pub scheme: AxlScheme,
    /// Port.
    pub port: u16,
    /// `xml user`.
    pub username: String,
    /// TLS.
    pub tls: AxlTls,
}

/// Scheme of the XML API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AxlScheme {
    /// Plain.
    Http,
    /// TLS.
    Https,
}

/// How the router's certificate is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AxlTls {
    /// The judge.
    pub verify: TlsVerify,
    /// Lowest version: `1.0` and `1.1` need a build with `legacy-tls`.
    pub min_version: String,
    /// SHA-256 of the certificate: given for `pinned`, learned for `tofu`.
    pub fingerprint: Option<String>,
}

/// Judges of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsVerify {
    /// Public and system authorities.
    System,
    /// One fingerprint.
    Pinned,
    /// The fingerprint of the first use.
    Tofu,
    /// Anything.
    Insecure,
}

/// Options of the manual's chapter 2.2, and the INVITE rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Names are read with the lines.
    pub read_line_names: bool,
    /// Further buttons are read with the lines.
    pub read_line_buttons: bool,
    /// Seconds between two snapshots of a line with calls; at least 5.
    pub snapshot_interval_s: u32,
    /// Seconds between two attempts to start a monitor; at least 1.
    pub monitor_retry_interval_s: u32,
    /// Seconds in which every phone's registration is looked at; at least 5.
    pub line_update_interval_s: u32,
    /// New sessions a second.
    pub invite_rate_per_s: u32,
    /// New sessions that may wait for an answer at once.
    pub invite_window: u32,
}

/// Location of the numbers (manual, chapter 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocationSettings {
    /// Whether the location is used.
    pub enabled: bool,
    /// Country code without `+`.
    pub country_code: String,
    /// Area code without its prefix.
    pub area_code: String,
    /// Number of the system itself.
    pub prefix: String,
    /// Digits for an outside line.
    pub outside_line: String,
    /// Prefix of national numbers.
    pub national_prefix: String,
    /// Prefix of international numbers.
    pub international_prefix: String,
}

/// A range of internal numbers, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InternalRange {
    /// First number.
    pub from: String,
    /// Last number.
    pub to: String,
}

impl Default for PbxSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: true,
            host: String::new(),
            sip: SipSettings::default(),
            axl: AxlSettings::default(),
            options: Options::default(),
            dialect: BTreeMap::new(),
            emergency_numbers: Vec::new(),
            location: LocationSettings::default(),
            internal_numbers: Vec::new(),
        }
    }
}

impl Default for SipSettings {
    fn default() -> Self {
        Self {
            port: 5060,
            transport: Transport::Tcp,
            local_address: "0.0.0.0".to_owned(),
            local_port: 5070,
            advertise_address: None,
            session_server_id: "ss_ecsta".to_owned(),
            expires_s: 600,
            username: None,
        }
    }
}

impl Default for AxlSettings {
    fn default() -> Self {
        Self { scheme: AxlScheme::Http, port: 80, username: String::new(), tls: AxlTls::default() }
    }
}

impl Default for AxlTls {
    fn default() -> Self {
        Self { verify: TlsVerify::Tofu, min_version: "1.2".to_owned(), fingerprint: None }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read_line_names: true,
            read_line_buttons: true,
            snapshot_interval_s: 60,
            monitor_retry_interval_s: 60,
            line_update_interval_s: 60,
            invite_rate_per_s: 10,
            invite_window: 20,
        }
    }
}

impl Default for LocationSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            country_code: String::new(),
            area_code: String::new(),
            prefix: String::new(),
            outside_line: "0".to_owned(),
            national_prefix: "0".to_owned(),
            international_prefix: "00".to_owned(),
        }
    }
}

impl LocationSettings {
    /// The location of the number model. While it is off, the country may be missing.
    ///
    /// # Errors
    /// Names the part that cannot be used.
    pub fn parsed(&self) -> Result<Location, LocationError> {
        let country = if self.country_code.is_empty() && !self.enabled { "1" } else { &self.country_code };
        let Self { area_code, prefix, outside_line, national_prefix, international_prefix, .. } = self;
        Location::new([country, area_code, prefix, outside_line, national_prefix, international_prefix])
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct SettingsError {
    /// JSON pointer into the PBX object.
    pub pointer: String,
    /// What is wrong and what is right.
    pub detail: String,
}

impl PbxSettings {
    /// Every setting that cannot be used, in the order of the object.
    pub fn problems(&self) -> Vec<SettingsError> {
        let mut found = Vec::new();
        let mut say = |pointer: &str, detail: String| {
            found.push(SettingsError { pointer: pointer.to_owned(), detail });
        };
        if self.name.is_empty() || self.name.chars().count() > 64 {
            say("/name", "A name of 1 to 64 characters is needed.".to_owned());
        }
        if self.host.is_empty() {
            say("/host", "The address or host name of the router is needed.".to_owned());
        } else if !is_host(&self.host) {
            say(
                "/host",
                format!("“{}” is no host name and no IP address; write it without scheme and port.", self.host),
            );
        }
        for (pointer, port) in
            [("/sip/port", self.sip.port), ("/sip/local_port", self.sip.local_port), ("/axl/port", self.axl.port)]
        {
            if port == 0 {
                say(pointer, "A port lies between 1 and 65535.".to_owned());
            }
        }
        if self.sip.local_address.parse::<std::net::IpAddr>().is_err() {
            say("/sip/local_address", "An IP address of this machine is needed; 0.0.0.0 means all.".to_owned());
        }
        let id = &self.sip.session_server_id;
        if id.is_empty() || id.len() > 30 || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            say(
                "/sip/session_server_id",
                "1 to 30 letters, digits and underscores, as in the router's `register-id`.".to_owned(),
            );
        }
        if !(60..=3600).contains(&self.sip.expires_s) {
            say("/sip/expires_s", "The keepalive of a session server lies between 60 and 3600 s.".to_owned());
        }
        if !["1.0", "1.1", "1.2", "1.3"].contains(&self.axl.tls.min_version.as_str()) {
            say("/axl/tls/min_version", "1.0, 1.1, 1.2 or 1.3.".to_owned());
        }
        if self.axl.tls.verify == TlsVerify::Pinned && self.axl.tls.fingerprint.is_none() {
            say("/axl/tls/fingerprint", "`pinned` needs the SHA-256 of the router's certificate.".to_owned());
        }
        for (pointer, value, least) in [
            ("/options/snapshot_interval_s", self.options.snapshot_interval_s, 5),
            ("/options/monitor_retry_interval_s", self.options.monitor_retry_interval_s, 1),
            ("/options/line_update_interval_s", self.options.line_update_interval_s, 5),
            ("/options/invite_rate_per_s", self.options.invite_rate_per_s, 1),
            ("/options/invite_window", self.options.invite_window, 1),
        ] {
            if value < least {
                say(pointer, format!("At least {least}."));
            }
        }
        let dialect = Dialect::from_differences(&self.dialect);
        if let Err(error) = dialect.and_then(|dialect| dialect.checked_axl_dialect()) {
            say(&format!("/dialect/{}", error.key), error.detail);
        }
        if let Err(error) = self.location.parsed() {
            say(&format!("/location/{}", error.field), error.detail.to_owned());
        }
        for (index, number) in self.emergency_numbers.iter().enumerate() {
            let is_number = (1..=16).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*' || byte == b'#');
            if !is_number {
                say(&format!("/emergency_numbers/{index}"), "1 to 16 digits, for example 112.".to_owned());
            }
        }
        for (index, range) in self.internal_numbers.iter().enumerate() {
            let digits = |text: &str| !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
            if !digits(&range.from) || !digits(&range.to) || range.from.len() != range.to.len() || range.from > range.to
            {
                say(
                    &format!("/internal_numbers/{index}"),
                    "Both ends are digits of the same length, the first not above the last.".to_owned(),
                );
            }
        }
        found
    }

    /// The dialect; the defaults when the differences cannot be used (they are refused when written).
    pub fn dialect(&self) -> Dialect {
        Dialect::from_differences(&self.dialect).unwrap_or_default()
    }
}

/// Whether a text can be a host: an IP address or a name of letters, digits, dots and hyphens.
fn is_host(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
        || (text.len() <= 253
            && text.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn good() -> PbxSettings {
        PbxSettings { name: "hq".to_owned(), host: "192.0.2.10".to_owned(), ..PbxSettings::default() }
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let value = serde_json::to_value(good()).unwrap();
        assert_eq!(value["sip"]["local_port"], 5070);
        assert_eq!(value["axl"]["tls"]["verify"], "tofu");
        assert_eq!(value["options"]["invite_window"], 20);
        assert!(good().problems().is_empty());
    }

    #[test]
    fn each_wrong_value_is_named_by_its_pointer() {
        let mut wrong = good();
        wrong.host = "http://192.0.2.10:80".to_owned();
        wrong.options.snapshot_interval_s = 4;
        wrong.sip.expires_s = 10;
        let pointers: Vec<_> = wrong.problems().into_iter().map(|p| p.pointer).collect();
        assert_eq!(pointers, ["/host", "/sip/expires_s", "/options/snapshot_interval_s"]);
    }
}
