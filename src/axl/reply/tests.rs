#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::axl::example::*;
use crate::axl::record::{DeviceStatus, NameOrder, UserType};

fn read(text: &str) -> Reply {
    Reply::read(text.as_bytes(), Charset::Auto).unwrap()
}

fn fault(body: &[u8]) -> ReplyFault {
    Reply::read(body, Charset::Auto).unwrap_err()
}

#[test]
fn every_message_of_section_14_is_read() {
    let global = read(GLOBAL).global.unwrap();
    assert_eq!((global.version.as_deref(), global.mode.as_deref()), (Some("8.6"), Some("ITS")));
    assert_eq!((global.max_ephone, global.max_dn, global.keepalive_s), (Some(10), Some(20), Some(30)));
    assert_eq!(global.name_order, NameOrder::FirstNameFirst);
    assert!(!format!("{:?}", read(GLOBAL)).contains("lab-pass-1"));

    let tags: Vec<u32> = read(DEVICE_ALLTAG).devices.iter().map(|device| device.id).collect();
    assert_eq!(tags, [1, 2, 3, 4, 5]);
    assert!(read(DEVICE_ALLTAG).devices.iter().all(|device| device.only_tag));

    let reply = read(DEVICE_1);
    let device = &reply.devices[0];
    assert_eq!(device.mac.as_deref(), Some("00AA11BB0001"));
    assert_eq!(device.buttons[2].mode, "MONITOR_RING");
    let lines: Vec<_> = device.appearances.iter().map(|line| (line.button, line.dn, line.number.as_str())).collect();
    assert_eq!(lines, [(1, Some(1), "201"), (2, Some(4), "204"), (3, Some(8), "208")]);
    assert_eq!(device.status, DeviceStatus::Registered);
    assert_eq!((device.logout_profile, device.user_profile), (Some(0), Some(0)));
    assert_eq!(device.address.as_deref(), Some("192.0.2.21"));
    assert_eq!(device.description.as_deref(), Some("Anna desk"));
    assert!(!format!("{reply:?}").contains("not-for-logs"));

    let device = &read(DEVICE_4).devices[0];
    assert_eq!((device.status.clone(), device.address.clone()), (DeviceStatus::Unregistered, None));
    assert_eq!(device.last_status, Some(DeviceStatus::Deceased));
    assert_eq!(read(DEVICE_3_IN).devices[0].user_profile, Some(1));
    assert_eq!(read(DEVICE_ALL).devices.len(), 5);

    let extension = &read(EXTENSION_4).extensions[0];
    assert_eq!((extension.id, extension.number.as_str()), (4, "204"));
    assert_eq!((extension.cti_watch, extension.cti_notify), (Some(false), Some(false)));
    assert_eq!((extension.template, extension.devices.clone()), (Some(15), vec![1, 2]));
    assert_eq!((extension.name.as_deref(), extension.forward_all.clone()), (Some("Front Desk"), None));
    assert!(read(EXTENSION_5).extensions[0].devices.is_empty());
    assert_eq!(read(EXTENSION_7).extensions[0].up, Some(false));

    let template = &read(TEMPLATE_15).templates[0];
    assert_eq!((template.id, template.cti_watch, template.cti_notify), (15, Some(true), Some(true)));

    let reply = read(PROFILE_ALL);
    let profile = &reply.user_profiles[0];
    assert_eq!((profile.user.as_str(), profile.phone), ("eli", None));
    assert_eq!(profile.numbers.iter().map(|own| own.number.as_str()).collect::<Vec<_>>(), ["205", "203"]);
    assert!(!format!("{reply:?}").contains("4711") && !format!("{reply:?}").contains("not-for-logs"));
    assert_eq!(read(PROFILE_IN).user_profiles[0].phone, Some(3));

    let user = read(USER).user.unwrap();
    assert_eq!((user.kind, user.tag), (UserType::UserProfile, 1));
    let server = &read(SESSION_SERVER).session_servers[0];
    assert_eq!((server.id, server.register_id.as_deref(), server.keepalive_s), (2, Some("ss_ecsta"), Some(600)));
    let sip = read(SIP_GLOBAL).sip_global.unwrap();
    assert!(sip.authenticates_register());
    assert_eq!(sip.port, Some(5060));

    for text in [CLI_OK, CLI_OK_WRAPPED] {
        assert_eq!(read(text).cli.unwrap(), CliResult { failed_line: None, message: String::new() });
    }
    let failed = read(CLI_FAILED).cli.unwrap();
    assert_eq!(failed.failed_line, Some(2));
    assert_eq!(failed.message, "% Invalid input detected at '^' marker.");
    assert_eq!(read(SAVE_DELAY).save, Some(SaveResult::Delay));
    assert_eq!(read(ERROR).error.unwrap().to_string(), "response does not fit the buffer (code 1)");
}

#[test]
fn messages_of_2008_are_read() {
    let reply = read(OLD_DEVICE_1);
    assert!(!reply.container);
    let device = &reply.devices[0];
    assert_eq!((device.username.as_deref(), device.buttons.len()), (Some("anna"), 1));
    assert_eq!((device.logout_profile, device.user_profile), (None, None));
    assert!(read(OLD_EVENTS).devices.is_empty());
    let bare = "<axl><response><ISAddress>192.0.2.1</ISAddress><ISMode>ITS</ISMode><ISVersion>8.0</ISVersion>\
                <ISMaxEphone>10</ISMaxEphone></response></axl>";
    assert_eq!(read(bare).global.unwrap().version.as_deref(), Some("8.0"));
    let bare = "<response><ISMode>cme</ISMode><ISAuthMode>all</ISAuthMode></response>";
    assert!(read(bare).sip_global.unwrap().authenticates_register());
}

#[test]
fn any_wrapper_prefix_case_and_declaration_will_do() {
    let plain = read(DEVICE_1);
    let inner = element(DEVICE_1, "ISDevices");
    let lower = inner.replace("ISDev", "iSdEV").replace("ExtMapStatus", "extmapstatus");
    for text in [
        format!("\u{feff}<?xml version=\"1.0\"?>\n<response>{inner}</response>"),
        format!("\r\n  <?xml version=\"1.0\" encoding=\"UTF-8\"?><axl><response>{inner}</response></axl>"),
        format!(
            "<e:Envelope xmlns:e='x'><e:Body><axl xmlns='cisco_cme_xml_namespace'><response xsi:type='z'>{inner}</response></axl></e:Body></e:Envelope>"
        ),
        format!("<e:Envelope><e:Body><c:axl><c:response>{lower}</c:response></c:axl></e:Body></e:Envelope>"),
        format!("<response>{inner}</request>"),
        format!("<!-- hello --><response><!-- x -->{inner}<Unknown a='1'><b/></Unknown></response>"),
        inner.to_owned(),
    ] {
        assert_eq!(read(&text).devices, plain.devices, "{text}");
    }
}

#[test]
fn quirks_of_text() {
    let latin = DEVICE_1.replace("Anna desk", "J\u{1}\u{fc}rgen").chars().map(|c| c as u8).collect::<Vec<u8>>();
    let reply = Reply::read(&latin, Charset::Auto).unwrap();
    assert_eq!(reply.devices[0].description.as_deref(), Some("Jürgen"));
    let raw = GLOBAL.replace("authenticate.asp", "a.asp?x=1&y=2&amp;z=&#51;");
    assert_eq!(read(&raw).global, read(GLOBAL).global);
    let raw = DEVICE_1.replace("Anna desk", "R&D &amp; &#77;ore");
    assert_eq!(read(&raw).devices[0].description.as_deref(), Some("R&D & More"));
}

#[test]
fn records_without_a_usable_tag_are_counted_not_guessed() {
    let text = DEVICE_ALLTAG.replace("<ISDevID>3<", "<ISDevID>three<");
    let reply = read(&text);
    assert_eq!((reply.devices.len(), reply.bad_records), (4, 1));
    assert!(read("<response><ISDevices/></response>").container);
    assert!(read(EMPTY).empty);
    let dup = DEVICE_ALLTAG.replace("<ISDevID>3<", "<ISDevID>2<");
    assert_eq!(read(&dup).devices.len(), 5);
}

#[test]
fn what_is_not_an_answer_is_named() {
    assert_eq!(fault(b""), ReplyFault::Empty);
    assert_eq!(fault(b" \r\n "), ReplyFault::Empty);
    assert_eq!(fault(b"<!DOCTYPE HTML PUBLIC \"x\"><HTML><body>login</body></HTML>"), ReplyFault::Html);
    assert_eq!(fault(b"<html><head></head></html>"), ReplyFault::Html);
    assert_eq!(fault(b"<?xml version='1.0'?><html><p/></html>"), ReplyFault::Html);
    assert_eq!(fault(b"401 Unauthorized"), ReplyFault::NotCme);
    assert_eq!(fault(b"<rss><channel/></rss>"), ReplyFault::NotCme);
    assert_eq!(fault(b"<!DOCTYPE a [<!ENTITY x 'y'>]><response>&x;</response>"), ReplyFault::Doctype);
    assert_eq!(fault("<a>".repeat(65).as_bytes()), ReplyFault::TooDeep);
    assert_eq!(fault(&vec![b' '; 10 * MAX_REPLY]), ReplyFault::TooLarge);
    let soap = "<e:Envelope><e:Body><e:Fault><faultcode>c</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>";
    assert_eq!(read(soap).error.unwrap().to_string(), "no (code c)");
}

#[test]
fn a_reply_cut_at_any_byte_is_never_taken_for_whole() {
    for text in [DEVICE_ALL, EXTENSION_4, PROFILE_ALL] {
        let end = text.find("</response>").unwrap() + "</response>".len();
        for at in 0..end {
            match Reply::read(&text.as_bytes()[..at], Charset::Auto) {
                Err(ReplyFault::Cut | ReplyFault::Empty | ReplyFault::NotCme) => {}
                other => panic!("cut at {at}: {other:?}"),
            }
        }
        for at in end..text.len() {
            assert!(Reply::read(&text.as_bytes()[..at], Charset::Auto).is_ok(), "after the response, at {at}");
        }
    }
}

#[test]
fn a_dialplan_pattern_keeps_its_fields() {
    let text = "<response><ISGlobal><dialplan-pattern_list><dialplan-pattern_item><tag>1</tag>\
                <pattern>4989...</pattern><extension-length>3</extension-length></dialplan-pattern_item>\
                </dialplan-pattern_list></ISGlobal></response>";
    let global = read(text).global.unwrap();
    let pattern = &global.dialplan_patterns[0];
    assert_eq!((pattern.tag, pattern.pattern.as_str(), pattern.extension_length), (Some(1), "4989...", Some(3)));
    assert_eq!(pattern.fields.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Reply::read(&bytes, Charset::Auto);
        let _ = Reply::read(&bytes, Charset::Windows1252);
    }

    #[test]
    fn no_mutation_of_a_message_panics(
        pick in 0..CORPUS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = CORPUS[pick].1.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Reply::read(&bytes, Charset::Auto);
        let _ = crate::axl::redact(&bytes);
    }

    #[test]
    fn no_soup_of_tags_panics(text in "(<(/)?(response|ISDevice|ISDevID|a|!|[?])/?>|&|;|[0-9a]|<|>){0,60}") {
        let _ = Reply::read(text.as_bytes(), Charset::Auto);
    }
}
