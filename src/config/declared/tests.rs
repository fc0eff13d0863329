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
