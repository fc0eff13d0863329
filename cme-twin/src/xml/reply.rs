//! From a request to the body of its reply: the catalogue of dossier section 4, in both dialects, inside the envelope of section 3.

use super::element::Body;
use super::envelope::{code, error, wrap};
use super::request::Request;
use super::view::{Change, Profile, Session, Source};
use super::{Dialect, XmlKnobs};
use super::{device, extension, global};

/// How a list of objects is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    All,
    AllTag,
    Available,
    Registered(bool),
    Id(u32),
    Name(String),
}

/// The body of the reply to a read request; `None` when this is a request that changes something (`ISexecCLI`, `ISSaveConfig`, ...).
pub(crate) fn read(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Option<Vec<u8>> {
    let name = request.name.as_str();
    if knobs.unknown_requests.iter().any(|unknown| unknown.eq_ignore_ascii_case(name)) {
        return Some(error(knobs, code::UNKNOWN_REQUEST, "unknown request"));
    }
    let modern = knobs.dialect == Dialect::V85;
    let result = match name.to_ascii_lowercase().as_str() {
        "isexeccli" | "issaveconfig" | "isupdateuser" | "issetkeyphones" | "isunsetkeyphones" => return None,
        "isgetglobal" => Ok(globals(source, knobs)),
        "isgetdevice" => devices(request, source, knobs),
        "isgetextension" => extensions(request, source, knobs),
        "isgetextensiontemplate" if modern => templates(request, source, knobs),
        "isgetdevicetemplate" if modern => Ok(wrap(knobs, name, |b| b.blank("ISDeviceTemplates"))),
        "isgetuserprofile" if modern => profiles(request, source, knobs),
        "isgetuser" => Ok(user(request, source, knobs)),
        "isgetsessionserver" => sessions(request, source, knobs),
        "isgetvoiceregglobal" => {
            Ok(wrap(knobs, name, |b| b.node("ISSipGlobal", |b| global::write_sip(b, &source.global(), knobs))))
        }
        "isgetsipdevice" if modern => Ok(wrap(knobs, name, |b| b.blank("ISSipDevices"))),
        "isgetsipextension" if modern => Ok(wrap(knobs, name, |b| b.blank("ISSipExtensions"))),
        "isgetutilitydirectory" if modern => Ok(wrap(knobs, name, |b| b.blank("ISUtilityDirectory"))),
        "isgetvoicehuntgroup" if modern => Ok(wrap(knobs, name, |b| b.blank("ISVoiceHuntGroups"))),
        "isgetpresenceglobal" => {
            Ok(wrap(knobs, name, |b| b.node("ISPresenceGlobal", |b| b.flag("ISPresenceEnable", false))))
        }
        "isgetevtcounts" | "isgetdevevts" | "isgetextevts" if !modern || knobs.event_requests => {
            events(request, source, knobs)
        }
        _ => Err((code::UNKNOWN_REQUEST, "unknown request")),
    };
    Some(result.unwrap_or_else(|(code, text)| error(knobs, code, text)))
}

type Answer = Result<Vec<u8>, (u32, &'static str)>;

fn globals(source: &dyn Source, knobs: &XmlKnobs) -> Vec<u8> {
    let values = source.global();
    wrap(knobs, "ISgetGlobal", |b| match knobs.dialect {
        Dialect::V85 => b.node("ISGlobal", |b| global::write(b, &values, knobs)),
        Dialect::Y2008 => global::write(b, &values, knobs),
    })
}

fn devices(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let selector = selector(request, "ISDevID", "ISDevName", knobs)?;
    let mut tags = source.device_tags();
    let free = first_free(&tags, source.global().max_ephones);
    match &selector {
        Selector::Available => {
            return Ok(tag_list(knobs, "ISgetDevice", "ISDevices", "ISDevice", "ISDevID", free.as_slice()));
        }
        Selector::AllTag => return Ok(tag_list(knobs, "ISgetDevice", "ISDevices", "ISDevice", "ISDevID", &tags)),
        Selector::Id(id) => tags.retain(|tag| tag == id),
        Selector::All | Selector::Registered(_) | Selector::Name(_) => {}
    }
    let mut found: Vec<_> = tags.into_iter().filter_map(|tag| source.device(tag)).collect();
    match &selector {
        Selector::Name(name) => found.retain(|device| device.name.eq_ignore_ascii_case(name)),
        Selector::Registered(wanted) => found.retain(|device| (device.status == "registered") == *wanted),
        _ => {}
    }
    Ok(list(knobs, "ISgetDevice", "ISDevices", found.is_empty() && !lists(&selector), |b| {
        found.iter().for_each(|one| device::write(b, one, knobs));
    }))
}

fn extensions(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let selector = selector(request, "ISExtID", "ISExtNumber", knobs)?;
    let mut tags = source.extension_tags();
    let values = source.global();
    let free = first_free(&tags, values.max_dn);
    match &selector {
        Selector::Available => {
            return Ok(tag_list(knobs, "ISgetExtension", "ISExtensions", "ISExtension", "ISExtID", free.as_slice()));
        }
        Selector::AllTag => {
            return Ok(tag_list(knobs, "ISgetExtension", "ISExtensions", "ISExtension", "ISExtID", &tags));
        }
        Selector::Id(id) => tags.retain(|tag| tag == id),
        Selector::All | Selector::Registered(_) | Selector::Name(_) => {}
    }
    let mut found: Vec<_> = tags.into_iter().filter_map(|tag| source.extension(tag)).collect();
    match &selector {
        Selector::Name(number) => found.retain(|one| one.number == *number || one.secondary == *number),
        Selector::Registered(wanted) => found.retain(|one| one.up == *wanted),
        _ => {}
    }
    Ok(list(knobs, "ISgetExtension", "ISExtensions", found.is_empty() && !lists(&selector), |b| {
        found.iter().for_each(|one| extension::write(b, one, knobs, values.last_name_first));
    }))
}

fn templates(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let selector = selector(request, "ISExtTemplateID", "", knobs)?;
    let mut found = source.templates();
    let (outer, inner, id) = ("ISExtensionTemplates", "ISExtensionTemplate", "ISExtTemplateID");
    match selector {
        Selector::AllTag => {
            let tags: Vec<u32> = found.iter().map(|one| one.tag).collect();
            return Ok(tag_list(knobs, "ISgetExtensionTemplate", outer, inner, id, &tags));
        }
        Selector::Id(tag) => found.retain(|one| one.tag == tag),
        Selector::All => {}
        _ => return Err((code::BAD_SELECTOR, "invalid keyword")),
    }
    let missing = found.is_empty() && !lists(&selector);
    Ok(list(knobs, "ISgetExtensionTemplate", outer, missing, |b| {
        found.iter().for_each(|one| extension::write_template(b, one, knobs))
    }))
}

fn profiles(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let selector = selector(request, "ISUserProfileID", "ISuserID", knobs)?;
    let mut found = source.profiles();
    let (outer, inner, id) = ("ISUserProfiles", "ISUserProfile", "ISUserProfileID");
    let tags: Vec<u32> = found.iter().map(|one| one.tag).collect();
    match &selector {
        Selector::AllTag => return Ok(tag_list(knobs, "ISgetUserProfile", outer, inner, id, &tags)),
        Selector::Available => {
            let limit = source.global().max_ephones.saturating_mul(3);
            return Ok(tag_list(knobs, "ISgetUserProfile", outer, inner, id, first_free(&tags, limit).as_slice()));
        }
        Selector::Id(tag) => found.retain(|one| one.tag == *tag),
        Selector::Name(user) => found.retain(|one| one.user == *user),
        Selector::All => {}
        Selector::Registered(_) => return Err((code::BAD_SELECTOR, "invalid keyword")),
    }
    let missing = found.is_empty() && !lists(&selector);
    Ok(list(knobs, "ISgetUserProfile", outer, missing, |b| found.iter().for_each(|one| profile(b, one, knobs))))
}

fn profile(b: &mut Body, profile: &Profile, knobs: &XmlKnobs) {
    b.object("ISUserProfile", |b| {
        b.number("ISUserProfileID", profile.tag);
        b.leaf("ISuserID", &profile.user);
        b.leaf("ISpassword", &profile.password);
        b.leaf("ISuserPin", &profile.pin);
        b.leaf("ISPrivacyButton", "no");
        b.number("ISuserMaxIdleTime", profile.max_idle);
        b.node("SpeedDials", |b| {
            for dial in &profile.speed_dials {
                b.node("SpeedDial", |b| {
                    b.number("SpeedDialIndex", dial.index);
                    b.leaf("SpeedDialNumber", &dial.number);
                    b.leaf("SpeedDialLabel", &dial.label);
                    b.leaf("SpeedDialBLF", if dial.blf { "yes" } else { "no" });
                });
            }
        });
        b.node("UserNumbers", |b| {
            for (number, ring) in &profile.numbers {
                b.node("UserNumber", |b| {
                    b.leaf("ISExtNumber", number);
                    b.leaf("ISExtMode", knobs.button_words.get(ring.key()).map_or(ring.word(), String::as_str));
                    b.number("ISExtOverlayGroup", 0);
                    b.leaf("ISExtCombo", "no");
                });
            }
        });
        b.node("ISuserCurrentPhone", |b| {
            b.leaf("CurrentPhoneType", if profile.phone == 0 { "Unknown" } else { knobs.current_phone_type.as_str() });
            b.number("CurrentPhoneID", profile.phone);
        });
    });
}

fn user(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Vec<u8> {
    let name = request.parameter("ISuserID").unwrap_or("");
    let (kind, tag) = source.user(name).unwrap_or((0, 0));
    wrap(knobs, "ISgetUser", |b| {
        b.node("ISuser", |b| {
            b.leaf("ISuserID", name);
            b.number("ISuserType", kind);
            b.number("ISuserTag", tag);
        });
    })
}

fn sessions(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let selector = selector(request, "ISSessionServerID", "ISSessionServerName", knobs)?;
    let mut found = source.sessions();
    let (outer, inner, id) = ("ISSessionServers", "ISSessionServer", "ISSessionServerID");
    let tags: Vec<u32> = found.iter().map(|one| one.tag).collect();
    match &selector {
        Selector::AllTag => return Ok(tag_list(knobs, "ISgetSessionServer", outer, inner, id, &tags)),
        Selector::Available => {
            return Ok(tag_list(knobs, "ISgetSessionServer", outer, inner, id, first_free(&tags, 8).as_slice()));
        }
        Selector::Id(tag) => found.retain(|one| one.tag == *tag),
        Selector::Name(name) => found.retain(|one| one.register_id == *name),
        Selector::All => {}
        Selector::Registered(_) => return Err((code::BAD_SELECTOR, "invalid keyword")),
    }
    let missing = found.is_empty() && !lists(&selector);
    Ok(list(knobs, "ISgetSessionServer", outer, missing, |b| found.iter().for_each(|one| session(b, one))))
}

fn session(b: &mut Body, session: &Session) {
    b.object("ISSessionServer", |b| {
        b.number("ISSessionServerID", session.tag);
        b.leaf("ISSessionRegisterID", &session.register_id);
        b.number("ISSessionKeepAlives", session.keepalive);
    });
}

/// The event ring of the 2008 guide (dossier 4.14).
fn events(request: &Request, source: &dyn Source, knobs: &XmlKnobs) -> Answer {
    let (devices, extensions) = (source.device_changes(), source.extension_changes());
    let chosen = |index: &str, id: &str, name: &str, changes: Vec<Change>| -> Vec<Change> {
        let number = |parameter: &str| request.parameter(parameter).and_then(|text| text.parse::<u32>().ok());
        let wanted = request.parameter(name).map(str::to_owned);
        let (at, tag) = (number(index), number(id));
        let kept = changes.into_iter().enumerate().filter(|(position, change)| {
            at.is_none_or(|at| u32::try_from(*position).is_ok_and(|position| position + 1 == at))
                && tag.is_none_or(|tag| change.tag == tag)
                && wanted
                    .as_deref()
                    .is_none_or(|name| name.eq_ignore_ascii_case("all") || name.eq_ignore_ascii_case(&change.name))
        });
        kept.map(|(_, change)| change).collect()
    };
    Ok(match request.name.to_ascii_lowercase().as_str() {
        "isgetevtcounts" => wrap(knobs, "ISgetEvtCounts", |b| {
            b.number("ISDevEvtCount", devices.len());
            b.number("ISExtEvtCount", extensions.len());
        }),
        "isgetdevevts" => wrap(knobs, "ISgetDevEvts", |b| {
            for change in chosen("ISDevEvtID", "ISDevID", "ISDevName", devices) {
                b.object("ISDevEvent", |b| {
                    b.number("ISDevID", change.tag);
                    b.leaf("ISDevName", &change.name);
                    b.number("ISDevEventTime", change.time);
                    b.leaf("ISDevEventType", "Device");
                    b.leaf("ISDevStatus", change.status);
                });
            }
        }),
        _ => wrap(knobs, "ISgetExtEvts", |b| {
            for change in chosen("ISExtEvtID", "ISExtID", "ISExtNumber", extensions) {
                b.object("ISExtEvent", |b| {
                    b.number("ISextID", change.tag);
                    b.leaf("ISextNumber", &change.name);
                    b.number("ISExtEventTime", change.time);
                    b.leaf("ISExtStatusChangeEvent", change.status);
                });
            }
        }),
    })
}

/// Which objects are asked for. The selectors are an exclusive choice (dossier 3.2); the first one counts.
fn selector(request: &Request, id: &str, name: &str, knobs: &XmlKnobs) -> Result<Selector, (u32, &'static str)> {
    if let Some(text) = request.parameter(id) {
        return text.parse().map(Selector::Id).map_err(|_| (code::BAD_SELECTOR, "invalid tag"));
    }
    let keyword = match knobs.dialect {
        Dialect::V85 => request.parameter("ISKeyword").or_else(|| request.parameter(name)),
        Dialect::Y2008 => request.parameter(name),
    };
    let Some(keyword) = keyword else {
        return Err((code::BAD_SELECTOR, "no selector"));
    };
    let by_keyword = request.parameter("ISKeyword").is_some() && knobs.dialect == Dialect::V85;
    match keyword.to_ascii_lowercase().as_str() {
        "all" if knobs.refuse_all => Err((code::TOO_LARGE, "response does not fit the buffer")),
        "alltag" if knobs.refuse_all_tag => Err((code::TOO_LARGE, "response does not fit the buffer")),
        "all" => Ok(Selector::All),
        "alltag" => Ok(Selector::AllTag),
        "available" => Ok(Selector::Available),
        "allregistered" | "allup" => Ok(Selector::Registered(true)),
        "allunregistered" | "alldown" => Ok(Selector::Registered(false)),
        // No phone of the model is a key phone, so that this list is empty.
        "allkeyphone" => Ok(Selector::Name("allKeyphone".to_owned())),
        _ if by_keyword => Err((code::BAD_SELECTOR, "invalid keyword")),
        _ => Ok(Selector::Name(keyword.to_owned())),
    }
}

/// Whether an empty list is a fine answer to this selector.
fn lists(selector: &Selector) -> bool {
    matches!(selector, Selector::All | Selector::AllTag | Selector::Available | Selector::Registered(_))
        || matches!(selector, Selector::Name(name) if name == "allKeyphone")
}

fn first_free(taken: &[u32], limit: u32) -> Option<u32> {
    (1..=limit).find(|tag| !taken.contains(tag))
}

fn tag_list(knobs: &XmlKnobs, request: &str, outer: &str, inner: &str, id: &str, tags: &[u32]) -> Vec<u8> {
    list(knobs, request, outer, false, |b| tags.iter().for_each(|tag| b.object(inner, |b| b.number(id, tag))))
}

/// Objects in their container; in 2008 there is none. An object that is missing gives a `response` without the container (dossier 5).
fn list(knobs: &XmlKnobs, request: &str, outer: &str, missing: bool, fill: impl FnOnce(&mut Body)) -> Vec<u8> {
    wrap(knobs, request, |b| match (missing, knobs.dialect) {
        (true, _) => {}
        (false, Dialect::V85) => b.node(outer, fill),
        (false, Dialect::Y2008) => fill(b),
    })
}
