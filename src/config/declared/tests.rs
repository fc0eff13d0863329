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
