//! Gateways of other versions, and machines that get their token from one.

use std::time::Duration;

use linegate_tsp_core::tapi::{call_state, err};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::files;
use serde_json::{Value, json};

use crate::api::tsp;
use crate::control;
use crate::scenarios::basics::permanent_ids;
use crate::service::{
    PROVIDER, Service, address_of, call_info, close_call, configure, dev_status_flags, drop_call, eventually, finish,
    setup_transfer, succeed, talk, until_in_service, until_offered, until_state, wide,
};
use crate::world::{quiet, until, world};

/// What a working day needs, with whatever gateway there is.
fn a_working_day(said: &str) {
    configure(PROVIDER, |_| {});
    let service = Service::learned();
    let open = service.line("201");
    assert_eq!(address_of(open.device, 1).as_deref(), Some("204"));
    let log = std::fs::read_to_string(files::folder().join("linegate-tapi.log")).unwrap_or_default();
    assert!(log.contains(said), "the log names the release of the gateway: {said}");
    // Out, held, taken back, passed on after a question.
    let first = talk(open, "202");
    assert_eq!(call_info(first.hd).text(132), "202");
    succeed("lineHold", |r| unsafe { (tsp().hold)(r, first.hd) });
    until_state(first.ht, call_state::ONHOLD);
    succeed("lineUnhold", |r| unsafe { (tsp().unhold)(r, first.hd) });
    until_state(first.ht, call_state::CONNECTED);
    let second = setup_transfer(open, first.hd, None).expect("lineSetupTransfer");
    assert_eq!(crate::service::completed("lineSetupTransfer", second.request), 0);
    until_state(second.ht, call_state::DIALTONE);
    succeed("lineDial", |r| unsafe { (tsp().dial)(r, second.hd, wide("208").as_ptr(), 0) });
    until_state(second.ht, call_state::RINGBACK);
    control::phone("208", "answer", json!({}));
    until_state(second.ht, call_state::CONNECTED);
    let done = finish("lineCompleteTransfer", |r| unsafe {
        (tsp().complete_transfer)(r, first.hd, second.hd, 0, std::ptr::null_mut(), 1)
    });
    assert_eq!(done, 0);
    for made in [first, second] {
        until_state(made.ht, call_state::IDLE);
        close_call(made.ht);
    }
    control::phone("208", "hang-up", json!({}));
    // In, with the connection lost in the middle.
    control::phone("202", "dial", json!({"to": "201"}));
    let (ht, hd) = until_offered(open, call_state::OFFERING);
    succeed("lineAnswer", |r| unsafe { (tsp().answer)(r, hd, std::ptr::null(), 0) });
    until_state(ht, call_state::CONNECTED);
    assert_eq!(call_info(hd).text(112), "202", "the caller");
    control::ask("/cut", &json!({}));
    eventually("the loss is noticed", || dev_status_flags(open) == 0);
    until_in_service(open);
    drop_call(hd);
    until_state(ht, call_state::IDLE);
    assert_eq!(world().offers, 1, "no call came twice");
}

pub fn gateway_of_the_minor_version_before() {
    control::proxy("older");
    control::ask("/cut", &json!({}));
    a_working_day(".99");
    control::proxy("pass");
}

pub fn gateway_of_the_minor_version_after() {
    control::proxy("newer");
    control::ask("/cut", &json!({}));
    a_working_day("the gateway is release ");
    control::proxy("pass");
}

fn items(path: &str) -> Vec<Value> {
    control::gateway("GET", path, json!(null))["body"]["items"].as_array().cloned().unwrap_or_default()
}

/// The machine's own reader, as the administrator of the gateway sees it.
fn reader(name: &str) -> Option<Value> {
    items("/clients").into_iter().find(|client| client["token"] == name)
}

pub fn enrolment_gives_this_machine_a_token_of_its_own() {
    let made = control::gateway("POST", "/enrolments", json!({"name": "conformance", "uses": 1}));
    let code = made["body"]["code"].as_str().expect("a code").to_owned();
    // Installed while the gateway could not be reached: the code is kept, and not readable.
    control::proxy("refuse");
    control::ask("/cut", &json!({}));
    configure(PROVIDER, |config| config.set_enrolment(&code).unwrap());
    let stored = || std::fs::read_to_string(files::settings_of(PROVIDER)).unwrap();
    assert!(!stored().contains(&code) && Config::read(PROVIDER).unwrap().waits_for_token());
    let service = Service::start();
    let open = service.line_when_it_comes("201");
    quiet(Duration::from_millis(700));
    assert_eq!(dev_status_flags(open) & 4, 0, "not in service without a token");
    // The first contact fetches the token.
    control::proxy("pass");
    until_in_service(open);
    let config = Config::read(PROVIDER).unwrap();
    assert!(config.enrolment.is_empty() && !config.token.is_empty(), "the token has taken the place of the code");
    let name = linegate_tsp_machine::name::of_machine();
    let client = reader(&name).unwrap_or_else(|| panic!("{name} is not among the readers"));
    let made = talk(open, "202");
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    // The token is used again, not the code.
    control::ask("/cut", &json!({}));
    eventually("the loss is noticed", || dev_status_flags(open) == 0);
    until_in_service(open);
    // Revoked alone: this machine is out, and does not come back by itself.
    let token = client["token_id"].as_str().unwrap().to_owned();
    assert_eq!(control::gateway("DELETE", &format!("/tokens/{token}"), json!(null))["status"], 204);
    eventually("the line is out of service", || dev_status_flags(open) == 0);
    quiet(Duration::from_millis(1_500));
    assert!(dev_status_flags(open) == 0 && reader(&name).is_none());
    let log = std::fs::read_to_string(files::folder().join("linegate-tapi.log")).unwrap_or_default();
    let secret = linegate_tsp_machine::secret::open(&config.token).unwrap();
    assert!(log.contains("is enrolled") && !log.contains(&code) && !log.contains(&secret), "no secret in the log");
    drop(service);
    configure(PROVIDER, |_| {});
}

pub fn log_is_of_limited_size_and_holds_no_secret() {
    let folder = files::folder().join("elsewhere");
    let _ = std::fs::remove_dir_all(&folder);
    let shown = folder.display().to_string();
    // At its default level: what happens, and of whom nothing.
    configure(PROVIDER, |config| {
        config.log_level = Config::default().log_level;
        config.log_dir = Some(shown.clone());
    });
    let service = Service::learned();
    let open = service.line("201");
    let made = crate::service::call(open, "030 555 777");
    until_state(made.ht, call_state::CONNECTED);
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    drop(service);
    let read = || std::fs::read_to_string(folder.join("linegate-tapi.log")).expect("the log in its own folder");
    let text = read();
    assert!(text.contains("linked to"), "{text}");
    for secret in ["030555777", "555777", control::ports().token.as_str(), "Anna"] {
        assert!(!text.contains(secret), "{secret} in the log");
    }
    // At the loudest: every call of TAPI, and still no token; the file is put aside when it is large.
    configure(PROVIDER, |config| {
        config.log_level = "trace".to_owned();
        config.log_dir = Some(shown.clone());
    });
    let service = Service::learned();
    let open = service.line("201");
    let made = crate::service::call(open, "030 555 777");
    until_state(made.ht, call_state::CONNECTED);
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    let again = crate::service::refused("lineDrop", |r| unsafe { (tsp().drop_call)(r, made.hd, std::ptr::null(), 0) });
    assert_eq!(again, err::INVALCALLSTATE);
    // With names and texts, so that a person can read it.
    let text = read();
    for shown in [
        "TSPI_lineMakeCall(request=",
        "destination=\"030 555 777\"",
        "LINE_CALLSTATE, LINECALLSTATE_CONNECTED, mode 0x1, media 0x4)",
        "LINE_CALLSTATE, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL, media 0x4)",
        "LINE_ADDRESSSTATE, address 0, LINEADDRESSSTATE_INUSEONE|LINEADDRESSSTATE_NUMCALLS)",
        "= LINEERR_INVALCALLSTATE (0x8000001C)",
        "ASYNC_COMPLETION(",
    ] {
        assert!(text.contains(shown), "{shown} is not in the trace");
    }
    let mut count = 0;
    for _ in 0..120_000 {
        assert_eq!(unsafe { (tsp().address_count)(open.hd, &mut count) }, 0);
    }
    drop(service);
    let text = read();
    assert!(text.contains("TSPI_lineGetNumAddressIDs(") && !text.contains(&control::ports().token));
    let sizes: Vec<u64> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() == 2 && sizes.iter().all(|size| *size < 5 * 1024 * 1024), "{sizes:?}");
    configure(PROVIDER, |_| {});
    drop(Service::learned());
    let _ = std::fs::remove_dir_all(&folder);
}

/// A changed address of the gateway: what the dialog does with a running provider.
fn point_at(gateway: String) {
    let mut config = Config::read(PROVIDER).unwrap();
    config.gateway = gateway;
    config.write(PROVIDER).unwrap();
    let mut nothing = [0_u8; 4];
    // TUISPIDLL_OBJECT_PROVIDERID.
    assert_eq!(unsafe { (tsp().generic_data)(PROVIDER as usize, 3, nothing.as_mut_ptr(), 4) }, 0);
}

pub fn addresses_filters_and_other_gateways_leave_lines_what_they_are() {
    crate::service::forget_lines();
    let here = |host: &str| format!("http://{host}:{}", control::ports().gateway);
    let service = Service::ready();
    let before = permanent_ids(service.base, service.lines);
    // Another gateway, whose lines have the same numbers.
    let port = control::ask("/second", &json!({}))["port"].as_u64().unwrap();
    point_at(format!("http://127.0.0.1:{port}"));
    until("the lines of the other gateway come", |world| (world.created.len() >= 3).then_some(()));
    let gone = usize::try_from(service.lines).unwrap();
    until("those of the first one go", |world| (world.removed.len() >= gone).then_some(()));
    for device in world().created.iter().map(|made| made.1).collect::<Vec<_>>() {
        let (id, _) = permanent_ids(device, 1).remove(0);
        assert!(before.iter().all(|(known, _)| *known != id), "{id:x} was another line's: {before:x?}");
    }
    world().created.clear();
    point_at(here("127.0.0.1"));
    until("the lines of the first one come back", |world| (world.created.len() >= gone).then_some(()));
    drop(service);
    let service = Service::start();
    assert_eq!(permanent_ids(service.base, service.lines)[..gone], before, "places and numbers are as they were");
    assert_eq!(service.lines as usize, gone + 3, "those of the other gateway leave their places");
    drop(service);
    // The gateway has another address; a filter, and none again.
    for (address, filter, expected) in [
        (here("localhost"), vec![], gone + 3),
        (here("localhost"), vec!["201".to_owned()], 1),
        (here("127.0.0.1"), vec![], gone + 3),
    ] {
        let mut config = Config::read(PROVIDER).unwrap();
        (config.gateway, config.lines) = (address, filter.clone());
        config.write(PROVIDER).unwrap();
        let service = Service::start();
        assert_eq!(service.lines as usize, expected, "{filter:?}");
        assert_eq!(permanent_ids(service.base, 1)[..], before[..1]);
        service.line("201");
    }
    configure(PROVIDER, |_| {});
    crate::service::forget_lines();
}
