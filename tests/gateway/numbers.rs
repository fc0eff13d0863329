//! Numbers between the router, the rules and those who dial: each form where it belongs.

use std::process::Command;

use cme_twin::{TrunkAction, TwinConfig};
use linegate::client::ClientError;
use serde_json::{Value, json};

use crate::kit::{Gateway, House, refused, text};

fn munich() -> Value {
    json!({"location": {"enabled": true, "country_code": "49", "area_code": "89", "prefix": "1234"},
           "internal_numbers": [{"from": "200", "to": "299"}], "emergency_numbers": ["112", "110"]})
}

impl House {
    fn rules(&self) -> String {
        format!("/pbxs/{}/number-rules", self.pbx)
    }

    async fn put_rules(&self, query: &str, rules: Value) -> Result<Value, ClientError> {
        self.client().put_again(&self.rules(), query, &rules).await
    }

    async fn would_dial(&self, to: &str) -> Value {
        let line = self.line_id("201").await;
        let path = format!("/lines/{line}/calls?dry_run=true");
        self.client().post(&path, &json!({"to": to})).await.unwrap_or_else(|error| panic!("{to}: {error}"))
    }
}

fn regex(search: &str, replace: &str) -> Value {
    json!({"match": "regex", "search": search, "replace": replace})
}

/// Number, raw number and E.164 of a party.
fn forms<'a>(call: &'a Value, party: &str) -> [&'a Value; 3] {
    ["number", "raw", "e164"].map(|form| &call[party][form])
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_location_a_crm_dials_canonical_numbers_and_sees_them() {
    let mut house = House::with(TwinConfig::default(), munich()).await;
    assert_eq!(text(&house.line("202").await, "/display_number"), "+49(89)1234-202");
    let call = house.dial("201", "+49(89)1234-202").await;
    assert_eq!(forms(&call, "called"), ["+49(89)1234-202", "202", "+49891234202"]);
    assert_eq!(forms(&call, "caller"), ["+49(89)1234-201", "201", "+49891234201"]);
    assert_eq!(call["internal"], true);
    let ringing = house.until_call("202", "offering").await;
    assert_eq!(forms(&ringing, "caller"), ["+49(89)1234-201", "201", "+49891234201"]);
    house.act(&ringing, "answer").await.unwrap();
    let talking = house.until_call("201", "connected").await;
    assert_eq!(text(&talking, "/connected/number"), "+49(89)1234-202");
    house.act(&talking, "drop").await.unwrap();
    house.until_ended(&call).await;

    // Somebody outside: what is dialled before the number is ours to know.
    let call = house.dial("201", "+49 30 1234567").await;
    assert_eq!(forms(&call, "called"), ["00301234567", "00301234567", "+49301234567"]);
    assert_eq!(call["internal"], false);
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    let gcid = house.twin.call_in("0301234567", "202").await.unwrap().gcid;
    let ringing = house.until_call("202", "offering").await;
    assert_eq!(forms(&ringing, "caller"), ["0301234567", "0301234567", "+49301234567"]);
    assert_eq!(forms(&ringing, "called"), ["+49(89)1234-202", "202", "+49891234202"]);
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&ringing).await;

    for (to, dials, internal) in [
        ("+49 89 1234-299", "299", true),
        ("tel:+49-89-1234-208", "208", true),
        ("+44 1632 960000", "000441632960000", false),
        ("0 30 / 123", "030123", false),
    ] {
        let plan = house.would_dial(to).await;
        assert_eq!((text(&plan, "/dials"), &plan["internal"], &plan["rule"]), (dials, &json!(internal), &Value::Null));
    }
    // Off again: every line says so.
    house.client().patch(&format!("/pbxs/{}", house.pbx), &json!({"location": {"enabled": false}})).await.unwrap();
    house.until_line("202", "is shown as it is", |line| line["display_number"] == "202").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_change_what_is_shown_also_while_a_call_lives_and_after_a_restart() {
    let mut house = House::open().await;
    let rules = json!({"incoming": [regex("^0(.*)", "\\1"), regex("^[0-9][0-9][0-9]$", "")], "outgoing": [regex("^2(..)$", "+49 2-\\1")]});
    let written = house.put_rules("", rules).await.unwrap();
    assert_eq!((written["version"].as_i64(), text(&written, "/updated_by")), (Some(1), "admin"));
    let told = house.stream.find("the rules are told", |event| event["event"] == "number_rules.updated").await;
    assert_eq!((&told["changed"], &told["data"]), (&json!(["incoming", "outgoing"]), &written));
    house.twin.call_in("0301234567", "202").await.unwrap();
    let ringing = house.until_call("202", "offering").await;
    assert_eq!(forms(&ringing, "caller")[..2], ["301234567", "0301234567"]);
    // A hidden number is empty, not unknown.
    assert_eq!(forms(&ringing, "called"), [&json!(""), &json!("202"), &Value::Null]);
    assert_eq!(text(&ringing, "/called/presentation"), "available");

    let other = json!({"incoming": [{"match": "text", "search": "0301234567", "replace": "Berlin"}]});
    house.put_rules("", other.clone()).await.unwrap();
    let shown = house.calls("202").await;
    assert_eq!(forms(&shown[0], "caller")[..2], ["Berlin", "0301234567"]);
    assert_eq!(forms(&shown[0], "called")[..2], ["202", "202"]);
    house
        .stream
        .find("the call is told anew", |event| {
            event["event"] == "call.updated" && event["changed"] == json!(["caller", "called"])
        })
        .await;
    // The same again is no change.
    assert_eq!(house.put_rules("", other).await.unwrap()["version"], 2);

    let House { twin, gateway, pbx, .. } = house;
    let data = gateway.stop().await;
    let gateway = Gateway::on(data).await;
    let rules = gateway.client.get(&format!("/pbxs/{pbx}/number-rules")).await.unwrap();
    assert_eq!((&rules["version"], text(&rules, "/incoming/0/replace")), (&json!(2), "Berlin"));
    let calls = gateway.client.list("/calls").await.unwrap();
    assert_eq!(forms(&calls[0], "caller")[..2], ["Berlin", "0301234567"]);
    gateway.stop().await;
    drop(twin);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dialled_goes_through_the_dialing_rules() {
    let mut house = House::open().await;
    let rules = json!({"dialing": [regex("^9(2..)$", "\\1"), regex("^666", ""), regex("^667", "x")]});
    house.put_rules("", rules).await.unwrap();
    let call = house.dial("201", "9-202").await;
    assert_eq!((text(&call, "/called/raw"), &call["internal"]), ("202", &json!(true)));
    house.until_call("202", "offering").await;
    assert_eq!(house.would_dial("9 202").await, json!({"dials": "202", "internal": true, "rule": 0}));
    for to in ["6661", "6671"] {
        let line = house.line_id("208").await;
        let answer = house.client().post(&format!("/lines/{line}/calls"), &json!({"to": to})).await;
        let (status, problem) = refused(answer);
        assert_eq!(
            (status, text(&problem, "/code"), text(&problem, "/errors/0/pointer")),
            (422, "invalid_number", "/to")
        );
        let path = format!("/lines/{line}/calls?dry_run=true");
        assert_eq!(refused(house.client().post(&path, &json!({"to": to})).await).0, 422);
    }
    // The other operations that take a number dial the same way.
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    let ringing = {
        house.twin.call_in("0301234567", "201").await.unwrap();
        house.until_call("201", "offering").await
    };
    let path = format!("/calls/{}/redirect", text(&ringing, "/id"));
    house.client().post(&path, &json!({"to": "9202"})).await.unwrap();
    let sent = house.until_call("202", "offering").await;
    house.client().post(&format!("/calls/{}/answer", text(&sent, "/id")), &json!({})).await.unwrap();
    house.until_call("202", "connected").await;
    house.twin.hang_up("202").await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_with_which_a_rule_blocks_an_emergency_number_are_refused() {
    let house = House::with(TwinConfig::default(), json!({})).await;
    house.put_rules("", json!({"dialing": [regex("^(11.)$", "5\\1")]})).await.unwrap();
    let path = format!("/pbxs/{}", house.pbx);
    let wanted = json!({"emergency_numbers": ["112"]});
    let (status, problem) = refused(house.client().patch(&path, &wanted).await);
    assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, "/emergency_numbers"), "{problem}");
    assert!(
        text(&problem, "/detail").contains("112") && text(&problem, "/hint").contains("dialing rule 0"),
        "{problem}"
    );
    assert_eq!(house.client().get(&path).await.unwrap()["emergency_numbers"], json!([]), "nothing was changed");
    let forced = house.client().patch(&format!("{path}?force=true"), &wanted).await.unwrap();
    assert_eq!(forced["emergency_numbers"], json!(["112"]));
    // What was forced is not asked again with every change; what is new is.
    house.client().patch(&path, &json!({"location": {"outside_line": "9"}})).await.unwrap();
    let more = json!({"emergency_numbers": ["112", "110"]});
    assert_eq!(refused(house.client().patch(&path, &more).await).0, 422);
    house.client().patch(&path, &json!({"emergency_numbers": ["112", "911"]})).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_would_do_harm_are_refused_and_everything_can_be_taken_back() {
    let mut house = House::with(TwinConfig::default(), munich()).await;
    let path = house.rules();
    // A PUT without a condition is refused.
    let (status, problem) = refused(house.client().put(&path, &json!({})).await);
    assert_eq!((status, text(&problem, "/code")), (428, "precondition_required"));
    for (rules, pointer, part) in [
        (json!({"incoming": [regex("^1", ""), regex("^0(.*", "\\1")]}), "/incoming/1/search", "character 3"),
        (json!({"outgoing": [regex("^0", "\\1")]}), "/outgoing/0/replace", "parentheses"),
        (json!({"dialing": [regex("^(11.)$", "5\\1")]}), "/dialing/0", "112"),
        (json!({"dialing": [regex("^1", "")]}), "/dialing/0", "110"),
        (
            json!({"incoming": [regex("^0(.*)", "\\1")], "samples": [{"direction": "incoming", "input": "030", "expect": "030"}]}),
            "/samples/0/expect",
            "“30”",
        ),
        (json!({"incoming": [{"search": "1", "colour": 1}]}), "/incoming/0/colour", "no such field"),
        (json!({"incoming": [{"match": "glob", "search": "1"}]}), "/incoming/0/match", "glob"),
        (json!({"incoming": [{"replace": "1"}]}), "/incoming/0/search", "needed"),
        (json!({"incoming": [["regex", "1", "2"]]}), "/incoming/0", "object"),
        (json!({"inbound": []}), "/inbound", "no such field"),
    ] {
        let (status, problem) = refused(house.put_rules("", rules).await);
        assert_eq!(status, 422, "{problem}");
        let told = problem["errors"].as_array().unwrap();
        assert!(
            told.iter().any(|one| text(one, "/pointer") == pointer && text(one, "/detail").contains(part)),
            "{pointer}: {problem}"
        );
        assert!(!text(&problem, "/hint").is_empty());
    }
    assert_eq!(house.client().get(&path).await.unwrap()["version"], 0);

    // A sample that is right, and a rule that is forced.
    let good = json!({"incoming": [regex("^0(.*)", "\\1"), regex("^00", "")],
                      "samples": [{"direction": "incoming", "input": "0301234", "expect": "301234"}]});
    let written = house.put_rules("", good).await.unwrap();
    let kinds: Vec<_> = written["findings"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["by"])).collect();
    assert_eq!(kinds, [(&json!("shadowed"), &json!(0))]);
    let harm = json!({"dialing": [regex("^1", "")]});
    let forced = house.put_rules("?force=true", harm.clone()).await.unwrap();
    let findings = forced["findings"].as_array().unwrap();
    assert_eq!(findings.iter().filter(|one| one["kind"] == "emergency").count(), 2, "{findings:?}");
    // What a GET shows may be sent back.
    assert_eq!(house.put_rules("?force=true", forced).await.unwrap()["version"], 2);
    assert_eq!(house.put_rules("?dry_run=true", json!({})).await.unwrap()["incoming"], json!([]));

    let undone = house.client().post(&format!("{path}/undo"), &json!({})).await.unwrap();
    assert_eq!((&undone["version"], text(&undone, "/samples/0/expect")), (&json!(3), "301234"));
    let none = house.client().post(&format!("{path}/undo"), &json!({"version": 0})).await.unwrap();
    assert_eq!((&none["version"], &none["incoming"]), (&json!(4), &json!([])));
    assert_eq!(refused(house.client().post(&format!("{path}/undo"), &json!({"version": 2})).await).0, 422);
    assert_eq!(refused(house.client().post(&format!("{path}/undo"), &json!({"version": 17})).await).0, 422);
    let versions = house.client().list(&format!("{path}/versions?")).await;
    assert_eq!(refused(versions.map(Value::Array)).0, 422, "it has no pages");
    let versions = house.client().get(&format!("{path}/versions")).await.unwrap();
    let numbers: Vec<_> = versions["items"].as_array().unwrap().iter().map(|one| one["version"].as_i64()).collect();
    assert_eq!(numbers, [Some(4), Some(3), Some(2), Some(1)]);
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_followed_through_stored_rules_and_through_others() {
    let house = House::with(TwinConfig::default(), munich()).await;
    let rules =
        json!({"incoming": [{"match": "text", "search": "110", "replace": ""}, regex("^0(30)(.*)", "\\1-\\2")]});
    house.put_rules("", rules).await.unwrap();
    let path = format!("{}/test", house.rules());
    let test = async |body: Value| house.client().post(&path, &body).await;
    let told = test(json!({"direction": "incoming", "number": "0301234567"})).await.unwrap();
    assert_eq!(
        (text(&told, "/output"), &told["matched"], &told["groups"]),
        ("30-1234567", &json!(1), &json!(["30", "1234567"]))
    );
    assert_eq!(told["steps"][0], json!({"rule": 0, "matched": false, "why": "The number is not “110”."}));
    assert_eq!(told["steps"][1]["matched"], true);
    let told = test(json!({"direction": "incoming", "number": "202"})).await.unwrap();
    assert_eq!((text(&told, "/output"), &told["matched"]), ("202", &Value::Null));
    assert_eq!((text(&told, "/shown"), text(&told, "/e164")), ("+49(89)1234-202", "+49891234202"));
    assert!(text(&told, "/steps/1/why").contains("does not fit"), "{told}");
    let told = test(json!({"direction": "dialing", "number": "+49 (30) 12 34 56"})).await.unwrap();
    assert_eq!((text(&told, "/output"), text(&told, "/dials")), ("+4930123456", "0030123456"));
    let other = json!({"dialing": [regex("^\\+49(.*)", "0\\1")]});
    let told = test(json!({"direction": "dialing", "number": "+49 30 1", "rules": other})).await.unwrap();
    assert_eq!((text(&told, "/output"), text(&told, "/dials")), ("0301", "0301"));
    for (body, pointer) in [
        (json!({"direction": "incoming"}), "/number"),
        (json!({"direction": "incoming", "number": ""}), "/number"),
        (json!({"direction": "dialing", "number": "anna"}), "/number"),
        (json!({"direction": "sideways", "number": "1"}), "/direction"),
        (
            json!({"direction": "incoming", "number": "1", "rules": {"incoming": [regex("(", "")]}}),
            "/rules/incoming/0/search",
        ),
        (json!({"direction": "incoming", "number": "1", "rules": {"inward": []}}), "/rules/inward"),
    ] {
        let (status, problem) = refused(test(body.clone()).await);
        assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, pointer), "{body}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_imported_from_text_by_the_command_line() {
    let house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.txt");
    let linegate = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_linegate"))
            .arg("rules")
            .args(args)
            .env("LINEGATE_URL", house.client().address())
            .env("LINEGATE_TOKEN", "a-token-of-the-scenarios")
            .output()
            .unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.success(), said(&out.stdout), said(&out.stderr))
    };
    std::fs::write(&file, "[incoming]\n^0(.*);\\1;takes the 0 off\n^00;\n[dialing]\n8\t0\ttext is literal\ttext\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let (good, out, err) = linegate(&["import", file]);
    assert!(good && out.contains("takes the 0 off") && err.contains("never reached"), "{out}{err}");
    let (good, out, _) = linegate(&["test", "0301234"]);
    assert!(good && out.contains("0301234 becomes 301234, by rule 0"), "{out}");
    let (_, out, _) = linegate(&["test", "8", "--list", "dialing"]);
    assert!(out.contains("8 becomes 0") && out.contains("the PBX gets 0"), "{out}");
    let (_, exported, _) = linegate(&["export"]);
    std::fs::write(file, &exported).unwrap();
    let (good, _, _) = linegate(&["import", file]);
    assert!(good);
    assert_eq!(linegate(&["export"]).1, exported);
    // A wrong line is named, and nothing is changed.
    std::fs::write(file, "[incoming]\n^1;\n^0(;\n").unwrap();
    let (good, _, err) = linegate(&["import", file]);
    assert!(!good && err.contains("line 3") && err.contains("unclosed"), "{err}");
    let (_, out, _) = linegate(&["versions"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    let (good, out, _) = linegate(&["undo", "--to", "0"]);
    assert!(good && out.lines().count() == 1, "{out}");
    let (_, out, _) = linegate(&["list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["version"], 2);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_samples_are_replaced_from_json_by_the_command_line() {
    let house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.json");
    let linegate = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.arg("rules").args(args).arg("--json");
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        let out = command.output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.success(), said(&out.stdout), said(&out.stderr))
    };
    let path = file.to_str().unwrap();
    let mut rules = json!({
        "incoming": [regex("^0(.*)", "\\1")],
        "samples": [{"direction": "incoming", "input": "0301", "expect": "301"}],
    });
    std::fs::write(&file, rules.to_string()).unwrap();
    let (good, out, err) = linegate(&["replace", path, "--dry-run"]);
    assert!(good && out.contains("0301"), "{out}{err}");
    assert_eq!(house.client().get(&house.rules()).await.unwrap()["version"], 0, "a dry run changes nothing");
    assert!(linegate(&["replace", path]).0);
    // What is listed can be given back.
    let (_, listed, _) = linegate(&["list"]);
    std::fs::write(&file, &listed).unwrap();
    let (good, again, err) = linegate(&["replace", path]);
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(good, "{err}");
    assert_eq!(
        (&value(&again)["incoming"], &value(&again)["samples"]),
        (&value(&listed)["incoming"], &value(&listed)["samples"])
    );
    // A sample that does not come out is named with what to do, and nothing is changed.
    rules["samples"][0]["expect"] = json!("0301");
    std::fs::write(&file, rules.to_string()).unwrap();
    let (good, _, err) = linegate(&["replace", path]);
    assert!(!good && err.contains("0301") && err.contains("force"), "{err}");
    std::fs::write(&file, "no json").unwrap();
    let (good, _, err) = linegate(&["replace", path]);
    assert!(!good && err.contains("is no JSON"), "{err}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_rules_costs_a_bounded_time() {
    let house = House::open().await;
    let heavy = vec![regex("([0-9]{1,25}){1,25}x", ""); 1200];
    let rules = json!({"incoming": heavy, "outgoing": heavy, "dialing": heavy});
    let path = format!("{}/test", house.rules());
    let body = json!({"direction": "incoming", "number": "0301", "rules": rules});
    let began = std::time::Instant::now();
    let (status, problem) = refused(house.client().post(&path, &body).await);
    assert_eq!(status, 422, "{problem}");
    // How far it comes in its time is the machine's.
    for error in problem["errors"].as_array().unwrap() {
        let detail = text(error, "/detail");
        assert!(detail.contains("fewer of them") || detail.contains("too large together"), "{error}");
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    // Others go on meanwhile, and the next one has its turn.
    let light = json!({"direction": "incoming", "number": "0301", "rules": {"incoming": [regex("^0(.*)", "\\1")]}});
    assert_eq!(house.client().post(&path, &light).await.unwrap()["output"], "301");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_help_is_no_call_to_a_colleague() {
    let mut settings = munich();
    settings["internal_numbers"] = json!([{"from": "100", "to": "799"}]);
    let mut house = House::with(TwinConfig::default(), settings).await;
    let dry = house.would_dial("112").await;
    assert_eq!((text(&dry, "/dials"), &dry["internal"]), ("112", &json!(false)), "{dry}");
    let call = house.dial("201", "112").await;
    assert_eq!(
        (&call["internal"], forms(&call, "called")),
        (&json!(false), [&json!("112"), &json!("112"), &Value::Null])
    );
    let ended = house.until_ended(&call).await;
    assert_eq!(
        (&ended["internal"], forms(&ended, "called")),
        (&json!(false), [&json!("112"), &json!("112"), &Value::Null])
    );
    for (to, code) in [("+49", 422), ("+0", 422), ("+49 (0)89 1234-201", 0)] {
        let path = format!("/lines/{}/calls?dry_run=true", house.line_id("201").await);
        match house.client().post(&path, &json!({"to": to})).await {
            Ok(dry) => assert_eq!((code, text(&dry, "/dials")), (0, "201"), "{to}"),
            Err(ClientError::Refused { status, problem }) => {
                assert_eq!((status, text(&problem, "/code")), (code, "invalid_number"), "{to}: {problem}");
            }
            Err(error) => panic!("{to}: {error}"),
        }
    }
    house.close().await;
}
