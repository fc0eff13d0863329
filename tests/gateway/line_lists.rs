//! Lists of lines: out of the gateway, into another, all or nothing.

use cme_twin::TwinConfig;
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

/// The system of the XML dossier, section 14.1.
pub(crate) const ROWS: &str = "201;Anna Berg;00AA11BB0001;204\n202;Ben Cole;00AA11BB0002;204\n205;Eli Frank;;203\n\
                    207;Gus Hart;00AA11BB0004;\n208;Ida Jung;00AA11BB0005;203\n";

impl House {
    pub(crate) async fn exported(&self) -> String {
        self.client().text(&format!("/lines/export?pbx={}", self.pbx), "text/plain").await.unwrap()
    }

    async fn import(&self, form: &str, dry_run: bool, list: &str) -> Result<Value, linegate::client::ClientError> {
        let path = format!("/lines/import?pbx={}&dry_run={dry_run}", self.pbx);
        self.client().post_bytes(&path, form, list.as_bytes().to_vec()).await
    }
}

/// A PBX whose XML API is off: it knows no lines by itself.
async fn without_xml() -> House {
    let config = TwinConfig::default();
    let (user, password) = (config.system.xml_user.clone(), config.system.xml_password.clone());
    let patch = json!({"axl": {"username": "", "password": ""}, "sip": {"username": user, "password": password}});
    let mut house = House::unsettled(config, patch).await;
    house.until_pbx("its link is up", |status| status["sip"]["state"] == "registered").await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_gateway_exports_another_imports_unchanged() {
    let house = House::open().await;
    assert_eq!(house.exported().await, ROWS);
    // Its own list changes nothing.
    let same = house.import("text/plain", false, ROWS).await.unwrap();
    assert_eq!(same, json!({"added": [], "changed": [], "unchanged": 5}));
    let csv = house.client().text("/lines/export", "text/csv").await.unwrap();
    let list = house.client().get("/lines/export").await.err();
    assert!(list.is_some(), "text is no JSON");
    let listed: Value =
        serde_json::from_str(&house.client().text("/lines/export", "application/json").await.unwrap()).unwrap();
    house.close().await;
    for (form, text) in [("text/plain", ROWS), ("text/csv", &csv), ("application/json", &listed.to_string())] {
        let mut empty = without_xml().await;
        let seen = empty.import(form, true, text).await.unwrap();
        assert_eq!((seen["added"].as_array().unwrap().len(), empty.lines().await.len()), (5, 0), "{form}");
        empty.import(form, false, text).await.unwrap();
        assert_eq!(empty.exported().await, ROWS, "{form}");
        assert!(empty.lines().await.iter().all(|line| line["source"] == "import"));
        empty.until_line("201", "it is monitored", |line| line["monitor"]["state"] == "active").await;
        empty.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_mistakes_changes_nothing_and_names_each() {
    let house = House::open().await;
    let list = "201;Anna B.;00AA11BB0001;204\n\n300;New;;\n30x;Bad;;\n301;Bad;zz;\n300;Again;;\n202;Ben Cole;00AA11BB0002;999\n";
    let (status, problem) = refused(house.import("text/plain", false, list).await);
    let lines: Vec<u64> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!((status, lines), (422, vec![4, 5, 6, 7]), "{problem}");
    assert_eq!(house.exported().await, ROWS);
    let (status, problem) = refused(house.import("text/plain", false, ";no number;;").await);
    assert_eq!((status, problem["errors"][0]["line"].as_u64()), (422, Some(1)));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_person_gave_survives_the_next_load() {
    let house = House::open().await;
    let changed = house.import("text/plain", false, "201;The Boss;00AA11BB0001;204\n").await.unwrap();
    assert_eq!(text(&changed, "/changed/0/fields/0"), "name");
    let load = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(load["unchanged"], 5);
    assert_eq!(text(&house.line("201").await, "/name"), "The Boss");
    // Given back, it is the router's again.
    let line = house.line_id("201").await;
    house.client().patch(&format!("/lines/{line}"), &json!({"name": null})).await.unwrap();
    house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(text(&house.line("201").await, "/name"), "Anna Berg");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_may_be_written_in_full_and_are_one_line_in_every_form() {
    let location = json!({"location": {"enabled": true, "country_code": "49", "area_code": "89", "prefix": "1234"}});
    let house = House::with(TwinConfig::default(), location).await;
    let list = "+49(89)1234-201;Anna Berg;SEP00AA11BB0001;+49 89 1234-204\n+49(89)1234-290;Door;0000-0000-0290;\n";
    let done = house.import("text/plain", false, list).await.unwrap();
    assert_eq!((text(&done, "/added/0/number"), done["unchanged"].as_u64()), ("290", Some(1)), "{done}");
    // A list without a name names nobody: the router's name stays, and stays the router's.
    let done = house.import("text/plain", false, "201;;00AA11BB0001;204\n290;;000000000290;\n").await.unwrap();
    assert_eq!(done["unchanged"], 2, "{done}");
    let anna = house.line("201").await;
    assert_eq!((text(&anna, "/name"), &anna["has_own_name"]), ("Anna Berg", &json!(false)));
    let door = house.line("290").await;
    assert_eq!(text(&door, "/name"), "Door");
    assert_eq!((text(&door, "/display_number"), text(&door, "/device_id")), ("+49(89)1234-290", "000000000290"));
    for (list, part) in
        [("291;A;;\n+49 89 1234 291;B;;\n", "Line 1 has this number"), ("+49(30)1234-291;A;;\n", "+49(89)1234-")]
    {
        let (status, problem) = refused(house.import("text/plain", false, list).await);
        assert!(status == 422 && text(&problem, "/errors/0/detail").contains(part), "{problem}");
    }
    // A number stands once on a line, in whatever form.
    let twice = json!({"pbx_id": house.pbx, "number": "295", "buttons": ["+49891234296", "296", "295"]});
    let (status, problem) = refused(house.client().post("/lines", &twice).await);
    assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, "/buttons/1"), "{problem}");
    let path = format!("/lines/{}", text(&door, "/id"));
    for (patch, pointer) in [
        (json!({"buttons": ["+49 89 1234-290"]}), "/buttons/0"),
        (json!({"number": "293", "buttons": ["293"]}), "/buttons/0"),
    ] {
        let (status, problem) = refused(house.client().patch(&path, &patch).await);
        assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, pointer), "{problem}");
    }
    let (status, problem) = refused(house.import("text/plain", false, "295;A;;296;+49 89 1234 296\n").await);
    assert!(status == 422 && text(&problem, "/errors/0/detail").contains("once"), "{problem}");
    let new = |number: &str| json!({"pbx_id": house.pbx, "number": number, "device_id": "0000.0000.0290"});
    assert_eq!(refused(house.client().post("/lines", &new("+49891234290")).await).0, 409);
    // A person gets another number and stays the same line.
    let path = format!("/lines/{}", text(&door, "/id"));
    let moved = house.client().patch(&path, &json!({"number": "+49(89)1234-292"})).await.unwrap();
    assert_eq!((text(&moved, "/number"), &moved["id"], &moved["tapi_id"]), ("292", &door["id"], &door["tapi_id"]));
    // And is found under every form of it.
    for number in ["292", "%2B49(89)1234-292", "%2B49%2089%201234%20292", "tel:%2B49891234292"] {
        let found = house.client().list(&format!("/lines?number={number}")).await.unwrap();
        assert_eq!(found.len(), 1, "{number}");
    }
    house.client().delete(&path).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_buttons_are_left_out_where_they_are_not_wanted() {
    let bare = json!({"options": {"read_line_names": false, "read_line_buttons": false}});
    let house = House::with(TwinConfig::default(), bare).await;
    let rows = "201;;00AA11BB0001;\n202;;00AA11BB0002;\n205;;;\n207;;00AA11BB0004;\n208;;00AA11BB0005;\n";
    assert_eq!(house.exported().await, rows);
    // Wanted after all, they come with the next load.
    let wanted = json!({"options": {"read_line_names": true, "read_line_buttons": true}});
    house.client().patch(&format!("/pbxs/{}", house.pbx), &wanted).await.unwrap();
    house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(house.exported().await, ROWS);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_editor_are_read() {
    let mut house = without_xml().await;
    let list = "300;J\u{fc}rgen Gro\u{df};00-aa-11-bb-03-00;\r\n301;Zo\u{eb};00:AA:11:BB:03:01;302\r\n";
    let utf16: Vec<u8> =
        "\u{feff}".chars().chain(list.chars()).collect::<String>().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = list.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let marked = [b"\xEF\xBB\xBF", list.as_bytes()].concat();
    let path = format!("/lines/import?pbx={}", house.pbx);
    for (name, bytes) in
        [("UTF-8", list.as_bytes().to_vec()), ("UTF-8 with a mark", marked), ("UTF-16", utf16), ("Windows-1252", latin)]
    {
        let done = house.client().post_bytes(&path, "text/plain", bytes).await.unwrap();
        let count = done["added"].as_array().unwrap().len() + done["unchanged"].as_u64().unwrap() as usize;
        assert_eq!(count, 2, "{name}: {done}");
        assert_eq!(text(&house.line("300").await, "/name"), "J\u{fc}rgen Gro\u{df}", "{name}");
        assert_eq!(text(&house.line("301").await, "/device_id"), "00AA11BB0301", "{name}");
    }
    house.until_lines("they are there", |lines| lines.len() == 2).await;
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_loses_nothing_that_a_person_entered_and_a_dry_run_says_what_it_would_do() {
    let mut house = House::open().await;
    let client = house.client().clone();
    let entered = json!({"pbx_id": house.pbx, "number": "290", "name": "Door", "device_id": "0000.0000.0290"});
    client.post("/lines", &entered).await.unwrap();
    client.post("/lines", &json!({"pbx_id": house.pbx, "number": "291", "name": "Visitor"})).await.unwrap();
    let anna = house.line_id("201").await;
    client.patch(&format!("/lines/{anna}"), &json!({"labels": {"crm_user": "anna"}, "enabled": false})).await.unwrap();
    // At the router one number goes, one comes, one is renamed.
    let dn =
        cme_twin::Dn { number: "206".to_owned(), name: "New One".to_owned(), channels: 2, ..cme_twin::Dn::default() };
    house.twin.configure(|system| {
        system.dns.insert(9, dn);
        system.dns.get_mut(&2).unwrap().name = "Ben Kohl".to_owned();
        system.phones.get_mut(&4).unwrap().buttons[0].dn = 9;
        system.phones.get_mut(&5).unwrap().buttons.clear();
    });
    let load = format!("/pbxs/{}/load-lines", house.pbx);
    let seen = client.post(&load, &json!({"dry_run": true})).await.unwrap();
    let numbers =
        |list: &str| seen[list].as_array().unwrap().iter().map(|one| text(one, "/number")).collect::<Vec<_>>();
    assert_eq!((numbers("added"), numbers("removed")), (vec![], vec!["208"]), "{seen:#}");
    assert_eq!(numbers("changed"), ["202", "206"], "{seen:#}");
    assert_eq!(text(&house.line("202").await, "/name"), "Ben Cole", "only looked at");
    let done = client.post(&load, &json!({})).await.unwrap();
    assert_eq!((&done["changed"][0]["number"], &done["removed"][0]["number"]), (&json!("202"), &json!("208")));
    assert_eq!(text(&house.line("202").await, "/name"), "Ben Kohl");
    // What vanished is marked, not removed; what a person entered is as it was.
    house.until_line("208", "is missing", |line| !line["missing_since"].is_null()).await;
    for (number, name) in [("290", "Door"), ("291", "Visitor")] {
        let line = house.line(number).await;
        assert_eq!((text(&line, "/name"), &line["missing_since"]), (name, &Value::Null), "{line:#}");
    }
    let line = house.line("201").await;
    assert_eq!((&line["labels"], &line["enabled"]), (&json!({"crm_user": "anna"}), &json!(false)));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_loads_lines_and_tells_how_far_it_is() {
    let mut config = TwinConfig { system: cme_twin::System::large(40), ..TwinConfig::default() };
    (config.xml_knobs.response_size, config.xml_knobs.latency_ms) = (4, 10);
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    house.twin.configure(|system| system.dns.get_mut(&3).unwrap().name = "Gerda Neu".to_owned());
    let linegate = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(["lines", "load", "hq"]).args(args);
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        let out = command.output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (said(&out.stdout), said(&out.stderr))
    };
    let (out, told) = linegate(&["--dry-run"]);
    assert!(out.contains("changed") && out.contains("Gerda Neu"), "{out}{told}");
    assert!(told.contains("reading the phones (") && told.contains("Nothing was changed yet: 39 lines"), "{told}");
    assert_eq!(text(&house.line("1003").await, "/name"), "User 3");
    let (_, told) = linegate(&[]);
    assert!(told.contains(" of 40)") && told.contains("Done: 39 lines"), "{told}");
    assert_eq!(text(&house.line("1003").await, "/name"), "Gerda Neu");
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_lines_become_the_routers_once_it_gives_them() {
    let mut config = TwinConfig::default();
    let whole = config.system.clone();
    config.system.phones.values_mut().for_each(|phone| phone.buttons.clear());
    config.system.user_profiles.clear();
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("it is read", |status| status["axl"]["state"] == "up").await;
    let list = ROWS.replace("Ben Cole", "The Boss").replace("Gus Hart", "");
    house.import("text/plain", false, &list).await.unwrap();
    let ids = async |house: &House| {
        let lines = house.lines().await;
        let id = |line: &Value| (text(line, "/number").to_owned(), text(line, "/id").to_owned());
        lines.iter().map(id).collect::<std::collections::BTreeMap<_, _>>()
    };
    let imported = ids(&house).await;
    house.twin.configure(|system| *system = whole);
    let load = format!("/pbxs/{}/load-lines", house.pbx);
    let fields = |load: &Value, number: &str| {
        let changed = load["changed"].as_array().unwrap();
        let one = changed.iter().find(|line| line["number"] == number).unwrap_or_else(|| panic!("{number}: {load:#}"));
        one["fields"].clone()
    };
    let seen = house.client().post(&load, &json!({"dry_run": true})).await.unwrap();
    assert_eq!(text(&house.line("201").await, "/source"), "import", "only looked at");
    assert_eq!((&seen["added"], &seen["removed"]), (&json!([]), &json!([])), "{seen:#}");
    house.client().post(&load, &json!({})).await.unwrap();
    assert_eq!(ids(&house).await, imported, "they are the same lines");
    // A name that a person gave stays; without a name and where it is the same, it is the router's.
    assert_eq!(fields(&seen, "202"), json!(["source", "has_own_name"]));
    assert_eq!(fields(&seen, "207"), json!(["source", "name"]));
    for (number, source, name, has_own_name) in [
        ("201", "pbx", "Anna Berg", false),
        ("202", "pbx", "The Boss", true),
        ("205", "import", "Eli Frank", false),
        ("207", "pbx", "Gus Hart", false),
    ] {
        let line = house.line(number).await;
        assert_eq!((text(&line, "/source"), text(&line, "/name")), (source, name), "{line:#}");
        assert_eq!(line["has_own_name"], has_own_name, "{line:#}");
    }
    // From here on they follow the router.
    house.twin.configure(|system| {
        "222".clone_into(&mut system.dns.get_mut(&2).unwrap().number);
        "Gustav Hart".clone_into(&mut system.dns.get_mut(&7).unwrap().name);
        let second = system.phones[&1].buttons[1];
        system.phones.get_mut(&4).unwrap().buttons.push(second);
        system.phones.get_mut(&5).unwrap().buttons.clear();
    });
    house.client().post(&load, &json!({})).await.unwrap();
    let renumbered = house.until_line("222", "is there", |line| line["monitor"]["state"] == "active").await;
    assert_eq!((text(&renumbered, "/id"), text(&renumbered, "/name")), (imported["202"].as_str(), "The Boss"));
    let gus = house.line("207").await;
    assert_eq!((text(&gus, "/name"), text(&gus, "/addresses/1/number")), ("Gustav Hart", "204"), "{gus:#}");
    assert!(house.line("208").await["missing_since"].is_string());
    assert!(house.line("205").await["missing_since"].is_null());
    assert_eq!(house.lines().await.len(), 5);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_imports_whatever_it_exports() {
    let full = House::open().await;
    let linegate = |house: &House, args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.arg("lines").args(args);
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        let out = command.output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.success(), said(&out.stdout), said(&out.stderr))
    };
    let lists = [&["export", "--json"][..], &["export", "--csv"], &["export"]].map(|args| linegate(&full, args).1);
    full.close().await;
    let empty = without_xml().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    let path = file.to_str().unwrap();
    for list in &lists {
        std::fs::write(&file, list).unwrap();
        let (good, out, told) = linegate(&empty, &["import", "--pbx", "hq", "--dry-run", path]);
        assert!(good && out.matches("new").count() == 5, "{list}{out}{told}");
    }
    // A wrong entry is named, not the letters of the file.
    std::fs::write(&file, lists[0].replace("\"207\"", "\"20x\"")).unwrap();
    let (good, _, told) = linegate(&empty, &["import", "--pbx", "hq", path]);
    assert!(!good && told.contains("entry 4: ") && told.contains("digits"), "{told}");
    std::fs::write(&file, &lists[0]).unwrap();
    assert!(linegate(&empty, &["import", "--pbx", "hq", path]).0);
    assert_eq!(empty.exported().await, ROWS);
    empty.close_beside_lost_sessions().await;
}
