//! The dialect of a PBX: every choice about real CME that the documents leave open, as a setting with its
//! defensible default (dossier `csta-sip-cme` 15b and `axl-cme` 15).
//!
//! Settings are written as a flat map with dotted keys (`"register.mode": "never"`); nested objects are taken too.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::template::Template;
use crate::csta::Service;

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

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }
    };
}

words! {
    /// A choice between on and off.
    Switch { /// Yes.
        On = "on", /// No.
        Off = "off" }
}
words! {
    /// U-6: whether the session server is registered.
    RegisterMode { /// Register; lines start after the answer.
        Always = "always", /// Try; a refusal does not matter.
        Auto = "auto", /// Never register.
        Never = "never" }
}
words! {
    /// U-4: whether INVITE carries the reference id.
    ReferenceId { /// As a header.
        Header = "header", /// Not at all.
        None = "none" }
}
words! {
    /// U-7: what keeps the TCP connection busy.
    KeepaliveKind { /// Register again.
        Reregister = "reregister", /// Send OPTIONS.
        Options = "options", /// Send a double CRLF.
        Crlf = "crlf", /// Send nothing.
        None = "none" }
}
words! {
    /// U-8: private data in the system status request.
    PrivateLine { /// None.
        None = "none", /// The `lcs:line` element.
        Lcs = "lcs" }
}
words! {
    /// U-14: what makes a call unique.
    CallKey { /// Call id and own device.
        CallidDevice = "callid+device", /// The call id alone.
        Callid = "callid" }
}
words! {
    /// U-16: whether a service is used.
    ServiceChoice { /// Try and learn.
        Auto = "auto", /// Use it.
        On = "on", /// Do not use it.
        Off = "off" }
}
words! {
    /// U-18: how a ringing call is rejected.
    RejectBy { /// Learn.
        Auto = "auto", /// Clear the connection.
        Clear = "clear", /// Deflect it.
        Deflect = "deflect", /// Not offered.
        None = "none" }
}
words! {
    /// U-19: how digits are dialled in dial tone.
    DialTone { /// Learn.
        Auto = "auto", /// DialDigits.
        Dialdigits = "dialdigits", /// GenerateDigits.
        Generatedigits = "generatedigits", /// Collect, then one MakeCall.
        Collect = "collect" }
}
words! {
    /// U-24: how calls are validated.
    SnapshotMethod { /// SnapshotDevice.
        Device = "device", /// Not at all: the life of the session is all that is proved.
        Off = "off" }
}
words! {
    /// U-15: which of two merged calls lives on where the PBX does not tell.
    MergePrefer { /// The one that was there first.
        Primary = "primary", /// The consultation.
        Secondary = "secondary" }
}
words! {
    /// U-20: what a PBX can do that does not answer GetCSTAFeatures.
    Profile { /// Everything is worth a try until it is refused.
        Cme = "cme", /// What Office Communicator used: no conference, no snapshot.
        Moc = "moc", /// The services that `services` names.
        Custom = "custom" }
}
words! {
    /// U-24: which entry of `compoundCallState` is the own one.
    OwnIndex { /// The first.
        First = "first", /// The last.
        Last = "last" }
}
words! {
    /// U-25: how a shared number shows.
    SharedMode { /// By the device parameter.
        DeviceParam = "device_param", /// By bridged events.
        Bridged = "bridged", /// Not shown.
        Hide = "hide" }
}
words! {
    /// U-27: the session user of a mobility line.
    SessionUser { /// The bare number.
        Number = "number", /// Number and phone.
        NumberMac = "number_mac" }
}
words! {
    /// U-27: what a move of a mobility user does.
    OnMove { /// Restart the monitor.
        RestartMonitor = "restart_monitor", /// New session.
        Reinvite = "reinvite" }
}
words! {
    /// U-31: how a session is refreshed.
    RefreshMethod { /// re-INVITE.
        Reinvite = "reinvite", /// UPDATE.
        Update = "update" }
}
words! {
    /// U-33: where the response of a service is.
    ResponseMode { /// In the final response of the INFO.
        Final = "final", /// In an INFO of its own.
        Separate = "separate", /// Either.
        Auto = "auto" }
}
words! {
    /// U-41: how further buttons are observed.
    ButtonsMode { /// One dialog for each number.
        DialogPerDn = "dialog_per_dn", /// Only the first button.
        PrimaryOnly = "primary_only" }
}
words! {
    /// U-42: how far `localConnectionInfo` is trusted.
    LocalInfoTrust { /// With the guards of section 10.
        Guarded = "guarded", /// Always.
        Always = "always", /// Never.
        Never = "never" }
}

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

/// The literal templates below are checked by a test.
fn template(text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|_| Template::default())
}

section! {
    /// Identities in the INVITE of a line (U-1 … U-4).
    Invite {
        /// User of From and Contact.
        from_user: Template = template("{number}_{mac}"),
        /// What is tried next when the PBX refuses.
        from_user_fallback: Vec<Template> = vec![template("{number}"), template("{register_id}")],
        /// User of the Request-URI and of To.
        to_user: Template = template("{number}"),
        /// Host of From.
        from_host: String = "csta-gw".to_owned(),
        /// Display name of From.
        display: String = "linegate".to_owned(),
        /// Whether the reference id is echoed.
        reference_id: ReferenceId = ReferenceId::Header,
        /// The header that carries it.
        reference_header: String = "Cisco-referenceID".to_owned(),
    }
}
section! {
    /// The registration of the session server (U-5, U-6).
    Register {
        /// Whether to register.
        mode: RegisterMode = RegisterMode::Always,
        /// User of the address of record.
        aor_user: Template = template("{register_id}"),
        /// User of the Contact.
        contact_user: Template = template("{register_id}"),
        /// Seconds that lines wait for the answer.
        wait: u32 = 5,
    }
}
section! {
    /// Traffic that keeps the connection alive (U-7).
    Keepalive {
        /// What is sent.
        tcp: KeepaliveKind = KeepaliveKind::Reregister,
        /// Seconds between two.
        tcp_interval: u32 = 240,
    }
}
section! {
    /// Private data of the system status request (U-8).
    Status {
        /// Which.
        private_line: PrivateLine = PrivateLine::None,
        /// The URI in it.
        line_uri: Template = template("tel:{number}"),
    }
}
section! {
    /// Device identifiers in requests (U-9).
    DeviceId {
        /// The monitored device.
        self_id as "self": Template = template("tel:{number};device={mac}"),
        /// Other devices.
        other: Template = template("tel:{digits}"),
        /// Copy the string that the PBX itself uses.
        learn: Switch = Switch::On,
    }
}
section! {
    /// The dialled number (U-10).
    Called {
        /// Its form.
        template: Template = template("tel:{digits}"),
    }
}
section! {
    /// Namespace and prefix of what we send (U-11).
    Csta {
        /// `ed2` … `ed6`, or `learn`.
        namespace: String = "ed3".to_owned(),
        /// Prefix of every element; empty for the default namespace.
        prefix: String = String::new(),
    }
}
section! {
    /// Identity of calls (U-14).
    CallIdentity {
        /// The key.
        key: CallKey = CallKey::CallidDevice,
    }
}
section! {
    /// Which call survives a merge (U-15).
    Merge {
        /// The preferred one.
        prefer: MergePrefer = MergePrefer::Primary,
    }
}
section! {
    /// Which services are used (U-16 … U-19).
    Services {
        /// Conference.
        conference: ServiceChoice = ServiceChoice::Auto,
        /// Single step conference.
        single_step_conference: ServiceChoice = ServiceChoice::Off,
        /// `clear_foreign`, `none` or `auto`.
        remove_party: String = "auto".to_owned(),
        /// `sst`, `consult` or `auto`.
        blind_transfer: String = "auto".to_owned(),
        /// How to reject.
        reject: RejectBy = RejectBy::Auto,
        /// How to dial in dial tone.
        dialtone: DialTone = DialTone::Auto,
    }
}
section! {
    /// Where a refused ringing call goes (U-18).
    Reject {
        /// A number, for example of the voice mail; empty for none.
        target: String = String::new(),
    }
}
section! {
    /// GetCSTAFeatures and its relative (U-21).
    Features {
        /// Whether it is asked.
        request: Switch = Switch::On,
    }
}
section! {
    /// MonitorStart (U-22).
    MonitorDialect {
        /// `none` or `calls-only`.
        filter: String = "none".to_owned(),
        /// `device` or `omit`.
        r#type: String = "device".to_owned(),
    }
}
section! {
    /// Snapshots (U-24).
    Snapshot {
        /// How.
        method: SnapshotMethod = SnapshotMethod::Device,
        /// Which state is the own one.
        own_index: OwnIndex = OwnIndex::First,
    }
}
section! {
    /// Shared numbers (U-25, U-26).
    Shared {
        /// How they show.
        mode: SharedMode = SharedMode::DeviceParam,
        /// A connection of our number without a device is ours.
        assume_own: bool = true,
    }
}
section! {
    /// Extension mobility (U-27; XML dossier 15 no. 8 and 11).
    Em {
        /// User of the session.
        session_user: SessionUser = SessionUser::Number,
        /// What a move does.
        on_move: OnMove = OnMove::RestartMonitor,
        /// `device`, `profile` or `both`.
        detect: String = "both".to_owned(),
        /// `auto` or `off`.
        load: String = "auto".to_owned(),
    }
}
section! {
    /// Session timer (U-31).
    Session {
        /// Seconds.
        expires: u32 = 1800,
        /// How to refresh.
        refresh: RefreshMethod = RefreshMethod::Reinvite,
        /// `uac` or `uas`.
        refresher: String = "uac".to_owned(),
    }
}
section! {
    /// Service responses (U-33).
    Response {
        /// Where they are.
        mode: ResponseMode = ResponseMode::Auto,
    }
}
section! {
    /// Outstanding services (U-34).
    DialogLimits {
        /// How many at once in one dialog.
        max_outstanding: u32 = 1,
    }
}
section! {
    /// The XML text (U-37, U-40).
    XmlText {
        /// Whether the declaration is sent.
        declaration: Switch = Switch::On,
        /// What undeclared non-UTF-8 text is.
        fallback_charset: String = "latin1".to_owned(),
    }
}
section! {
    /// Further buttons (U-41).
    Buttons {
        /// How they are observed.
        mode: ButtonsMode = ButtonsMode::DialogPerDn,
    }
}
section! {
    /// Trust in `localConnectionInfo` (U-42).
    LocalInfo {
        /// How far.
        trust: LocalInfoTrust = LocalInfoTrust::Guarded,
    }
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
        match dialect.services.iter().find(|name| Service::parse(name).is_none()) {
            Some(name) => Err(DialectError {
                key: "services".to_owned(),
                detail: format!("“{name}” is not a service of CSTA; write them as MakeCall, HoldCall"),
            }),
            None => Ok(dialect),
        }
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
