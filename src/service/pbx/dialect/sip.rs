//! Settings of the SIP side: identities, registration, sessions, and how bodies travel.

use serde::{Deserialize, Serialize};

use super::template;
use super::words::{KeepaliveKind, ReferenceId, RefreshMethod, RegisterMode, ResponseMode, Switch};
use crate::service::pbx::template::Template;

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
