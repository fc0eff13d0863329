//! The dialect of a PBX: every choice about real CME that the documents leave open, as a setting with its
//! defensible default (dossier `csta-sip-cme` 15b and `axl-cme` 15).
//!
//! Settings are written as a flat map with dotted keys (`"register.mode": "never"`); nested objects are taken too.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::template::Template;
use crate::csta::{Charset, Service};

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident $(as $word:literal)? : $type:ty = $default:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$fdoc])* $(#[serde(rename = $word)])? pub $field: $type),+ }
        impl Default for $name {
            fn default() -> Self { Self { $($field: $default),+ } }
        }
    };
}

mod csta;
mod sip;
mod words;

use csta::*;
use sip::*;
pub use words::*;

/// Services of the profile `moc` (ECMA TR/87).
const MOC: [Service; 18] = [
    Service::MakeCall,
    Service::AnswerCall,
    Service::ClearConnection,
    Service::HoldCall,
    Service::RetrieveCall,
    Service::AlternateCall,
    Service::ReconnectCall,
    Service::ConsultationCall,
    Service::TransferCall,
    Service::SingleStepTransferCall,
    Service::DeflectCall,
    Service::GenerateDigits,
    Service::SetForwarding,
    Service::GetForwarding,
    Service::SetDoNotDisturb,
    Service::GetDoNotDisturb,
    Service::MonitorStart,
    Service::MonitorStop,
];

/// The literal templates below are checked by a test.
fn template(text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|_| Template::default())
}

section! {
    /// All sections. `axl`, `lines` and `check` belong to the XML API (dossier `axl-cme` 15).
    Dialect {
        /// INVITE.
        invite: Invite = Invite::default(),
        /// REGISTER.
        register: Register = Register::default(),
        /// Keep-alive.
        keepalive: Keepalive = Keepalive::default(),
        /// System status.
        status: Status = Status::default(),
        /// Device identifiers.
        device_id: DeviceId = DeviceId::default(),
        /// Dialled number.
        called: Called = Called::default(),
        /// CSTA text.
        csta: Csta = Csta::default(),
        /// Call identity.
        call: CallIdentity = CallIdentity::default(),
        /// Merges.
        merge: Merge = Merge::default(),
        /// Services.
        svc: Services = Services::default(),
        /// Refusing a ringing call.
        reject: Reject = Reject::default(),
        /// `doNotPrompt`, `prompt` or `omit` (U-19, U-36).
        autooriginate: String = "doNotPrompt".to_owned(),
        /// The assumed capabilities (U-20).
        profile: Profile = Profile::Cme,
        /// Services of the profile `custom`, by their names in CSTA (`MakeCall`).
        services: Vec<String> = Vec::new(),
        /// Capabilities.
        features: Features = Features::default(),
        /// Whether GetLogicalDeviceInformation is asked for each line (U-21).
        logical_info: Switch = Switch::Off,
        /// Events.
        events: Events = Events::default(),
        /// Sources of the service state.
        service_state: ServiceState = ServiceState::default(),
        /// Forwarding.
        forwarding: ForwardingDialect = ForwardingDialect::default(),
        /// Monitor.
        monitor: MonitorDialect = MonitorDialect::default(),
        /// Snapshot.
        snapshot: Snapshot = Snapshot::default(),
        /// Shared numbers.
        shared: Shared = Shared::default(),
        /// Mobility.
        em: Em = Em::default(),
        /// Session timer.
        session: Session = Session::default(),
        /// Responses.
        response: Response = Response::default(),
        /// Dialog.
        dialog: DialogLimits = DialogLimits::default(),
        /// XML.
        xml: XmlText = XmlText::default(),
        /// Buttons.
        buttons: Buttons = Buttons::default(),
        /// Local connection info.
        local_info: LocalInfo = LocalInfo::default(),
        /// XML API.
        axl: Map<String, Value> = Map::new(),
        /// Lines from the XML API.
        lines: Map<String, Value> = Map::new(),
        /// Checks of the XML API.
        check: Map<String, Value> = Map::new(),
    }
}

/// A dialect setting that does not exist or has a wrong value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("dialect setting {key}: {detail}")]
pub struct DialectError {
    /// The dotted key.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

impl Dialect {
    /// The dialect that a map of differences describes.
    ///
    /// # Errors
    /// Names the first setting that does not exist or has a wrong value.
    pub fn from_differences(differences: &BTreeMap<String, Value>) -> Result<Self, DialectError> {
        let mut nested = Map::new();
        for (key, value) in differences {
            insert_nested(&mut nested, key, value.clone());
        }
        let dialect: Self = serde_path_to_error::deserialize(Value::Object(nested))
            .map_err(|error| DialectError { key: error.path().to_string(), detail: error.inner().to_string() })?;
        let wrong = |key: &str, detail: String| Err(DialectError { key: key.to_owned(), detail });
        if let Some(name) = dialect.services.iter().find(|name| Service::parse(name).is_none()) {
            return wrong("services", format!("“{name}” is not a service of CSTA; write them as MakeCall, HoldCall"));
        }
        if dialect.fallback_charset().is_none() {
            let label = &dialect.xml.fallback_charset;
            return wrong("xml.fallback_charset", format!("“{label}” is no charset; one is latin1 or windows-1250"));
        }
        let namespace = dialect.csta.namespace.as_str();
        if !matches!(namespace, "ed2" | "ed3" | "ed4" | "ed5" | "ed6" | "learn") && !namespace.contains(':') {
            return wrong("csta.namespace", format!("“{namespace}” is not one of ed2 to ed6, learn, or a whole URI"));
        }
        if dialect.forwarding.types.is_empty() {
            return wrong("forwarding.types", "at least one type is needed".to_owned());
        }
        Ok(dialect)
    }

    /// What text is that is neither UTF-8 nor declared as anything else (U-40).
    pub fn fallback_charset(&self) -> Option<Charset> {
        Charset::named(&self.xml.fallback_charset)
    }

    /// The services that a PBX has which does not answer GetCSTAFeatures; `None` when all are worth a try (U-20).
    pub fn assumed_services(&self) -> Option<HashSet<Service>> {
        match self.profile {
            Profile::Cme => None,
            Profile::Moc => Some(HashSet::from(MOC)),
            Profile::Custom => Some(self.services.iter().filter_map(|name| Service::parse(name)).collect()),
        }
    }

    /// The switches of the XML API: the sections `axl`, `lines`, `em` and `check`.
    ///
    /// # Errors
    /// Names the setting that does not exist or has a wrong value.
    pub fn checked_axl_dialect(&self) -> Result<crate::axl::Dialect, DialectError> {
        let mut parts = self.axl.clone();
        parts.insert("lines".to_owned(), Value::Object(self.lines.clone()));
        parts.insert("check".to_owned(), Value::Object(self.check.clone()));
        parts.insert("em".to_owned(), serde_json::json!({"detect": self.em.detect, "load": self.em.load}));
        serde_path_to_error::deserialize(Value::Object(parts))
            .map_err(|error| DialectError { key: format!("axl.{}", error.path()), detail: error.inner().to_string() })
    }

    /// The switches of the XML API; the defaults when they cannot be used (they are refused when written).
    pub fn axl_dialect(&self) -> crate::axl::Dialect {
        self.checked_axl_dialect().unwrap_or_default()
    }

    /// What differs from the defaults, as dotted keys.
    pub fn differences(&self) -> BTreeMap<String, Value> {
        let default = flatten(&serde_json::to_value(Self::default()).unwrap_or(Value::Null));
        flatten(&serde_json::to_value(self).unwrap_or(Value::Null))
            .into_iter()
            .filter(|(key, value)| default.get(key) != Some(value))
            .collect()
    }
}

fn insert_nested(target: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        Some((head, tail)) => {
            let slot = target.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = slot {
                insert_nested(inner, tail, value);
            }
        }
        None => match (target.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                for (inner_key, inner) in new {
                    insert_nested(old, &inner_key, inner);
                }
            }
            (_, value) => {
                target.insert(key.to_owned(), value);
            }
        },
    }
}

fn flatten(value: &Value) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    walk(&path, inner, out);
                }
            }
            other => {
                out.insert(prefix.to_owned(), other.clone());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk("", value, &mut out);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_default_template_is_a_real_one() {
        let dialect = Dialect::default();
        assert_eq!(dialect.invite.from_user.to_string(), "{number}_{mac}");
        assert_eq!(dialect.device_id.self_id.to_string(), "tel:{number};device={mac}");
        assert_eq!(dialect.invite.from_user_fallback.len(), 2);
    }

    #[test]
    fn dotted_and_nested_keys_mean_the_same() {
        let dotted = BTreeMap::from([("register.mode".to_owned(), Value::from("never"))]);
        let nested = BTreeMap::from([("register".to_owned(), serde_json::json!({"mode": "never"}))]);
        let dialect = Dialect::from_differences(&dotted).unwrap();
        assert_eq!(dialect.register.mode, RegisterMode::Never);
        assert_eq!(Dialect::from_differences(&nested).unwrap(), dialect);
        assert_eq!(dialect.differences(), dotted);
    }

    #[test]
    fn a_profile_names_the_services_that_are_assumed() {
        let custom = |names: &[&str]| {
            Dialect::from_differences(&BTreeMap::from([
                ("profile".to_owned(), Value::from("custom")),
                ("services".to_owned(), Value::from(names.to_vec())),
            ]))
        };
        let dialect = custom(&["MakeCall", "ClearConnection"]).unwrap();
        let assumed = dialect.assumed_services().unwrap();
        assert_eq!(assumed, HashSet::from([Service::MakeCall, Service::ClearConnection]));
        assert!(custom(&["makeTea"]).unwrap_err().detail.contains("makeTea"));
        assert!(Dialect::default().assumed_services().is_none());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = BTreeMap::from([("register.mode".to_owned(), Value::from("sometimes"))]);
        assert_eq!(Dialect::from_differences(&wrong).unwrap_err().key, "register.mode");
        let unknown = BTreeMap::from([("register.colour".to_owned(), Value::from("red"))]);
        assert!(Dialect::from_differences(&unknown).unwrap_err().detail.contains("colour"));
    }
}
