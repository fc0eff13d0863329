//! The `ISExtension` and `ISExtensionTemplate` records (dossier 4.3 and 4.4; examples 14.5).

use super::element::Body;
use super::view::{Extension, Template};
use super::{Dialect, RecordProfile, XmlKnobs};

/// Writes the record of an ephone-dn. `last_name_first` is the `directory` option of the system.
pub(crate) fn write(body: &mut Body, extension: &Extension, knobs: &XmlKnobs, last_name_first: bool) {
    let full = knobs.profile == RecordProfile::Full;
    let lean = knobs.profile == RecordProfile::Lean;
    let modern = knobs.dialect == Dialect::V85;
    body.object("ISExtension", |b| {
        status(b, extension, lean);
        if modern && !lean {
            b.flag("Mobility", false);
        }
        if modern && full {
            b.blank("SNRnumber");
            b.number("SNRdelay", 0);
            b.number("SNRtimeout", 0);
            b.blank("SNRnoanNumber");
        }
        b.flag("ISAllowWatch", false);
        match (modern, lean) {
            (true, false) => b.blank("ISSessionServerIDs"),
            (true, true) => {}
            (false, _) => b.number("ISSessionServerID", 0),
        }
        let (first, last) = split_name(&extension.name, last_name_first);
        // A byte that is not UTF-8 must really be there when the quirk is on, whatever the names of the system are.
        let accent = if knobs.quirks.latin1 && extension.tag == 1 { "é" } else { "" };
        b.leaf("firstName", first);
        b.leaf("lastName", format!("{last}{accent}"));
        b.leaf("callForwardAll", &extension.forward_all);
        b.node("ISDevList", |b| extension.devices.iter().for_each(|tag| b.number("ISDeviceID", tag)));
        if knobs.quirks.unknown_element {
            b.leaf("ISExtColour", "unknown to every guide");
        }
        if modern {
            configuration(b, extension, knobs, accent);
        }
    });
}

fn status(b: &mut Body, extension: &Extension, lean: bool) {
    b.number("ISExtID", extension.tag);
    b.leaf("ISExtNumber", &extension.number);
    b.leaf("ISExtSecNumber", &extension.secondary);
    b.leaf("ISExtType", &extension.kind);
    b.leaf("ISExtStatus", if extension.up { "up" } else { "down" });
    b.number("ISExtChangeTime", extension.change_time);
    b.number("ISExtUsage", extension.usage);
    if !lean {
        b.leaf("ISExtHomeAddress", "0.0.0.0");
        b.number("ISExtMultiLines", u8::from(extension.channels > 1));
    }
    b.leaf("ISExtPortName", format!("EFXS 50/0/{}", extension.tag));
    b.leaf(
        "ISExtLineMode",
        match extension.channels {
            0 | 1 => "SINGLE_LINE",
            2 => "DUAL_LINE",
            _ => "OCTO_LINE",
        },
    );
    b.leaf("ISExtCallStatus", extension.call_status);
}

fn configuration(b: &mut Body, extension: &Extension, knobs: &XmlKnobs, accent: &str) {
    let lean = knobs.profile == RecordProfile::Lean;
    let full = knobs.profile == RecordProfile::Full;
    if full {
        b.node("allow", |b| b.flag("watch", false));
    }
    if !lean {
        call_forward(b, extension, full);
    }
    if full {
        b.node("call-waiting", |b| {
            b.flag("beep", true);
            b.flag("ring", false);
        });
        b.node("corlist", |b| {
            b.blank("incoming");
            b.blank("outgoing");
        });
    }
    if knobs.cti_commands {
        b.node("cti", |b| {
            b.flag("notify", extension.notify);
            b.flag("watch", extension.watch);
        });
    }
    if !lean {
        b.leaf("description", &extension.description);
    }
    if full {
        before_template(b);
    }
    b.number("ephone-dn-template", extension.template);
    if full {
        b.flag("ephone-hunt_login", false);
        b.blank("feed");
        b.flag("fwd-local-calls", true);
        b.blank("intercom");
    }
    b.leaf("label", &extension.label);
    if full {
        b.blank("loopback-dn");
        b.leaf("mailbox-selection", "none");
        b.blank("moh");
    }
    b.leaf("name", format!("{}{accent}", extension.name));
    if full {
        b.flag("night-service_bell", false);
    }
    if !lean {
        b.node("telephony_number", |b| {
            b.leaf("primary", &extension.number);
            b.leaf("secondary", &extension.secondary);
            b.flag("no-reg", false);
            b.empty("no-reg_option");
        });
    }
    if full {
        after_number(b);
    }
}

fn call_forward(b: &mut Body, extension: &Extension, full: bool) {
    b.node("call-forward", |b| {
        b.node("all", |b| b.leaf("number", &extension.forward_all));
        b.node("busy", |b| b.leaf("number", &extension.forward_busy));
        if full {
            b.node("max-length", |b| b.number("number", 0));
            b.node("night-service-activated", |b| b.blank("number"));
        }
        b.node("noan", |b| {
            b.leaf("number", &extension.forward_no_answer);
            b.number("timeout", extension.forward_no_answer_timeout);
        });
    });
}

/// The children between `description` and `ephone-dn-template`, with the defaults of IOS.
fn before_template(b: &mut Body) {
    b.node("hold-alert", |b| {
        b.number("timeout", 0);
        b.blank("mode");
    });
    b.leaf("huntstop", "on");
    b.number("moh-group", 0);
    b.leaf("mwi", "none");
    b.leaf("mwi-type", "visual");
    b.blank("pickup-group");
    b.node("transfer-recall_timeout", |b| b.number("timeout", 0));
    b.blank("translate");
    b.blank("translation-profile");
    b.blank("application");
    b.blank("port-caller-id");
    b.blank("conference_dn");
}

/// The children after `telephony_number`, with the defaults of IOS.
fn after_number(b: &mut Body) {
    b.blank("paging");
    b.blank("park-slot");
    b.blank("pickup-call");
    b.number("dn_preference", 0);
    b.blank("queueing-dn");
    b.leaf("ring", "external");
    b.node("session-server", |b| b.blank("server"));
    b.blank("snr_info");
    b.blank("transfer-mode");
    b.blank("trunk");
    b.blank("whisper-intercom");
}

/// Writes the record of an ephone-dn-template.
pub(crate) fn write_template(body: &mut Body, template: &Template, knobs: &XmlKnobs) {
    body.object("ISExtensionTemplate", |b| {
        b.number("ISExtTemplateID", template.tag);
        b.node("allow", |b| b.flag("watch", false));
        if knobs.profile == RecordProfile::Full {
            b.node("call-forward", |b| {
                b.node("all", |b| b.blank("number"));
                b.node("busy", |b| b.blank("number"));
            });
            b.flag("call-waiting", false);
            b.flag("caller-id_blocked", false);
            b.blank("corlist");
        }
        if knobs.cti_commands {
            b.node("cti", |b| {
                b.flag("notify", template.notify);
                b.flag("watch", template.watch);
            });
        }
        b.leaf("description", &template.description);
        if knobs.profile == RecordProfile::Full {
            b.blank("hold-alert");
            b.leaf("huntstop", "on");
        }
    });
}

/// First and last name of a name as typed, in the order of the `directory` command (dossier 8.1): `First Last`, or `Last, First`, or `Last First`.
/// One word alone is the part that stands first in that order.
pub(crate) fn split_name(name: &str, last_name_first: bool) -> (&str, &str) {
    let name = name.trim();
    if let Some((last, first)) = name.split_once(',') {
        return (first.trim(), last.trim());
    }
    let (one, two) = name.split_once(' ').map_or((name, ""), |(one, two)| (one, two.trim()));
    if last_name_first { (two, one) } else { (one, two) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_in_the_order_of_the_directory() {
        assert_eq!(split_name("Anna Berg", false), ("Anna", "Berg"));
        assert_eq!(split_name("Berg, Anna", true), ("Anna", "Berg"));
        assert_eq!(split_name("Berg Anna", true), ("Anna", "Berg"));
        assert_eq!(split_name("Sales", true), ("", "Sales"));
        assert_eq!(split_name("Sales", false), ("Sales", ""));
        assert_eq!(split_name("Anna van der Berg", false), ("Anna", "van der Berg"));
        assert_eq!(split_name("", false), ("", ""));
    }
}
