//! The values that settings of the dialect take, as words.

use serde::{Deserialize, Serialize};

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
    CallKey { /// Call id and device: every line in a call knows it by the same id.
        CallidDevice = "callid+device", /// The call id alone: every line knows a call by an id of its own.
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
    SnapshotMethod { /// SnapshotDevice, for an address.
        Device = "device", /// SnapshotCall, for each call that is known.
        Call = "call", /// The line states that the XML API tells.
        Xml = "xml", /// Not at all: the life of the session is all that is proved.
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
    SharedMode { /// By the phone that a device identifier names.
        DeviceParam = "device_param", /// By bridged events alone: the phone in an identifier means nothing.
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
words! {
    /// U-28: who tells whether a line is in service.
    ServiceSource { /// OutOfService and BackInService.
        Events = "events", /// Registrations in the XML API.
        Xml = "xml" }
}
words! {
    /// U-23: a type of forwarding, in the words of CSTA.
    ForwardingKind { /// All calls.
        Immediate = "forwardImmediate", /// Calls from inside.
        ImmediateInternal = "forwardImmInt", /// Calls from outside.
        ImmediateExternal = "forwardImmExt" }
}
