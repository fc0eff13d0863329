//! The small enumerations of services and events (dossier section 5.4 and Annex B).

use crate::csta::names::open_names;

open_names! {
    /// State of the switching function: answer to RequestSystemStatus, and the SystemStatus service.
    SystemStatus {
        Disabled = "disabled",
        PartiallyDisabled = "partiallyDisabled",
        Enabled = "enabled",
        Initializing = "initializing",
        MessagesLost = "messagesLost",
        Normal = "normal",
        OverloadImminent = "overloadImminent",
        OverloadReached = "overloadReached",
        OverloadRelieved = "overloadRelieved",
    }
}

open_names! {
    /// Kind of call forwarding. CME itself sets only `forwardImmediate` (dossier section 9.3).
    ForwardingType {
        ForwardImmediate = "forwardImmediate",
        ForwardBusy = "forwardBusy",
        ForwardNoAns = "forwardNoAns",
        ForwardDnd = "forwardDND",
        ForwardBusyInt = "forwardBusyInt",
        ForwardBusyExt = "forwardBusyExt",
        ForwardNoAnsInt = "forwardNoAnsInt",
        ForwardNoAnsExt = "forwardNoAnsExt",
        ForwardImmInt = "forwardImmInt",
        ForwardImmExt = "forwardImmExt",
        ForwardDndInt = "forwardDNDInt",
        ForwardDndExt = "forwardDNDExt",
    }
}

open_names! {
    /// What of a default forwarding setting is switched.
    ForwardDefault {
        ForwardingTypeAndForwardDn = "forwardingTypeAndForwardDN",
        ForwardingType = "forwardingType",
        ForwardDn = "forwardDN",
    }
}

open_names! {
    /// What a consultation call may become.
    ConsultOptions {
        Unrestricted = "unrestricted",
        ConsultOnly = "consultOnly",
        TransferOnly = "transferOnly",
        ConferenceOnly = "conferenceOnly",
    }
}

open_names! {
    /// How a device takes part in a conference it is joined to.
    ParticipationType {
        Silent = "silent",
        Active = "active",
        None = "none",
    }
}

open_names! {
    /// How GenerateDigits sends its characters.
    DigitMode {
        RotaryPulse = "rotaryPulse",
        Dtmf = "dTMF",
    }
}

open_names! {
    /// What a monitor follows: the calls or the device.
    MonitorType {
        Call = "call",
        Device = "device",
    }
}
