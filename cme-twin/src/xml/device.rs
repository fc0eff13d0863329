//! The `ISDevice` record (dossier 4.2; examples 14.4 and 14.10).

use super::element::Body;
use super::view::{Appearance, Device, Ring, SpeedDial};
use super::{Dialect, RecordProfile, XmlKnobs};

/// Writes the record of a phone.
pub(crate) fn write(body: &mut Body, device: &Device, knobs: &XmlKnobs) {
    body.object("ISDevice", |b| match (knobs.dialect, knobs.profile) {
        (Dialect::Y2008, _) => y2008(b, device, knobs),
        (Dialect::V85, RecordProfile::Lean) => lean(b, device, knobs),
        (Dialect::V85, RecordProfile::Medium) => medium(b, device, knobs),
        (Dialect::V85, RecordProfile::Full) => full(b, device, knobs),
    });
}

fn y2008(b: &mut Body, device: &Device, knobs: &XmlKnobs) {
    b.number("ISDevID", device.tag);
    b.leaf("ISDevName", &device.name);
    b.leaf("ISDevType", if device.known_type { format!("IP Phone {}", device.model) } else { "Others".to_owned() });
    // The guide has no other sign of extension mobility: the name is that of the user, or of the logout profile.
    b.leaf("ISDevUserName", if device.username.is_empty() { &device.logout_user } else { &device.username });
    for &(id, ring) in &device.buttons {
        button(b, id, ring, knobs);
    }
    address(b, device);
    line_list(b, &device.lines);
    b.flag("ISKeyPhone", false);
    status(b, device);
    dnd(b, device);
}

fn head(b: &mut Body, device: &Device, knobs: &XmlKnobs) {
    b.number("ISDevID", device.tag);
    b.leaf("ISDevName", &device.name);
    b.leaf("ISDevType", if device.known_type { device.model.as_str() } else { "Others" });
    b.leaf("ISconfigDevType", &device.model);
    b.leaf("ISDevUsername", &device.username);
    if knobs.quirks.unknown_element {
        b.node("ISDevLocation", |b| b.leaf("ISDevRoom", "unknown to every guide"));
    }
    b.node("ISDevLineButtons", |b| {
        for &(id, ring) in &device.buttons {
            button(b, id, ring, knobs);
        }
    });
}

fn lean(b: &mut Body, device: &Device, knobs: &XmlKnobs) {
    head(b, device, knobs);
    b.number("logout-profile", device.logout_profile);
    address(b, device);
    line_list(b, &device.lines);
    b.flag("ISKeyPhone", false);
    profiles(b, device);
    status(b, device);
    dnd(b, device);
}

fn medium(b: &mut Body, device: &Device, knobs: &XmlKnobs) {
    head(b, device, knobs);
    b.blank("fastdial_list");
    speed_dials(b, &device.speed_dials);
    phone_type(b, device);
    auto_line(b);
    blf_speed_dials(b, &device.speed_dials);
    b.leaf("description", &device.description);
    b.leaf("device-security-mode", "none");
    b.number("ephone-template", device.template);
    b.number("logout-profile", device.logout_profile);
    b.leaf("username", &device.username);
    b.leaf("password", &device.password);
    tail(b, device);
}

/// Every child of the vendor's record in its order; what the model does not know has the default of IOS.
fn full(b: &mut Body, device: &Device, knobs: &XmlKnobs) {
    head(b, device, knobs);
    b.flag("after-hours_exempt", false);
    b.node("after-hours_login", |b| b.flag("http", false));
    b.flag("block-blind-xf-fallback", false);
    b.flag("capf-ip-in-cnf", false);
    b.node("codec", |b| {
        b.leaf("codec_type", "g711ulaw");
        b.flag("dspfarm-assist", false);
    });
    b.node("adhoc_conference", |b| {
        b.flag("add-mode_creator", false);
        b.flag("drop-mode_creator", false);
        b.flag("drop-mode_local", false);
        b.flag("admin", false);
    });
    b.blank("fastdial_list");
    b.blank("feature-button_list");
    b.node("keep-conference", |b| {
        b.flag("hangup", false);
        b.flag("drop-last", false);
        b.flag("endcall", false);
        b.flag("local-only", false);
    });
    b.flag("keypad-normalize", false);
    b.flag("keyphone", false);
    b.flag("mtp", false);
    b.flag("multicast-moh", true);
    b.flag("night-service_bell", false);
    b.leaf("privacy", "default");
    b.flag("privacy-button", false);
    b.node("transfer-park", |b| b.flag("blocked", false));
    b.node("transfer-pattern", |b| b.flag("blocked", false));
    b.number("busy-trigger-per-button", 0);
    b.number("emergency-resp_location", 0);
    b.number("max-calls-per-button", 8);
    b.number("nte-end-digit-delay", 0);
    b.node("keepalive", |b| {
        b.number("timeout", 30);
        b.number("aux_timeout", 30);
    });
    b.node("lpcor", |b| {
        b.leaf("type", "none");
        b.blank("incoming");
        b.blank("outgoing");
    });
    b.blank("exclude-services");
    b.node("park", |b| b.flag("reservation-group", false));
    b.number("paging-dn", 0);
    speed_dials(b, &device.speed_dials);
    b.node("ssh", |b| {
        b.blank("userid");
        b.blank("password");
    });
    phone_type(b, device);
    auto_line(b);
    blf_speed_dials(b, &device.speed_dials);
    b.blank("bulk-speed-dial_list");
    b.blank("capf-auth-str");
    b.leaf("description", &device.description);
    b.leaf("device-security-mode", "none");
    b.node("dnd", |b| b.flag("feature-ring", true));
    b.number("ephone-template", device.template);
    b.node("headset", |b| b.flag("auto-answer", false));
    b.number("logout-profile", device.logout_profile);
    b.flag("display_all_missed_calls", false);
    b.number("mwi-line", 1);
    b.number("offhook-guard-timer", 0);
    b.node("phone-ui", |b| {
        b.flag("speeddial-fastdial", true);
        b.flag("snr", true);
    });
    b.blank("pin");
    b.node("presence", |b| b.flag("call-list", false));
    b.blank("provision-tag");
    b.leaf("username", &device.username);
    b.leaf("password", &device.password);
    b.flag("video_enable", false);
    b.blank("vm-device-id");
    tail(b, device);
}

fn tail(b: &mut Body, device: &Device) {
    address(b, device);
    line_list(b, &device.lines);
    b.flag("ISKeyPhone", false);
    b.flag("SNRui", true);
    profiles(b, device);
    b.node("ISTapiClientAddr", |b| b.empty("Xipv4Address"));
    status(b, device);
    b.empty("ISDevTapiCStatus");
    b.empty("ISTapiCLastStatus");
    b.empty("ISTapiCChangeTime");
    b.empty("ISTapiCKeepAlive");
    dnd(b, device);
}

fn button(b: &mut Body, id: u32, ring: Ring, knobs: &XmlKnobs) {
    b.node("ISDevLineButton", |b| {
        b.number("ISDevLineButtonID", id);
        b.leaf("ISDevLineButtonMode", button_word(ring, knobs));
    });
}

fn button_word(ring: Ring, knobs: &XmlKnobs) -> &str {
    match (knobs.button_words.get(ring.key()), knobs.dialect, ring) {
        (Some(word), ..) => word,
        (None, Dialect::Y2008, Ring::Normal) => "Normal",
        (None, _, ring) => ring.word(),
    }
}

fn address(b: &mut Body, device: &Device) {
    let text = if device.address.is_empty() { "0.0.0.0" } else { device.address.as_str() };
    b.node("ISDevAddr", |b| b.leaf("Xipv4Address", text));
}

fn line_list(b: &mut Body, lines: &[Appearance]) {
    b.node("ISPhoneLineList", |b| {
        for line in lines {
            b.node("ExtMapStatus", |b| {
                b.number("LineId", line.button);
                b.number("ExtId", line.dn);
                b.leaf("ExtNumber", &line.number);
                b.flag("ExtStatus", line.up);
                b.leaf("LineState", line.state);
            });
        }
    });
}

fn profiles(b: &mut Body, device: &Device) {
    b.number("ISLogoutProfileID", device.logout_profile);
    b.number("ISUserProfileID", device.user_profile);
}

fn status(b: &mut Body, device: &Device) {
    b.leaf("ISDevStatus", device.status);
    b.leaf("ISDevLastStatus", device.last_status);
    b.number("ISDevChangeTime", device.change_time);
    b.number("ISDevKeepAlives", device.keepalives);
}

fn dnd(b: &mut Body, device: &Device) {
    b.leaf("ISDevDND", if device.dnd { "yes" } else { "no" });
}

fn speed_dials(b: &mut Body, dials: &[SpeedDial]) {
    b.node("speed-dial_list", |b| {
        dials.iter().filter(|dial| !dial.blf).for_each(|dial| speed_dial(b, "speed-dial_item", dial))
    });
}

fn blf_speed_dials(b: &mut Body, dials: &[SpeedDial]) {
    b.node("blf-speed-dial_list", |b| {
        dials.iter().filter(|dial| dial.blf).for_each(|dial| speed_dial(b, "blf-speed-dial_item", dial))
    });
}

fn speed_dial(b: &mut Body, name: &str, dial: &SpeedDial) {
    b.node(name, |b| {
        b.number("index", dial.index);
        b.leaf("phone_number", &dial.number);
        b.leaf("label", &dial.label);
    });
}

fn phone_type(b: &mut Body, device: &Device) {
    b.node("phone_type", |b| {
        b.leaf("name", &device.model);
        b.blank("addon_list");
    });
}

fn auto_line(b: &mut Body) {
    b.node("auto-line", |b| {
        b.leaf("mode", "normal");
        b.number("auto_select_line", 0);
    });
}
