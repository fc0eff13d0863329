//! Settings of the CSTA side: devices, services, events, snapshots, shared and mobile numbers.

use serde::{Deserialize, Serialize};

use super::template;
use super::words::*;
use crate::service::pbx::template::Template;

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
    /// Events (U-12).
    Events {
        /// Going off hook alone makes no call: it begins with Originated.
        require_originated: bool = false,
    }
}
section! {
    /// Who tells whether a line is in service (U-28).
    ServiceState {
        /// The sources that are heard, the weightier first.
        sources: Vec<ServiceSource> = vec![ServiceSource::Events, ServiceSource::Xml],
    }
}
section! {
    /// Unconditional forwarding (U-23).
    ForwardingDialect {
        /// The types that make it up: all are set, any of them shows.
        types: Vec<ForwardingKind> = vec![ForwardingKind::Immediate],
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
