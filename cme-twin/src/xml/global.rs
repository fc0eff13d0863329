//! The records of the system itself: `ISGlobal`, `ISSipGlobal`, `ISPresenceGlobal` (dossier 4.1, 4.8; examples 14.3 and 14.7).

use super::element::Body;
use super::view::Global;
use super::{Dialect, RecordProfile, XmlKnobs};

/// Writes the children of `ISGlobal`.
pub(crate) fn write(b: &mut Body, global: &Global, knobs: &XmlKnobs) {
    let address = global.address.as_str();
    b.leaf("ISAddress", address);
    b.leaf("ISMode", if global.fallback { "SRST" } else { "ITS" });
    b.leaf("ISVersion", version(global, knobs));
    b.number("ISDeviceRegistered", global.registered);
    b.number("ISPeakDeviceRegistered", global.peak);
    b.number("ISPeakDeviceRegisteredTime", global.peak_time);
    b.number("ISKeepAliveInterval", global.keepalive);
    b.number("ISConfiguredDevice", global.devices);
    b.number("ISConfiguredExtension", global.extensions);
    b.leaf("ISServiceEngine", "0.0.0.0");
    b.leaf("ISName", &global.host);
    b.number("ISPortNumber", global.sccp_port);
    b.number("ISMaxConference", global.max_conference);
    b.number("ISMaxRedirect", global.max_redirect);
    b.number("ISMaxEphone", global.max_ephones);
    b.number("ISMaxDN", global.max_dn);
    b.blank("ISVoiceMail");
    urls(b, address, knobs);
    if knobs.dialect == Dialect::V85 {
        configuration(b, global, knobs.profile == RecordProfile::Full);
    }
}

fn urls(b: &mut Body, address: &str, knobs: &XmlKnobs) {
    // URL fields are the likeliest place for a raw `&` (dossier 2.8).
    let query = if knobs.quirks.raw_ampersand { "?locale=en&format=text" } else { "" };
    let service = |b: &mut Body| {
        b.leaf("ISUrlType", "EPHONE_URL_AUTH");
        b.leaf("ISUrlLink", format!("http://{address}/CCMCIP/authenticate.asp{query}"));
    };
    b.node("ISUrlServices", |b| match knobs.dialect {
        Dialect::V85 => b.node("ISUrlService", service),
        Dialect::Y2008 => service(b),
    });
}

fn configuration(b: &mut Body, global: &Global, full: bool) {
    b.flag("auto-reg-ephone", false);
    if full {
        b.flag("ephone-reg", true);
        b.blank("dialplan-pattern_list");
    }
    b.node("directory", |b| {
        b.blank("entry_list");
        b.leaf("option", if global.last_name_first { "last-name-first" } else { "first-name-first" });
    });
    b.node("em", |b| {
        b.flag("external", false);
        b.flag("keep-history", false);
        b.leaf("logout", "-1:-1 -1:-1 -1:-1");
    });
    b.node("ip", |b| {
        b.node("source-address", |b| {
            b.leaf("primary", &global.address);
            b.number("port", global.sccp_port);
            b.leaf("secondary", "0.0.0.0");
            b.number("rehome", 0);
            b.flag("strict-match", false);
        });
    });
    b.node("keepalive", |b| {
        b.number("timeout", global.keepalive);
        b.number("aux_timeout", global.keepalive);
    });
    b.node("log", |b| {
        b.node("table", |b| {
            b.number("max-size", 150);
            b.number("retain-timer", 15);
        });
    });
    b.node("max-dn", |b| {
        b.number("count", global.max_dn);
        b.number("global_preference", 0);
        b.blank("no-reg");
    });
    b.number("max-ephones", global.max_ephones);
    b.node("xml", |b| {
        b.leaf("user", &global.xml_user);
        b.leaf("password", &global.xml_password);
        b.number("level", global.xml_level);
    });
}

/// Writes the children of `ISSipGlobal`.
pub(crate) fn write_sip(b: &mut Body, global: &Global, knobs: &XmlKnobs) {
    b.leaf("ISAddress", &global.address);
    b.leaf("ISMode", &global.sip_mode);
    b.leaf("ISVersion", version(global, knobs));
    match knobs.dialect {
        Dialect::V85 => b.node("ISAuthModes", |b| {
            if global.authenticate_register {
                b.leaf("ISAuthMode", "register");
            }
        }),
        Dialect::Y2008 => b.leaf("ISAuthMode", if global.authenticate_register { "all" } else { "" }),
    }
    b.number("ISPortNumber", global.sip_port);
    b.number("ISMaxPool", 0);
    b.number("ISMaxDN", 0);
    b.number("ISMaxRedirect", 5);
}

fn version<'a>(global: &'a Global, knobs: &'a XmlKnobs) -> &'a str {
    if knobs.version.is_empty() { &global.version } else { &knobs.version }
}
