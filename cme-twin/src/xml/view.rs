//! What the records are written from: one object at a time, taken from the configuration and the live model at the moment of a request.

/// How a number sits on a button (dossier 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ring {
    Normal,
    Silent,
    Beep,
    Feature,
    Monitor,
    Watch,
    Overlay,
    CwOverlay,
    Expansion,
}

impl Ring {
    /// Key of the knob `button_words`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Silent => "silent",
            Self::Beep => "beep",
            Self::Feature => "feature",
            Self::Monitor => "monitor",
            Self::Watch => "watch",
            Self::Overlay => "overlay",
            Self::CwOverlay => "cw-overlay",
            Self::Expansion => "expansion",
        }
    }

    /// The word of `ISDevLineButtonMode` in dialect 8.5 (`NORMAL` and `MONITOR_RING` are documented, the others follow them).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Silent => "SILENT_RING",
            Self::Beep => "BEEP_RING",
            Self::Feature => "FEATURE_RING",
            Self::Monitor => "MONITOR_RING",
            Self::Watch => "WATCH",
            Self::Overlay => "OVERLAY",
            Self::CwOverlay => "CW_OVERLAY",
            Self::Expansion => "EXPANSION",
        }
    }
}

/// A speed dial of a phone or user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpeedDial {
    pub(crate) index: u32,
    pub(crate) number: String,
    pub(crate) label: String,
    pub(crate) blf: bool,
}

/// One line appearance of a phone, an `ExtMapStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Appearance {
    pub(crate) button: u32,
    pub(crate) dn: u32,
    pub(crate) number: String,
    pub(crate) up: bool,
    pub(crate) state: &'static str,
}

/// A phone, an `ISDevice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) tag: u32,
    /// `SEP` and twelve digits.
    pub(crate) name: String,
    /// Model as configured.
    pub(crate) model: String,
    /// A phone that never registered, or is not registered now, reports `Others`.
    pub(crate) known_type: bool,
    pub(crate) username: String,
    /// The user of its logout profile, whose name the phone has while nobody is logged in; empty when there is none.
    pub(crate) logout_user: String,
    pub(crate) password: String,
    pub(crate) description: String,
    pub(crate) buttons: Vec<(u32, Ring)>,
    pub(crate) speed_dials: Vec<SpeedDial>,
    pub(crate) template: u32,
    pub(crate) logout_profile: u32,
    pub(crate) user_profile: u32,
    /// Empty when not registered.
    pub(crate) address: String,
    pub(crate) lines: Vec<Appearance>,
    pub(crate) status: &'static str,
    pub(crate) last_status: &'static str,
    pub(crate) change_time: u64,
    pub(crate) keepalives: u64,
    pub(crate) dnd: bool,
}

/// An ephone-dn, an `ISExtension`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) tag: u32,
    pub(crate) number: String,
    pub(crate) secondary: String,
    /// `normal`, or `intercom`, `paging`, `park`, ...
    pub(crate) kind: String,
    pub(crate) up: bool,
    pub(crate) change_time: u64,
    pub(crate) usage: u64,
    /// Calls at once: 1, 2 or 8.
    pub(crate) channels: u32,
    pub(crate) call_status: &'static str,
    /// As typed.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) forward_all: String,
    pub(crate) forward_busy: String,
    pub(crate) forward_no_answer: String,
    pub(crate) forward_no_answer_timeout: u32,
    /// Tags of the phones on which it appears.
    pub(crate) devices: Vec<u32>,
    pub(crate) notify: bool,
    pub(crate) watch: bool,
    pub(crate) template: u32,
}

/// An ephone-dn-template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) tag: u32,
    pub(crate) notify: bool,
    pub(crate) watch: bool,
    pub(crate) description: String,
}

/// A voice user-profile of extension mobility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) tag: u32,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) pin: String,
    pub(crate) max_idle: u32,
    pub(crate) speed_dials: Vec<SpeedDial>,
    pub(crate) numbers: Vec<(String, Ring)>,
    /// Tag of the phone, 0 while nobody is logged in.
    pub(crate) phone: u32,
}

/// A voice register session-server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) tag: u32,
    pub(crate) register_id: String,
    pub(crate) keepalive: u32,
}

/// What `ISGlobal` and `ISSipGlobal` tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Global {
    pub(crate) address: String,
    pub(crate) host: String,
    pub(crate) version: String,
    pub(crate) registered: u32,
    pub(crate) peak: u32,
    pub(crate) peak_time: u64,
    pub(crate) keepalive: u64,
    pub(crate) devices: usize,
    pub(crate) extensions: usize,
    pub(crate) sccp_port: u16,
    pub(crate) max_conference: u32,
    pub(crate) max_redirect: u32,
    pub(crate) max_ephones: u32,
    pub(crate) max_dn: u32,
    pub(crate) last_name_first: bool,
    pub(crate) xml_user: String,
    pub(crate) xml_password: String,
    pub(crate) xml_level: u8,
    /// `cme`, or `srst`.
    pub(crate) fallback: bool,
    pub(crate) sip_mode: String,
    pub(crate) sip_port: u16,
    pub(crate) authenticate_register: bool,
}

/// One change of a phone or ephone-dn, for the event requests of the 2008 guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) tag: u32,
    pub(crate) name: String,
    pub(crate) time: u64,
    pub(crate) status: &'static str,
}

/// Where records come from.
pub(crate) trait Source {
    fn global(&self) -> Global;
    fn device_tags(&self) -> Vec<u32>;
    fn device(&self, tag: u32) -> Option<Device>;
    fn extension_tags(&self) -> Vec<u32>;
    fn extension(&self, tag: u32) -> Option<Extension>;
    fn templates(&self) -> Vec<Template>;
    fn profiles(&self) -> Vec<Profile>;
    fn sessions(&self) -> Vec<Session>;
    /// Type (1 ephone user, 2 logout-profile user, 3 user-profile user) and tag of a user.
    fn user(&self, name: &str) -> Option<(u8, u32)>;
    fn device_changes(&self) -> Vec<Change>;
    fn extension_changes(&self) -> Vec<Change>;
}
