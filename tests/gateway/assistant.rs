//! The assistant sets a router up that has nothing of it, changes nothing twice, and takes back what it made.

use cme_twin::{Dialect, HttpFailure, SaveResult, SessionServer, TwinConfig, XmlKnobs};
use serde_json::{Value, json};

use crate::kit::{GLANCE, Gateway, House, patiently, refused, text};

/// A router on which nobody ever thought of CTI.
pub(crate) fn bare() -> TwinConfig {
    let mut config = TwinConfig::default();
    let system = &mut config.system;
    system.cti_shutdown = true;
    "srst".clone_into(&mut system.sip_mode);
    system.authenticate_register = false;
    system.registrar = None;
    system.gcid = false;
    system.session_servers.clear();
    system.templates.clear();
    for dn in system.dns.values_mut() {
        (dn.watch, dn.notify, dn.template) = (None, None, 0);
    }
    config
}

/// A router without authenticated registrations, two of whose numbers lack flags.
fn bare_numbers() -> TwinConfig {
    let mut config = TwinConfig::default();
    config.system.authenticate_register = false;
    config
}

impl House {
    async fn look(&self) -> Value {
        self.client().get(&format!("/pbxs/{}/csta-config", self.pbx)).await.unwrap()
    }

    async fn apply(&self, body: Value) -> Value {
        self.client().post(&format!("/pbxs/{}/csta-config/apply", self.pbx), &body).await.unwrap()
    }

    async fn undo(&self, body: Value) -> Value {
        self.client().post(&format!("/pbxs/{}/csta-config/undo", self.pbx), &body).await.unwrap()
    }

    async fn csta_journal(&self) -> Vec<Value> {
        let page = self.client().get(&format!("/pbxs/{}/csta-config/journal", self.pbx)).await.unwrap();
        page["items"].as_array().unwrap().clone()
    }
}

/// Block and outcome of each result.
fn outcomes(applied: &Value) -> Vec<(&str, &str)> {
    let results = applied["results"].as_array().unwrap();
    results.iter().map(|result| (text(result, "/block"), text(result, "/outcome"))).collect()
}

fn of_dn<'a>(applied: &'a Value, number: &str) -> &'a Value {
    let results = applied["results"].as_array().unwrap();
    results.iter().find(|result| result["number"] == number).unwrap_or_else(|| panic!("no {number}: {applied:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_cti_is_taken_to_all_lines_monitored_and_back() {
    let mut house = House::unsettled(bare(), json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    let found = house.look().await;
    assert_eq!(
        (&found["supported"], &found["cme_version"], &found["needs_level"]),
        (&json!(true), &json!("8.6"), &json!(15))
    );
    let planned: Vec<&str> = found["plan"].as_array().unwrap().iter().map(|step| text(step, "/block")).collect();
    assert_eq!(planned[..3], ["voice_service_voip", "voice_register_global", "session_server"]);
    assert!(found["plan"].as_array().unwrap().iter().all(|step| !text(step, "/impact").is_empty()));
    // Nothing was sent yet.
    assert!(house.twin.system().session_servers.is_empty() && house.twin.system().cti_shutdown);

    let applied = house.apply(json!({})).await;
    assert_eq!(applied["verified"], true, "{applied:#}");
    assert_eq!(applied["saved"], "success", "{applied:#}");
    assert!(outcomes(&applied).iter().all(|(_, outcome)| *outcome == "applied"), "{applied:#}");
    assert!(outcomes(&applied).iter().all(|(block, _)| *block != "authenticate"), "only when it is named");
    let system = house.twin.system();
    assert!(!system.cti_shutdown && system.gcid && !system.basic_mode && !system.authenticate_register);
    assert_eq!((system.sip_mode.as_str(), system.registrar), ("cme", Some((1800, 60))));
    let server = SessionServer { register_id: "ss_ecsta".to_owned(), keepalive: 600, cti_aware: true };
    assert_eq!(system.session_servers, [(2, server)].into());
    for number in ["201", "202", "203", "204", "205", "207", "208"] {
        let tag = system.dn_of(number).unwrap();
        assert!(system.watched(tag) && system.notified(tag), "{number}");
    }
    assert_eq!(house.twin.xml_counts().2, 1, "saved once");
    let lines = house.lines().await;
    assert!(lines.iter().all(|line| line["monitor"]["state"] == "active"), "{lines:#?}");
    // It is no empty monitor: a call is seen.
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    let call = house.calls("201").await.remove(0);
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;

    // A second run finds nothing to do.
    let found = house.look().await;
    let left: Vec<&Value> = found["plan"].as_array().unwrap().iter().filter(|step| step["optional"] == false).collect();
    assert!(left.is_empty(), "{left:#?}");
    let before = house.twin.system();
    let again = house.apply(json!({})).await;
    assert!(outcomes(&again).iter().all(|(_, outcome)| *outcome == "unchanged"), "{again:#}");
    assert_eq!(
        (&again["saved"], &again["verified"], &again["journal_id"]),
        (&json!("skipped"), &json!(true), &Value::Null)
    );
    assert_eq!(house.twin.system(), before);
    assert_eq!(house.twin.xml_counts().2, 1);

    // Back: the numbers and the session server; what is shared stays.
    let undone = house.undo(json!({})).await;
    assert_eq!((&undone["verified"], &undone["saved"]), (&json!(true), &json!("success")), "{undone:#}");
    let system = house.twin.system();
    assert!(system.session_servers.is_empty());
    assert!(system.dns.keys().all(|tag| !system.watched(*tag) && !system.notified(*tag)));
    assert!(!system.cti_shutdown && system.sip_mode == "cme");
    let journal = house.csta_journal().await;
    assert_eq!(journal.iter().map(|entry| text(entry, "/act")).collect::<Vec<_>>(), ["undo", "apply"]);
    assert_eq!(journal[1]["undone_by"], journal[0]["id"]);
    assert_eq!(text(&journal[1], "/actor"), "admin");
    let path = format!("/pbxs/{}/csta-config/undo", house.pbx);
    let (status, problem) = refused(house.client().post(&path, &json!({})).await);
    assert_eq!((status, text(&problem, "/code")), (409, "conflict"));
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_lines_that_are_named_are_touched() {
    let mut house = House::open().await;
    let line = house.line("207").await;
    let fix = &line["monitor"]["fix"];
    assert_eq!(text(&line, "/monitor/code"), "no_cti_notify", "{line:#}");
    assert_eq!(text(fix, "/method"), "POST");
    // The call that the line doctor offers mends the line.
    let path = text(fix, "/path").strip_prefix("/api/v1").unwrap();
    let applied = house.client().post(path, &fix["body"]).await.unwrap();
    assert_eq!(outcomes(&applied), [("ephone_dn", "applied")], "{applied:#}");
    assert_eq!((&applied["verified"], &applied["saved"]), (&json!(true), &json!("success")), "{applied:#}");
    house.until_line("207", "is monitored", |line| line["monitor"]["state"] == "active").await;
    let system = house.twin.system();
    assert!(system.notified(7) && !system.watched(3), "203 was not named");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_line_stops_it_with_the_routers_own_words() {
    let mut config = bare();
    config.system.xml_level = 1;
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    assert_eq!(house.look().await["needs_level"], 15);
    let applied = house.apply(json!({"save": false})).await;
    let first = &applied["results"][0];
    assert_eq!((text(first, "/outcome"), text(first, "/failed_command")), ("failed", "voice service voip"));
    assert_eq!(text(first, "/router_message"), "% Invalid input detected at '^' marker.");
    assert!(outcomes(&applied)[1..].iter().all(|(_, outcome)| *outcome == "not_tried"), "{applied:#}");
    assert!(text(&applied, "/warnings/0").contains("level 15"));
    assert_eq!((&applied["saved"], &applied["verified"]), (&json!("skipped"), &json!(false)));
    assert_eq!(house.twin.system().sip_mode, "srst");
    // The command line ends as what failed, and says first what is needed.
    for json in [false, true] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(["pbx", "csta-config", "hq", "--apply", "--yes"]).args(json.then_some("--json"));
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        let out = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (said, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(1), "{said}{told}");
        assert!(told.contains("needs level 15"), "{told}");
        if json {
            assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["verified"], false);
        } else {
            let result = said.find("failed     ").unwrap_or_else(|| panic!("{said}"));
            assert!(
                said.find("Not done: The user of the XML API needs level 15").is_some_and(|at| at < result),
                "{said}"
            );
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_releases_are_refused_before_anything_is_sent() {
    let mut config = bare();
    "12.6".clone_into(&mut config.system.version);
    config.xml_knobs.cti_commands = false;
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["last_load_at"].is_string()).await;
    let found = house.look().await;
    assert_eq!((&found["supported"], &found["plan"]), (&json!(false), &json!([])));
    assert!(text(&found, "/reason").contains("12.6"), "{found:#}");
    let before = house.twin.system();
    let path = format!("/pbxs/{}/csta-config/apply", house.pbx);
    let (status, problem) = refused(house.client().post(&path, &json!({})).await);
    assert_eq!((status, text(&problem, "/code")), (501, "not_supported_by_pbx"), "{problem:#}");
    assert_eq!(house.twin.system(), before);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_products_session_server_and_a_busy_console_are_respected() {
    let mut config = bare();
    let other = SessionServer { register_id: "uccx".to_owned(), keepalive: 60, cti_aware: false };
    config.system.session_servers.insert(2, other.clone());
    config.xml_knobs.save = SaveResult::Delay;
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    let applied = house.apply(json!({})).await;
    assert_eq!((&applied["saved"], &applied["verified"]), (&json!("delay"), &json!(true)), "{applied:#}");
    let servers = house.twin.system().session_servers;
    assert_eq!(servers[&2], other);
    assert_eq!(servers[&1].register_id, "ss_ecsta");
    house.undo(json!({"save": false})).await;
    assert_eq!(house.twin.system().session_servers, [(2, other)].into());
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_and_never_sent_again() {
    for (failure, is_executed) in [(HttpFailure::HalfBody, true), (HttpFailure::Status503, false)] {
        let house = House::open().await;
        house.twin.set_xml_knobs(XmlKnobs { failure_of_changes: failure, ..XmlKnobs::default() });
        let line = house.line_id("207").await;
        let applied = house.apply(json!({"blocks": ["ephone_dn"], "lines": [line], "save": false})).await;
        let result = of_dn(&applied, "207");
        let outcome = if is_executed { "applied" } else { "failed" };
        assert_eq!(text(result, "/outcome"), outcome, "{applied:#}");
        assert!(text(result, "/detail").contains("The answer was lost"), "{applied:#}");
        assert_eq!(house.twin.system().notified(7), is_executed);
        assert_eq!(house.twin.xml_changes().len(), 1, "sent once");
        house.twin.set_xml_knobs(XmlKnobs::default());
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_answer_was_awaited_when_the_gateway_ended_can_be_taken_back() {
    let mut house = House::process(TwinConfig::default()).await;
    // The router does what it is told; its answer comes a byte at a time.
    let slow = XmlKnobs { failure_of_changes: HttpFailure::Drip, ..XmlKnobs::default() };
    house.twin.set_xml_knobs(slow);
    let line = house.line_id("207").await;
    let (client, path) = (house.client().clone(), format!("/pbxs/{}/csta-config/apply", house.pbx));
    let body = json!({"blocks": ["ephone_dn"], "lines": [line]});
    let apply = tokio::spawn(async move { client.post(&path, &body).await });
    patiently("the router has the lines", async {
        while !house.twin.system().notified(7) {
            tokio::time::sleep(GLANCE).await;
        }
    })
    .await;
    let House { twin, gateway, stream, pbx } = house;
    let data = gateway.kill();
    assert!(apply.await.unwrap().is_err(), "the answer never came");
    twin.set_xml_knobs(XmlKnobs::default());
    let gateway = Gateway::process(data).await;
    let stream = stream.resume(&gateway.client).await;
    house = House { twin, gateway, stream, pbx };
    house.until_settled().await;
    let journal = house.csta_journal().await;
    let block = &journal[0]["results"][0];
    assert_eq!((text(block, "/outcome"), &block["number"]), ("failed", &json!("207")), "{journal:#?}");
    assert!(text(block, "/detail").contains("never came"), "{journal:#?}");
    let undone = house.undo(json!({})).await;
    assert_eq!((outcomes(&undone), &undone["verified"]), (vec![("ephone_dn", "applied")], &json!(true)), "{undone:#}");
    assert!(!house.twin.system().notified(7) && house.twin.system().watched(7), "only what was missing was set");
    house.forgive(&["event.answer"]);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_shows_no_flags_keeps_them_after_an_undo() {
    let xml_knobs = XmlKnobs { dialect: Dialect::Y2008, ..XmlKnobs::default() };
    let mut house = House::with(TwinConfig { xml_knobs, ..TwinConfig::default() }, json!({})).await;
    let before = house.twin.system();
    assert!(before.watched(1) && before.notified(1) && !before.notified(7));
    let applied = house.apply(json!({"blocks": ["ephone_dn"]})).await;
    // What is monitored has its flags: it is not touched, and so cannot be taken back.
    assert_eq!(of_dn(&applied, "201")["outcome"], "unchanged", "{applied:#}");
    assert_eq!(of_dn(&applied, "207")["outcome"], "applied", "{applied:#}");
    assert!(house.twin.system().notified(7));
    house.until_line("207", "is monitored", |line| line["monitor"]["state"] == "active").await;
    let path = format!("/pbxs/{}/csta-config/undo", house.pbx);
    let (status, problem) = refused(house.client().post(&path, &json!({})).await);
    assert_eq!((status, text(&problem, "/code")), (409, "conflict"));
    let system = house.twin.system();
    assert!([1, 2, 7].iter().all(|tag| system.watched(*tag) && system.notified(*tag)));

    // A reload loses what was not saved: the fix that the line doctor offers mends it again.
    house.twin.configure(|system| system.dns.get_mut(&7).unwrap().notify = Some(false));
    house.twin.clear_session("207");
    let line = house.until_line("207", "is lost", |line| line["monitor"]["state"] == "failed").await;
    let again = house.apply(json!({"blocks": ["ephone_dn"], "lines": [line["id"]]})).await;
    assert_eq!((outcomes(&again), &again["verified"]), (vec![("ephone_dn", "applied")], &json!(true)), "{again:#}");
    assert!(house.twin.system().notified(7));
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_that_is_shown_is_what_is_sent() {
    let house = House::with(bare_numbers(), json!({})).await;
    let linegate = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(["pbx", "csta-config", "hq"]).args(args);
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let whole = linegate(&[]);
    assert!(whole.contains("\nvoice service voip\n") && whole.contains("\nauthenticate register\n"), "{whole}");
    let shown = linegate(&["--apply", "--yes", "--line", "207"]);
    let plan: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("Plan")).collect();
    assert!(plan.contains(&"ephone-dn 7"), "{shown}");
    for other in ["ephone-dn 3", "voice service voip", "authenticate register"] {
        assert!(!plan.contains(&other), "{other} is not meant: {shown}");
    }
    let sent = house.twin.xml_changes().join("\n");
    assert!(sent.contains("ephone-dn 7") && !sent.contains("ephone-dn 3") && !sent.contains("voice service"), "{sent}");
    // Without limits everything is shown but what must be named.
    let shown = linegate(&["--apply", "--yes"]);
    assert!(shown.contains("\nephone-dn 3\n") && !shown.contains("\nauthenticate register\n"), "{shown}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time_credentials_serve_one_request_and_are_kept_nowhere() {
    let mut config = bare();
    "own-pass-9".clone_into(&mut config.system.xml_password);
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    let path = format!("/pbxs/{}/csta-config/apply", house.pbx);
    let wrong = json!({"credentials": {"username": "visitor", "password": "hush-hush-77"}});
    let (status, problem) = refused(house.client().post(&path, &wrong).await);
    assert_eq!((status, text(&problem, "/code")), (502, "pbx_credentials_rejected"), "{problem:#}");
    // Trouble with a visitor's credentials is no trouble of the PBX.
    assert_eq!(house.status().await["axl"]["state"], "up");
    let right = json!({"credentials": {"username": "ctigw", "password": "own-pass-9"}});
    assert_eq!(house.apply(right).await["verified"], true);
    assert!(!house.csta_journal().await.iter().any(|entry| entry.to_string().contains("own-pass-9")));
    let files = std::fs::read_dir(house.gateway.data.path()).unwrap().flatten();
    let kept: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    let holds = |word: &[u8]| kept.iter().any(|bytes| bytes.windows(word.len()).any(|part| part == word));
    assert!(holds(b"csta.journal"), "the files are those of the gateway");
    assert!(!holds(b"hush-hush-77") && !holds(b"own-pass-9"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_monitor_is_lost_on_the_way_nothing_is_saved() {
    let mut config = TwinConfig::default();
    config.xml_knobs.latency_ms = 50;
    let mut house = House::with(config, json!({})).await;
    let ana = house.line_id("201").await;
    let (client, path) = (house.client().clone(), format!("/pbxs/{}/csta-config/apply", house.pbx));
    let apply = tokio::spawn(async move { client.post(&path, &json!({"blocks": ["ephone_dn"]})).await });
    house
        .until_pbx("it tells what it does", |status| text(status, "/axl/progress").contains("the assistant applies"))
        .await;
    // Meanwhile somebody at the console takes a number away from us.
    house.twin.configure(|system| system.dns.get_mut(&1).unwrap().watch = Some(false));
    assert_eq!(house.twin.clear_session("201"), 1);
    let applied = apply.await.unwrap().unwrap();
    assert_eq!(applied["saved"], "skipped", "{applied:#}");
    assert_eq!(house.twin.xml_counts().2, 0, "it was not saved");
    let warning =
        applied["warnings"].as_array().unwrap().iter().find(|one| one.as_str().unwrap().contains("not saved"));
    assert!(warning.is_some_and(|one| one.as_str().unwrap().contains("a reload")), "{applied:#}");
    assert!(house.twin.system().notified(7), "what was applied stays until then");
    assert_eq!(house.csta_journal().await[0]["saved"], "skipped");
    assert_eq!(house.client().get(&format!("/lines/{ana}")).await.unwrap()["monitor"]["code"], "no_cti_watch");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_saving_is_told_and_never_asked_again() {
    let house = House::open().await;
    let knobs = XmlKnobs { failure_of_changes: HttpFailure::HalfBody, ..XmlKnobs::default() };
    house.twin.set_xml_knobs(knobs);
    let line = house.line_id("207").await;
    let applied = house.apply(json!({"blocks": ["ephone_dn"], "lines": [line]})).await;
    assert_eq!((text(&applied, "/saved"), &applied["verified"]), ("fail", &json!(true)), "{applied:#}");
    assert!(applied["warnings"].to_string().contains("write memory"), "{applied:#}");
    let changes = house.twin.xml_changes();
    assert_eq!(changes.iter().filter(|body| body.contains("ISSaveConfig")).count(), 1, "{changes:?}");
    house.twin.set_xml_knobs(XmlKnobs::default());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_static_forward_of_cti_notify_is_shown_before_it_happens() {
    let mut config = bare();
    let user = config.system.dns.get_mut(&5).unwrap();
    "208".clone_into(&mut user.forward_no_answer);
    user.forward_no_answer_timeout = 10;
    let mut house = House::unsettled(config, json!({})).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    // Nobody is logged in with 205: the number is down.
    house.twin.call_in("0301234567", "205").await.unwrap();
    assert_eq!(house.twin.truth().calls_of("208").count(), 0);
    let found = house.look().await;
    let impact = |number: &str| {
        let plan = found["plan"].as_array().unwrap();
        text(plan.iter().find(|step| step["number"] == number).unwrap(), "/impact").to_owned()
    };
    assert!(impact("205").contains("static forward"), "{found:#}");
    assert!(!impact("201").contains("static forward"), "{found:#}");
    house.apply(json!({})).await;
    house.twin.call_in("0301234567", "205").await.unwrap();
    house.until_call("208", "offering").await;
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_configuration_shows_what_the_xml_interface_does_not() {
    let house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("running.txt");
    let linegate = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.args(["pbx", "csta-config", "hq", "--running-config"]).arg(&file).args(args);
        command.env("LINEGATE_URL", house.client().address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
        let out = command.output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let config = "hostname lab\nenable secret hush-hush\nvoice service voip\n allow-connections sip to sip\n no cti shutdown\n \
                  sip\n  registrar server expires max 1800 min 60\n!\nvoice register global\n mode cme\n";
    std::fs::write(&file, config).unwrap();
    let shown = linegate(&[]);
    assert!(shown.contains("The running configuration has no `gcid`."), "{shown}");
    assert!(shown.contains("\nvoice service voip\n") && shown.contains("\ngcid\n"), "it is planned: {shown}");
    std::fs::write(&file, config.replace("\n sip\n", "\n gcid\n sip\n")).unwrap();
    let shown = linegate(&[]);
    assert!(
        shown.contains("Every line is in the running configuration.") && !shown.contains("\nvoice service voip\n"),
        "{shown}"
    );
    // What is there is not sent again.
    let applied = linegate(&["--apply", "--yes"]);
    assert!(applied.contains("applied    ephone-dn 7 (207)"), "{applied}");
    assert!(
        house.twin.xml_changes().iter().all(|body| !body.contains("voice service voip") && !body.contains("hush-hush"))
    );
    house.close().await;
}
