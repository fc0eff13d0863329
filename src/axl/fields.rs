//! From elements to records: each function reads one record of section 4 and skips what it does not know.

use super::record::{
    Appearance, Device, DeviceStatus, DialplanPattern, Extension, ExtensionTemplate, Global, LineButton, NameOrder,
    RouterError, SaveResult, SessionServer, SipGlobal, UserKind, UserNumber, UserProfile, UserType,
};
use super::xml::Node;

fn owned(node: &Node, name: &str) -> Option<String> {
    node.text_of(name).map(str::to_owned)
}

/// Text that is not one of the router's words for "nothing" (section 2.8).
fn meaningful(node: &Node, name: &str) -> Option<String> {
    let text = node.text_of(name)?;
    let nothing = ["none", "unknown", "0.0.0.0"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!nothing).then(|| text.to_owned())
}

fn flag(node: &Node, name: &str) -> Option<bool> {
    match node.text_of(name)?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "up" | "on" | "enabled" => Some(true),
        "false" | "no" | "0" | "down" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

fn address(node: &Node, name: &str) -> Option<String> {
    let node = node.child(name)?;
    let text = node.text_of("xipv4address").or(node.text_of("xipv6address")).unwrap_or(&node.text);
    (!text.is_empty() && text != "0.0.0.0").then(|| text.to_owned())
}

/// Records in a list element, in 2008 directly in the parent.
fn listed<'a>(node: &'a Node, container: &'a str, item: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
    node.children_named(container).flat_map(move |list| list.children_named(item)).chain(node.children_named(item))
}

pub(super) fn global(node: &Node) -> Global {
    let order = node.child("directory").and_then(|directory| directory.text_of("option"));
    Global {
        address: meaningful(node, "isaddress"),
        mode: owned(node, "ismode"),
        version: owned(node, "isversion"),
        name: owned(node, "isname"),
        registered: node.number_of("isdeviceregistered"),
        keepalive_s: node.number_of("iskeepaliveinterval"),
        configured_devices: node.number_of("isconfigureddevice"),
        configured_extensions: node.number_of("isconfiguredextension"),
        max_ephone: node.number_of("ismaxephone"),
        max_dn: node.number_of("ismaxdn"),
        voice_mail: owned(node, "isvoicemail"),
        name_order: match order {
            Some(word) if word.eq_ignore_ascii_case("last-name-first") => NameOrder::LastNameFirst,
            _ => NameOrder::FirstNameFirst,
        },
        em_external: node.child("em").and_then(|em| flag(em, "external")),
        auto_register: flag(node, "auto-reg-ephone"),
        dialplan_patterns: node
            .child("dialplan-pattern_list")
            .map(|list| list.children.iter().filter_map(dialplan_pattern).collect())
            .unwrap_or_default(),
    }
}

fn dialplan_pattern(node: &Node) -> Option<DialplanPattern> {
    let mut fields = Vec::new();
    leaves(node, &mut fields);
    let find = |names: &[&str]| {
        fields.iter().find(|(name, _)| names.contains(&name.replace('-', "_").as_str())).map(|(_, text)| text.clone())
    };
    let pattern = find(&["pattern", "dialplan_pattern", "number"])?;
    Some(DialplanPattern {
        tag: find(&["tag", "index", "id"]).and_then(|text| text.parse().ok()),
        pattern,
        extension_length: find(&["extension_length", "ext_length", "length"]).and_then(|text| text.parse().ok()),
        extension_pattern: find(&["extension_pattern", "ext_pattern"]),
        fields,
    })
}

fn leaves(node: &Node, out: &mut Vec<(String, String)>) {
    for child in &node.children {
        if child.children.is_empty() && !child.text.is_empty() {
            out.push((child.name.clone(), child.text.clone()));
        }
        leaves(child, out);
    }
}

fn device_status(text: &str) -> DeviceStatus {
    match text.to_ascii_lowercase().as_str() {
        "registered" => DeviceStatus::Registered,
        "unregistered" => DeviceStatus::Unregistered,
        "deceased" => DeviceStatus::Deceased,
        _ => DeviceStatus::Other(text.to_owned()),
    }
}

/// The twelve hex digits of a device name, `None` for all zeros.
fn mac(name: &str) -> Option<String> {
    let digits = match name.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("SEP") => name.get(3..)?,
        _ => name,
    };
    let digits: String = digits.chars().filter(|c| !matches!(c, '.' | ':' | '-')).collect();
    let good = digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit()) && digits.chars().any(|c| c != '0');
    good.then(|| digits.to_ascii_uppercase())
}

pub(super) fn device(node: &Node) -> Option<Device> {
    let name = owned(node, "isdevname").unwrap_or_default();
    let buttons: Vec<LineButton> = listed(node, "isdevlinebuttons", "isdevlinebutton")
        .filter_map(|button| {
            let mode = owned(button, "isdevlinebuttonmode").unwrap_or_default();
            Some(LineButton { button: button.number_of("isdevlinebuttonid")?, mode })
        })
        .collect();
    let appearances: Vec<Appearance> = listed(node, "isphonelinelist", "extmapstatus")
        .filter_map(|line| {
            Some(Appearance {
                button: line.number_of("lineid")?,
                dn: line.number_of("extid").filter(|tag| *tag != 0),
                number: owned(line, "extnumber").unwrap_or_default(),
                up: flag(line, "extstatus"),
                state: owned(line, "linestate"),
            })
        })
        .collect();
    let logout = [node.number_of("islogoutprofileid"), node.number_of("logout-profile")];
    Some(Device {
        id: node.number_of("isdevid")?,
        mac: mac(&name),
        device_type: meaningful(node, "isdevtype"),
        config_type: meaningful(node, "isconfigdevtype"),
        username: owned(node, "isdevusername"),
        description: owned(node, "description"),
        address: address(node, "isdevaddr"),
        // Either name may carry the profile; the one that is not 0 says that mobility is on.
        logout_profile: logout.iter().flatten().copied().max(),
        user_profile: node.number_of("isuserprofileid"),
        auto_line: node.child("auto-line").and_then(|auto| auto.number_of("auto_select_line")),
        status: node.text_of("isdevstatus").map(device_status).unwrap_or_default(),
        last_status: node.text_of("isdevlaststatus").map(device_status),
        change_time: node.number_of("isdevchangetime"),
        keepalives: node.number_of("isdevkeepalives"),
        do_not_disturb: flag(node, "isdevdnd"),
        only_tag: name.is_empty() && appearances.is_empty() && node.text_of("isdevstatus").is_none(),
        name,
        buttons,
        appearances,
    })
}

pub(super) fn extension(node: &Node) -> Option<Extension> {
    let cti = node.child("cti");
    let configured = node.child("telephony_number");
    let number = owned(node, "isextnumber").or_else(|| owned(configured?, "primary"));
    let forward = node.child("call-forward").and_then(|forward| forward.child("all"));
    let tags = |list: &str, item: &str| -> Vec<u32> {
        let mut tags: Vec<u32> = listed(node, list, item).filter_map(|tag| tag.text.parse().ok()).collect();
        tags.retain(|tag| *tag != 0);
        tags
    };
    Some(Extension {
        id: node.number_of("isextid")?,
        second_number: owned(node, "isextsecnumber").or_else(|| owned(configured?, "secondary")),
        ext_type: owned(node, "isexttype"),
        up: flag(node, "isextstatus"),
        line_mode: owned(node, "isextlinemode"),
        call_status: owned(node, "isextcallstatus"),
        name: owned(node, "name"),
        first_name: owned(node, "firstname"),
        last_name: owned(node, "lastname"),
        label: owned(node, "label"),
        description: owned(node, "description"),
        devices: tags("isdevlist", "isdeviceid"),
        forward_all: meaningful(node, "callforwardall").or_else(|| meaningful(forward?, "number")),
        cti_watch: cti.and_then(|cti| flag(cti, "watch")),
        cti_notify: cti.and_then(|cti| flag(cti, "notify")),
        template: node.number_of("ephone-dn-template").filter(|tag| *tag != 0),
        session_servers: tags("issessionserverids", "issessionserverid"),
        only_tag: number.is_none() && node.text_of("isextstatus").is_none() && node.children.len() < 3,
        number: number.unwrap_or_default(),
    })
}

pub(super) fn template(node: &Node) -> Option<ExtensionTemplate> {
    let cti = node.child("cti");
    Some(ExtensionTemplate {
        id: node.number_of("isexttemplateid").or_else(|| node.number_of("isextensiontemplateid"))?,
        cti_watch: cti.and_then(|cti| flag(cti, "watch")),
        cti_notify: cti.and_then(|cti| flag(cti, "notify")),
        description: owned(node, "description"),
    })
}

pub(super) fn user_profile(node: &Node) -> Option<UserProfile> {
    let numbers: Vec<UserNumber> = listed(node, "usernumbers", "usernumber")
        .map(|number| UserNumber {
            number: owned(number, "isextnumber").unwrap_or_default(),
            mode: owned(number, "isextmode").unwrap_or_default(),
            overlay_group: number.number_of("isextoverlaygroup").unwrap_or_default(),
        })
        .collect();
    let current = node.child("isusercurrentphone").unwrap_or(node);
    let user = owned(node, "isuserid");
    Some(UserProfile {
        id: node.number_of("isuserprofileid").filter(|tag| *tag != 0)?,
        phone_type: owned(current, "currentphonetype"),
        phone: current.number_of("currentphoneid").filter(|tag| *tag != 0),
        only_tag: user.is_none() && numbers.is_empty(),
        user: user.unwrap_or_default(),
        numbers,
    })
}

pub(super) fn session_server(node: &Node) -> Option<SessionServer> {
    Some(SessionServer {
        id: node.number_of("issessionserverid")?,
        register_id: owned(node, "issessionregisterid"),
        keepalive_s: node.number_of("issessionkeepalives"),
    })
}

pub(super) fn sip_global(node: &Node) -> SipGlobal {
    SipGlobal {
        address: meaningful(node, "isaddress"),
        mode: owned(node, "ismode"),
        version: owned(node, "isversion"),
        auth_modes: listed(node, "isauthmodes", "isauthmode")
            .map(|mode| mode.text.clone())
            .filter(|mode| !mode.is_empty())
            .collect(),
        port: node.number_of("isportnumber"),
    }
}

pub(super) fn user_kind(node: &Node) -> Option<UserKind> {
    let kind = match node.number_of::<u32>("isusertype")? {
        0 => UserType::Invalid,
        1 => UserType::Ephone,
        2 => UserType::LogoutProfile,
        3 => UserType::UserProfile,
        other => UserType::Other(other),
    };
    Some(UserKind {
        user: owned(node, "isuserid").unwrap_or_default(),
        kind,
        tag: node.number_of("isusertag").unwrap_or_default(),
    })
}

pub(super) fn save_result(text: &str) -> SaveResult {
    match text.to_ascii_lowercase().as_str() {
        "success" => SaveResult::Success,
        "fail" => SaveResult::Fail,
        "delay" => SaveResult::Delay,
        _ => SaveResult::Other(text.to_owned()),
    }
}

pub(super) fn router_error(node: &Node) -> RouterError {
    let text = |names: [&str; 4]| names.iter().find_map(|name| owned(node, name)).unwrap_or_default();
    let reason = node.child("reason").and_then(|reason| owned(reason, "text"));
    let message = text(["iserrormsg", "faultstring", "message", "iserrormessage"]);
    let message = if message.is_empty() { reason.unwrap_or_else(|| node.text.clone()) } else { message };
    RouterError { code: text(["iserrorcode", "faultcode", "code", "iserrorid"]), message }
}
