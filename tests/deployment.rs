//! What is shipped beside the program fits the program: the dashboard and the alert rules, the unit, the containers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn file(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Names of metrics in a text, without what Prometheus appends to a histogram.
fn names(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("linegate_") {
        let name: &str = text[at..].split(|c| !is_word(c)).next().unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        found.insert(name.to_owned());
    }
    found
}

/// Every metric that the program counts.
fn counted() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut found = BTreeSet::new();
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        // The last one is what is written out by hand.
        for macro_name in ["metrics::counter!(", "metrics::gauge!(", "metrics::histogram!(", "# TYPE "] {
            for (at, _) in text.match_indices(macro_name) {
                let rest = text[at + macro_name.len()..].trim_start();
                found.extend(names(rest.split([',', ')', ' ']).next().unwrap()));
            }
        }
    }
    found
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = file("config/grafana/linegate.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids of panels are unique");
    assert_eq!(names(&text), counted());
}

#[test]
fn alerts_and_papers_name_metrics_that_exist() {
    let counted = counted();
    let rules = names(&file("config/alerts/linegate.rules.yml"));
    assert!(!rules.is_empty() && rules.is_subset(&counted), "{:?}", rules.difference(&counted));
    let papers = names(&file("docs/operations.md"));
    assert_eq!(papers, counted, "the table of docs/operations.md");
}

#[test]
fn the_alert_rules_are_yaml_with_words_for_people() {
    let rules: serde_json::Value = serde_saphyr::from_str(&file("config/alerts/linegate.rules.yml")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        for field in ["/expr", "/labels/severity", "/annotations/summary", "/annotations/description"] {
            assert!(
                rule.pointer(field).and_then(|text| text.as_str()).is_some_and(|text| !text.is_empty()),
                "{name}{field}"
            );
        }
    }
}

/// A long poll that waits as it was asked to is no slow gateway.
#[test]
fn the_alert_of_slow_requests_leaves_out_what_waits_by_its_nature() {
    let rules = file("config/alerts/linegate.rules.yml");
    let left_out = rules.split("route!~\"").nth(1).unwrap().split('"').next().unwrap();
    let left_out = regex::Regex::new(&format!("^(?:{left_out})$")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&file("openapi/openapi.json")).unwrap();
    let paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for end in
        ["/events", "/support-bundle", "/doctor", "/load-lines", "/locate", "/csta-config/apply", "/probe/continue"]
    {
        let path = paths.iter().find(|path| path.ends_with(end)).unwrap();
        assert!(left_out.is_match(path), "{path}");
    }
    for path in ["/api/v1/lines/{line}/calls", "/api/v1/calls", "/api/v1/snapshot", "/api/v1/calls/{call}/answer"] {
        assert!(paths.contains(&path) && !left_out.is_match(path), "{path}");
    }
}

#[test]
fn the_containers_write_nothing_but_their_data_and_are_not_root() {
    let dockerfile = file("docker/Dockerfile");
    let last = dockerfile.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch"), "the image is nothing but the program");
    assert!(last.contains("USER 65532:65532") && last.contains("HEALTHCHECK"));
    for compose in ["docker/compose.yaml", "docker/compose.demo.yaml"] {
        let compose: serde_json::Value = serde_saphyr::from_str(&file(compose)).unwrap();
        let base = &compose["x-linegate"];
        assert_eq!((&base["read_only"], &base["cap_drop"][0]), (&true.into(), &"ALL".into()));
        for service in compose["services"].as_object().unwrap().values() {
            let is_like_base = service["<<"]["read_only"] == true || service["read_only"] == true;
            assert!(is_like_base, "{service}");
        }
    }
}
