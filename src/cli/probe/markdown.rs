//! The report of a field test as a page to read.

use serde_json::Value;

use super::super::output::text;

/// The report as Markdown.
pub(super) fn render(report: &Value) -> String {
    let mut page = String::from("# Field test of a CallManager Express\n\n");
    let mut fact = |name: &str, value: &str| page.push_str(&format!("- {name}: {value}\n"));
    fact("Gateway", text(report, "/gateway"));
    fact("CME", report["cme_version"].as_str().unwrap_or("not told"));
    fact("Begun", text(report, "/started_at"));
    fact("State", text(report, "/state"));
    for (key, value) in report["line"].as_object().into_iter().flatten() {
        fact(&format!("Line, {}", key.replace('_', " ")), &value.to_string());
    }
    page.push_str("\nNumbers, names and addresses are labels: `[number-1/3]` is one number of three digits.\n");
    settings(&mut page, "Learned", &report["learned"]);
    settings(&mut page, "Proposed", &report["proposals"]);
    for step in report["steps"].as_array().into_iter().flatten() {
        one_step(&mut page, step);
    }
    if let Some(lost) = report["lost_messages"].as_u64().filter(|lost| *lost > 0) {
        page.push_str(&format!("\n{lost} messages were too many to keep.\n"));
    }
    page
}

fn settings(page: &mut String, title: &str, settings: &Value) {
    let Some(settings) = settings.as_object().filter(|settings| !settings.is_empty()) else { return };
    page.push_str(&format!("\n## {title}\n\n| Setting | Value |\n| --- | --- |\n"));
    for (key, value) in settings {
        page.push_str(&format!(
            "| `{key}` | `{}` |\n",
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        ));
    }
}

fn one_step(page: &mut String, step: &Value) {
    let texts = |key: &str| step[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    page.push_str(&format!("\n## {}. {} ({})\n\n", step["number"], text(step, "/title"), text(step, "/outcome")));
    let questions = texts("questions").join(", ");
    if !questions.is_empty() {
        page.push_str(&format!("Questions: {questions}\n\n"));
    }
    for finding in texts("findings") {
        page.push_str(&format!("- {finding}\n"));
    }
    for reason in texts("reasons") {
        page.push_str(&format!("- Not run: {reason}\n"));
    }
    let messages = step["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if messages.is_empty() {
        return;
    }
    page.push_str(&format!("\n<details><summary>{} messages</summary>\n\n~~~text\n", messages.len()));
    for message in messages {
        // A fence inside a message must not end this one.
        let shown = text(message, "/text").replace("~~~", "~ ~ ~");
        page.push_str(&format!("--- {} after {} ms\n{shown}\n\n", text(message, "/direction"), message["at_ms"]));
    }
    page.push_str("~~~\n\n</details>\n");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_becomes_a_page() {
        let report = json!({
            "gateway": "0.1.0", "cme_version": null, "started_at": "2026-01-01T00:00:00.000Z", "state": "done",
            "line": {"is_mobile": false}, "learned": {"invite.from_user": "{number}"}, "proposals": {}, "lost_messages": 2,
            "steps": [
                {"number": 1, "title": "registration", "questions": ["U-5"], "outcome": "run", "reasons": [],
                 "findings": ["REGISTER is answered."], "messages": [{"at_ms": 5, "direction": "sent", "text": "REGISTER ~~~ x"}]},
                {"number": 14, "title": "quiet", "questions": [], "outcome": "not_run", "reasons": ["It takes ten minutes."],
                 "findings": [], "messages": []},
            ],
        });
        let page = render(&report);
        for part in [
            "CME: not told",
            "Line, is mobile: false",
            "| `invite.from_user` | `{number}` |",
            "## 1. registration (run)",
            "Questions: U-5",
            "--- sent after 5 ms\nREGISTER ~ ~ ~ x",
            "- Not run: It takes ten minutes.",
            "2 messages were too many",
        ] {
            assert!(page.contains(part), "{part} not in {page}");
        }
        assert!(!page.contains("## Proposed"));
    }
}
