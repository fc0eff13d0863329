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
    let door = house.line("290").await;
    assert_eq!((text(&door, "/display_number"), text(&door, "/device_id")), ("+49(89)1234-290", "000000000290"));
    for (list, part) in
        [("291;A;;\n+49 89 1234 291;B;;\n", "Line 1 has this number"), ("+49(30)1234-291;A;;\n", "+49(89)1234-")]
    {
        let (status, problem) = refused(house.import("text/plain", false, list).await);
        assert!(status == 422 && text(&problem, "/errors/0/detail").contains(part), "{problem}");
    }
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
