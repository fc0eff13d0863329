//! What a person configures about a PBX: its settings and its dialect.

mod dialect;
mod document;
mod settings;
mod template;

pub use dialect::{
    ButtonsMode, CallKey, DialTone, Dialect, DialectError, ForwardingKind, KeepaliveKind, LocalInfoTrust, MergePrefer,
    OnMove, OwnIndex, PrivateLine, Profile, ReferenceId, RefreshMethod, RegisterMode, RejectBy, ResponseMode,
    ServiceChoice, ServiceSource, SessionUser, SharedMode, SnapshotMethod, Switch,
};
pub use document::{PbxDocument, apply_patch, read_new};
pub use settings::{
    AxlScheme, AxlSettings, AxlTls, InternalRange, LocationSettings, Options, PbxSettings, SettingsError, SipSettings,
    TlsVerify, Transport,
};
pub use template::{Template, TemplateError, TemplateValues};
