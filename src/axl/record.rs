//! What the router tells, as records: nothing but what the gateway needs, and never a secret (section 1, 10).

use std::fmt;

/// `ISGlobal` (section 4.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Global {
    /// `ISAddress`.
    pub address: Option<String>,
    /// `ISMode`: `ITS` for CME.
    pub mode: Option<String>,
    /// `ISVersion`, as written.
    pub version: Option<String>,
    /// `ISName`: the host name.
    pub name: Option<String>,
    /// `ISDeviceRegistered`.
    pub registered: Option<u32>,
    /// `ISKeepAliveInterval` in seconds.
    pub keepalive_s: Option<u32>,
    /// `ISConfiguredDevice`; informative only.
    pub configured_devices: Option<u32>,
    /// `ISConfiguredExtension`; informative only.
    pub configured_extensions: Option<u32>,
    /// `ISMaxEphone`.
    pub max_ephone: Option<u32>,
    /// `ISMaxDN`.
    pub max_dn: Option<u32>,
    /// `ISVoiceMail`: the voice mail number.
    pub voice_mail: Option<String>,
    /// `directory/option`.
    pub name_order: NameOrder,
    /// `em/external`.
    pub em_external: Option<bool>,
    /// `auto-reg-ephone`.
    pub auto_register: Option<bool>,
    /// `dialplan-pattern_list`.
    pub dialplan_patterns: Vec<DialplanPattern>,
}

/// One `dialplan-pattern`: how short numbers grow to full ones (`csta-sip-cme` section 11). The element names inside
/// the list are undocumented, so the fields come along as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialplanPattern {
    /// Its tag, when told.
    pub tag: Option<u32>,
    /// The full pattern, dots as wildcards.
    pub pattern: String,
    /// Digits of the short number.
    pub extension_length: Option<u8>,
    /// Pattern of the short number.
    pub extension_pattern: Option<String>,
    /// Every leaf of the item: lower-case name and text.
    pub fields: Vec<(String, String)>,
}

/// `directory` option of `telephony-service`; first name first is the router's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameOrder {
    /// "First Last".
    #[default]
    FirstNameFirst,
    /// "Last, First".
    LastNameFirst,
}

/// `ISDevStatus` (section 1, 6). Only `registered` is in service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceStatus {
    /// Registered.
    Registered,
    /// Unregistered, or not told.
    #[default]
    Unregistered,
    /// Three keep-alives missed.
    Deceased,
    /// Another word: treated as not registered.
    Other(String),
}

/// `ISDevice` (section 4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// `ISDevID`: the ephone tag.
    pub id: u32,
    /// `ISDevName` as written (`SEP` and twelve hex digits).
    pub name: String,
    /// The twelve hex digits in upper case; `None` when absent, malformed or all zeros.
    pub mac: Option<String>,
    /// `ISDevType`: what the phone said at its registration.
    pub device_type: Option<String>,
    /// `ISconfigDevType`.
    pub config_type: Option<String>,
    /// `ISDevUsername`.
    pub username: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `ISDevLineButtons`.
    pub buttons: Vec<LineButton>,
    /// `ISPhoneLineList/ExtMapStatus`, as listed.
    pub appearances: Vec<Appearance>,
    /// `ISDevAddr`; `None` when `0.0.0.0`.
    pub address: Option<String>,
    /// `ISLogoutProfileID` or `logout-profile`: `Some(0)` = extension mobility off, `None` = not told.
    pub logout_profile: Option<u32>,
    /// `ISUserProfileID`: `Some(0)` = nobody logged in, `None` = not told.
    pub user_profile: Option<u32>,
    /// `auto-line/auto_select_line`: another button than 1 may be the default for outgoing calls; 0 = none.
    pub auto_line: Option<u32>,
    /// `ISDevStatus`.
    pub status: DeviceStatus,
    /// `ISDevLastStatus`.
    pub last_status: Option<DeviceStatus>,
    /// `ISDevChangeTime`: only to be compared for inequality (section 15, 15).
    pub change_time: Option<u64>,
    /// `ISDevKeepAlives` since the registration.
    pub keepalives: Option<u64>,
    /// `ISDevDND`.
    pub do_not_disturb: Option<bool>,
    /// Nothing but the tag was in the record, as in a reply to `allTag`.
    pub only_tag: bool,
}

/// `ISDevLineButton`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineButton {
    /// `ISDevLineButtonID`: the button's number.
    pub button: u32,
    /// `ISDevLineButtonMode` as written.
    pub mode: String,
}

/// `ExtMapStatus`: one appearance of a dn on a button.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appearance {
    /// `LineId`: the button's number.
    pub button: u32,
    /// `ExtId`: the dn's tag.
    pub dn: Option<u32>,
    /// `ExtNumber`.
    pub number: String,
    /// `ExtStatus`.
    pub up: Option<bool>,
    /// `LineState`, for instance `idle`.
    pub state: Option<String>,
}

/// `ISExtension` (section 4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extension {
    /// `ISExtID`: the dn's tag.
    pub id: u32,
    /// `ISExtNumber`.
    pub number: String,
    /// `ISExtSecNumber`.
    pub second_number: Option<String>,
    /// `ISExtType`: `normal` for a line.
    pub ext_type: Option<String>,
    /// `ISExtStatus` is `up`.
    pub up: Option<bool>,
    /// `ISExtLineMode`, for instance `DUAL_LINE`.
    pub line_mode: Option<String>,
    /// `ISExtCallStatus`, for instance `IDLE`.
    pub call_status: Option<String>,
    /// `name` as typed.
    pub name: Option<String>,
    /// `firstName`.
    pub first_name: Option<String>,
    /// `lastName`.
    pub last_name: Option<String>,
    /// `label`.
    pub label: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `ISDevList/ISDeviceID`: the phones it appears on.
    pub devices: Vec<u32>,
    /// `callForwardAll`, or `call-forward/all/number`.
    pub forward_all: Option<String>,
    /// `cti/watch` of the dn itself; `None` when not told (2008).
    pub cti_watch: Option<bool>,
    /// `cti/notify` of the dn itself; `None` when not told (2008).
    pub cti_notify: Option<bool>,
    /// `ephone-dn-template`: its tag, `None` when none.
    pub template: Option<u32>,
    /// `ISSessionServerIDs`.
    pub session_servers: Vec<u32>,
    /// Nothing but the tag was in the record, as in a reply to `allTag`.
    pub only_tag: bool,
}

/// `ISExtensionTemplate` (section 4.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtensionTemplate {
    /// `ISExtTemplateID`.
    pub id: u32,
    /// `cti/watch`.
    pub cti_watch: Option<bool>,
    /// `cti/notify`.
    pub cti_notify: Option<bool>,
    /// `description`.
    pub description: Option<String>,
}

/// `ISUserProfile` (section 4.6), without password and PIN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserProfile {
    /// `ISUserProfileID`.
    pub id: u32,
    /// `ISuserID`: the login name.
    pub user: String,
    /// `UserNumbers` in their order.
    pub numbers: Vec<UserNumber>,
    /// `CurrentPhoneType` as written.
    pub phone_type: Option<String>,
    /// `CurrentPhoneID`; `None` when 0 or not told.
    pub phone: Option<u32>,
    /// Nothing but the tag was in the record.
    pub only_tag: bool,
}

/// `UserNumber` of a user profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserNumber {
    /// `ISExtNumber`.
    pub number: String,
    /// `ISExtMode` as written.
    pub mode: String,
    /// `ISExtOverlayGroup`; 0 = none.
    pub overlay_group: u32,
}

/// `ISSessionServer` (section 4.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionServer {
    /// `ISSessionServerID`: its tag.
    pub id: u32,
    /// `ISSessionRegisterID`.
    pub register_id: Option<String>,
    /// `ISSessionKeepAlives` in seconds.
    pub keepalive_s: Option<u32>,
}

/// `ISSipGlobal` (section 4.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipGlobal {
    /// `ISAddress`.
    pub address: Option<String>,
    /// `ISMode`: `cme` is wanted.
    pub mode: Option<String>,
    /// `ISVersion`.
    pub version: Option<String>,
    /// `ISAuthModes`, as written.
    pub auth_modes: Vec<String>,
    /// `ISPortNumber`.
    pub port: Option<u16>,
}

impl SipGlobal {
    /// Whether SIP registrations are authenticated: `register` or `all` (section 15, 23).
    pub fn authenticates_register(&self) -> bool {
        self.auth_modes.iter().any(|mode| mode.eq_ignore_ascii_case("register") || mode.eq_ignore_ascii_case("all"))
    }
}

/// `ISuser`: what kind of user a name is (section 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKind {
    /// `ISuserID`.
    pub user: String,
    /// `ISuserType`.
    pub kind: UserType,
    /// `ISuserTag`: 0 for an unknown user.
    pub tag: u32,
}

/// `ISuserType` (section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserType {
    /// 0: no such user.
    Invalid,
    /// 1: user of an ephone.
    Ephone,
    /// 2: user of a logout profile.
    LogoutProfile,
    /// 3: user of a user profile.
    UserProfile,
    /// Another number.
    Other(u32),
}

/// Result of `ISexecCLI` (section 4.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliResult {
    /// 1-based index of the line that failed; `None` when all were accepted. Lines before it were executed,
    /// lines after it were not.
    pub failed_line: Option<u32>,
    /// `ISexecCLIError`: the router's text.
    pub message: String,
}

/// Result of `ISSaveConfig` (section 4.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveResult {
    /// Saved.
    Success,
    /// Not saved.
    Fail,
    /// Another terminal session is open; the router saves later.
    Delay,
    /// Another word.
    Other(String),
}

/// `ISError`, or a SOAP fault (section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouterError {
    /// `ISErrorCode` or `faultcode`.
    pub code: String,
    /// `ISErrorMsg` or `faultstring`.
    pub message: String,
}

impl fmt::Display for RouterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.is_empty(), self.message.is_empty()) {
            (_, true) => write!(f, "error {}", self.code),
            (true, false) => f.write_str(&self.message),
            (false, false) => write!(f, "{} (code {})", self.message, self.code),
        }
    }
}
