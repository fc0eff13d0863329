//! What a file of settings may say.

#![allow(clippy::unwrap_used)]

use super::*;

fn problems(text: &str) -> Vec<String> {
    Declared::parse(text, "test", false).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_is_wrong_is_named_with_its_place() {
    let found = problems(
        "[[pbx]]\nname = \"hq\"\nhost = \"http://x\"\n[pbx.axl]\npassword = \"a\"\npassword_env = \"B\"\n\
         [[pbx.line]]\nnumber = \"201\"\nbuttons = [\"204\"]\n[[pbx.line]]\nnumber = \"20x\"\n\
         [[pbx]]\nname = \"branch\"\nhost = \"192.0.2.1\"\n[pbx.number_rules]\nincoming = [{ search = \"(\" }]\n",
    );
    let has = |place: &str, part: &str| found.iter().any(|one| one.contains(place) && one.contains(part));
    assert!(has("pbx hq/axl", "once"), "{found:?}");
    assert!(has("pbx hq/host", "scheme"), "{found:?}");
    assert!(has("pbx hq/line/0/buttons", "manual"), "{found:?}");
    assert!(has("pbx hq/line/1/number", "digits"), "{found:?}");
    assert!(has("pbx branch/number_rules/incoming/0/search", "unclosed"), "{found:?}");
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_password_is_never_shown() {
    let text = "[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.1\"\n[pbx.axl]\nscheme = \"https\"\npassword = \"canary\"\n";
    let declared = Declared::parse(text, "test", false).unwrap();
    assert_eq!(declared.pbxs[0].settings.axl.port, 443);
    let plan = Plan::make(&declared, &[], Choices::default()).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert!(!format!("{declared:?}{plan:?}").contains("canary"));
}

#[test]
fn one_mistake_hides_no_other() {
    let found = problems(
        "[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.1\"\nbogus = 1\nemergency_numbers = [\"x\", 112, \"112\", \"y\"]\n\
         internal_numbers = [\"100-199\", { from = \"300\", to = \"20\" }, { from = \"1\", to = \"2\", by = 1 }]\n\
         [pbx.axl]\nport = \"x\"\npasword = \"1\"\npassword_env = \"A\"\npassword = 1\n[pbx.location]\nenabled = true\ncountry_code = \"+49\"\n\
         [[pbx.line]]\nnumber = 201\nname = 5\nbutton = [\"204\"]\n[[pbx.line]]\nname = \"A\"\nenabled = \"yes\"\n\
         [[pbx]]\nname = 5\nsip = 5\n",
    );
    let places: Vec<&str> = found.iter().map(|one| one.split(": ").nth(1).unwrap()).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "pbx 2/host",
            "pbx 2/name",
            "pbx 2/sip",
            "pbx hq/axl",
            "pbx hq/axl/pasword",
            "pbx hq/axl/port",
            "pbx hq/bogus",
            "pbx hq/emergency_numbers/0",
            "pbx hq/emergency_numbers/1",
            "pbx hq/emergency_numbers/3",
            "pbx hq/internal_numbers/0",
            "pbx hq/internal_numbers/1",
            "pbx hq/internal_numbers/2/by",
            "pbx hq/line/0/button",
            "pbx hq/line/0/name",
            "pbx hq/line/0/number",
            "pbx hq/line/1/enabled",
            "pbx hq/line/1/number",
            "pbx hq/location/country_code",
        ],
        "{found:#?}"
    );
    let of = |place: &str| found.iter().find(|one| one.contains(place)).unwrap();
    for key in ["`username`", "`password`", "`password_env`", "`password_file`"] {
        assert!(of("axl/pasword").contains(key), "{}", of("axl/pasword"));
    }
    assert!(of("/bogus").contains("`line`") && of("/bogus").contains("`location`"), "{}", of("/bogus"));
}

#[test]
fn an_entered_line_that_became_the_routers_is_as_the_file_says() {
    let text = "[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.1\"\n[[pbx.line]]\nnumber = \"201\"\ndevice_id = \"00AA11BB0001\"\n\
                source = \"manual\"\nname = \"Anna\"\n";
    let declared = Declared::parse(text, "test", false).unwrap();
    let present = |name: &str, has_own_name: bool| Present {
        id: "pbx_1".to_owned(),
        settings: declared.pbxs[0].settings.clone(),
        etag: None,
        has_axl_password: false,
        has_sip_password: false,
        rules: serde_json::json!({}),
        rules_etag: None,
        lines: vec![serde_json::json!({
            "id": "line_1", "number": "201", "device_id": "00AA11BB0001", "source": "pbx", "name": name,
            "has_own_name": has_own_name, "enabled": true, "labels": {}, "addresses": [{"number": "201"}],
        })],
    };
    for (name, has_own_name, steps) in [("Anna", false, 0), ("Anna", true, 0), ("Anna Berg", false, 1)] {
        let plan = Plan::make(&declared, &[present(name, has_own_name)], Choices::default()).unwrap();
        assert_eq!(plan.steps.len(), steps, "{name}: {:?}", plan.steps);
    }
}
