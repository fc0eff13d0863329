//! SIPp plays the CME: an independent SIP stack checks every request of ours and times every answer.
//!
//! Without `sipp` (Debian: `sip-tester`) these tests are left out and say so; `LINEGATE_REQUIRE_SIPP=1` makes that a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, missing_docs)]

use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use linegate::app::{self, Running};
use linegate::client::{Client, Stream};
use linegate::config::{Hidden, Retention, Settings, Tls};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// IOS tracks the answer to every event: it must come at once (dossier 3.4 rule 1).
const ANSWER_MS: f64 = 50.0;
/// A forgotten dialog is opened again at once, not at the next retry (1 s is the shortest one that can be set).
const AT_ONCE_MS: f64 = 900.0;

const SECRET: &str = "canary-of-sipp";
const XREF: &str = "00000041";

#[tokio::test(flavor = "multi_thread")]
async fn a_line_from_registration_to_the_clean_end() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("phone", 2);
    let mut office = Office::open(&cme).await;

    let call = office.call("call.created", "offering").await;
    assert_eq!(call["direction"], "inbound");
    assert_eq!(call["internal"], true);
    assert_eq!(call["caller"]["number"], "233");
    assert_eq!(call["called"]["number"], "211");
    assert_eq!(call["gcid"], "6F10A2B4-C0DE11EF-8123A0B1-00C0FFEE");

    office.act(&call, "answer").await;
    office.call("call.updated", "connected").await;
    office.act(&call, "hold").await;
    office.call("call.updated", "on_hold").await;
    office.act(&call, "retrieve").await;
    office.call("call.updated", "connected").await;
    office.call("call.updated", "remote_held").await;
    office.call("call.updated", "connected").await;
    office.act(&call, "drop").await;
    let ended = office.call("call.ended", "ended").await;
    assert_eq!(ended["id"], call["id"]);
    assert_eq!(ended["cause"], "normal");

    office.close().await;
    cme.ends_well().await.answers_in_time(7);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_on_a_connection_that_the_pbx_opens() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("quiet", 2);
    let mut office = Office::open(&cme).await;

    let events = Sipp::towards(&office, &cme.dialog(), "events.xml");
    for (event, state) in [
        ("call.created", "offering"),
        ("call.updated", "connected"),
        ("call.updated", "remote_held"),
        ("call.updated", "connected"),
        ("call.updated", "on_hold"),
        ("call.updated", "connected"),
    ] {
        office.call(event, state).await;
    }
    let ended = office.call("call.ended", "ended").await;
    assert_eq!(ended["cause"], "normal");
    assert!(ended["answered_at"].is_string());
    events.ends_well().await.answers_in_time(8);
    office.callers_are_gone().await;

    // The old connection still stands: the end goes over it.
    office.close().await;
    cme.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_pbx_forgot_is_opened_again_at_once() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("forget", 3);
    let mut office = Office::open(&cme).await;
    let call = office.call("call.created", "offering").await;
    office.act(&call, "answer").await;
    office.call("call.updated", "connected").await;

    // The refresh asks for a snapshot, and the answer is 481.
    let line = office.line.clone();
    office.client.post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
    office.monitor("pending").await;
    office.monitor("active").await;

    // The new session found the call where it was.
    let calls = office.client.list("/calls").await.unwrap();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((&calls[0]["id"], &calls[0]["state"]), (&call["id"], &json!("connected")));
    office.act(&call, "drop").await;
    let ended = office.call("call.ended", "ended").await;
    assert_eq!((&ended["id"], &ended["cause"]), (&call["id"], &json!("normal")));

    office.close().await;
    let report = cme.ends_well().await;
    report.answers_in_time(3);
    let forgot = report.first_time("SIP/2.0 481 ", 0.0);
    let again = report.first_time("INVITE sip:211@", forgot);
    assert!(again - forgot < AT_ONCE_MS, "the session was opened again after {} ms", again - forgot);
    assert_eq!(report.count("BYE sip:"), 1, "a dialog that the PBX does not know gets no BYE");
    assert_eq!(report.count("stale=true"), 1);
    assert_eq!(report.count("<GetCSTAFeatures "), 1, "the same PBX is not asked again what it can do");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_pbx_sends_is_refused_as_it_should_be() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("quiet", 2);
    let mut office = Office::open(&cme).await;

    let dialog = cme.dialog();
    Sipp::towards(&office, &dialog, "misbehaves.xml").ends_well().await.answers_in_time(16);
    // Old numbers and foreign monitors said "on"; only what counted has been applied, and in its order.
    for on in [false, true, false] {
        assert_eq!(office.do_not_disturb().await, on);
    }
    let line = office.client.get(&format!("/lines/{}", office.line)).await.unwrap();
    assert_eq!(line["monitor"]["state"], "active");
    assert_eq!(office.client.list("/calls").await.unwrap(), Vec::<Value>::new());

    let strangers = Dialog { call_id: "before-the-restart".to_owned(), ..dialog };
    Sipp::towards(&office, &strangers, "no_dialog.xml").ends_well().await.answers_in_time(6);
    office.callers_are_gone().await;

    let line = office.line.clone();
    let rest = office.close().await;
    assert_eq!(rest.iter().find_map(|frame| do_not_disturb(frame, &line)), None);
    cme.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pbx_asks_is_answered() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("quiet", 2);
    let mut office = Office::open(&cme).await;
    let asks = Sipp::towards(&office, &cme.dialog(), "requests.xml");
    office.monitor("failed").await;
    office.monitor("active").await;
    asks.ends_well().await;
    office.callers_are_gone().await;
    office.close().await;
    let report = cme.ends_well().await;
    assert_eq!(report.count("<monitorCrossRefID>00000042</monitorCrossRefID></MonitorStop>"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_does_not_end_keeps_neither_session_nor_registration() {
    if sipp_is_missing() {
        return;
    }
    let cme = Sipp::cme("deaf", 2);
    let office = Office::open(&cme).await;
    office.close().await;
    let report = cme.ends_well().await;
    assert_eq!(report.count("<MonitorStop "), 1);
    assert_eq!(report.count("BYE sip:"), 1);
    assert_eq!(report.count("Expires: 0\r\n") + report.count("Expires: 0\n"), 2, "asked and granted");
}

/// Whether the tests cannot run here.
fn sipp_is_missing() -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok() {
        return false;
    }
    let required = std::env::var("LINEGATE_REQUIRE_SIPP").is_ok_and(|value| value == "1");
    assert!(!required, "LINEGATE_REQUIRE_SIPP is set and there is no `sipp`; install the package sip-tester");
    // Not `eprintln!`: the test harness would keep that to itself.
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "LEFT OUT {test}: there is no `sipp` here; install the package sip-tester");
    true
}

/// A port that nobody uses now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A dialog as the CME's side knows it.
struct Dialog {
    call_id: String,
    own: String,
    peer: String,
    target: String,
}

/// A running SIPp. Its traces live in a folder of its own.
struct Sipp {
    child: Option<Child>,
    folder: TempDir,
    scenario: String,
    port: u16,
}

/// What a SIPp saw.
struct Report {
    scenario: String,
    messages: String,
    answers_ms: Vec<f64>,
}

impl Sipp {
    /// The CME: it ends by itself after so many SIPp calls (the registration is one, each session another).
    fn cme(mode: &str, calls: u32) -> Self {
        let port = free_port();
        Self::start(
            "cme.xml",
            port,
            &["-m", &calls.to_string(), "-base_cseq", "101", "-key", "mode", mode, "-key", "secret", SECRET],
        )
    }

    /// A connection of the CME to our Contact.
    fn towards(office: &Office, dialog: &Dialog, scenario: &str) -> Self {
        let target = format!("127.0.0.1:{}", office.contact_port);
        Self::start(
            scenario,
            free_port(),
            &[
                "-m",
                "1",
                "-cid_str",
                &dialog.call_id,
                "-key",
                "own",
                &dialog.own,
                "-key",
                "peer",
                &dialog.peer,
                "-key",
                "target",
                &dialog.target,
                &target,
            ],
        )
    }

    fn start(scenario: &str, port: u16, rest: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
        let screen = fs::File::create(folder.path().join("screen.txt")).unwrap();
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .env("TERM", "dumb")
            .args(["-sf", file.to_str().unwrap(), "-t", "t1", "-i", "127.0.0.1", "-p", &port.to_string()])
            .args(["-nostdin", "-key", "xref", XREF, "-timeout", &PATIENCE.as_secs().to_string(), "-timeout_error"])
            .args(["-trace_err", "-error_file", "errors.txt", "-trace_msg", "-message_file", "messages.txt"])
            .args(["-trace_logs", "-log_file", "log.txt", "-trace_rtt", "-rtt_freq", "1"])
            .args(rest)
            .stdin(Stdio::null())
            .stdout(screen.try_clone().unwrap())
            .stderr(screen)
            .spawn()
            .unwrap();
        Self { child: Some(child), folder, scenario: scenario.to_owned(), port }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// The newest session of the line.
    fn dialog(&self) -> Dialog {
        let log = self.read("log.txt");
        let line =
            log.lines().rev().find(|line| line.contains("dialog|")).unwrap_or_else(|| panic!("no session in {log}"));
        let mut parts = line.split('|').skip(1).map(|part| part.trim().to_owned());
        let mut next = || parts.next().unwrap();
        Dialog { call_id: next(), own: next(), peer: next(), target: next() }
    }

    /// Waits for the end; SIPp bounds it. It must be content with everything that it got.
    async fn ends_well(mut self) -> Report {
        let mut child = self.child.take().unwrap();
        let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
        let (errors, messages) = (self.read("errors.txt"), self.read("messages.txt"));
        assert!(
            status.success() && errors.is_empty(),
            "SIPp with {} ended with {status}\n{errors}\n{}\n{messages}",
            self.scenario,
            self.read("screen.txt")
        );
        let answers_ms = fs::read_dir(self.folder.path())
            .unwrap()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.to_string_lossy().ends_with("_rtt.csv"))
            .flat_map(|path: PathBuf| answers(&fs::read_to_string(path).unwrap()))
            .collect();
        Report { scenario: std::mem::take(&mut self.scenario), messages, answers_ms }
    }
}

/// The times of the answers to events: `date;milliseconds;name`.
fn answers(table: &str) -> Vec<f64> {
    table
        .lines()
        .map(|line| line.split(';').collect::<Vec<_>>())
        .filter(|fields| fields.get(2).is_some_and(|name| name.trim().trim_matches('"') == "event"))
        .map(|fields| fields[1].trim().parse().unwrap())
        .collect()
}

impl Drop for Sipp {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
            if std::thread::panicking() {
                eprintln!("SIPp with {}:\n{}\n{}", self.scenario, self.read("errors.txt"), self.read("messages.txt"));
            }
        }
    }
}

impl Report {
    fn answers_in_time(&self, least: usize) {
        assert!(self.answers_ms.len() >= least, "{}: {:?}", self.scenario, self.answers_ms);
        let slowest = self.answers_ms.iter().copied().fold(0.0, f64::max);
        assert!(slowest <= ANSWER_MS, "{}: an answer took {slowest} ms", self.scenario);
    }

    fn count(&self, text: &str) -> usize {
        self.messages.matches(text).count()
    }

    /// When a message that begins with this first went by after a time; milliseconds of the day.
    fn first_time(&self, start: &str, after: f64) -> f64 {
        let mut now = 0.0;
        for line in self.messages.lines() {
            if line.starts_with("-----") {
                now = time_of(line);
            } else if line.starts_with(start) && now >= after {
                return now;
            }
        }
        panic!("no “{start}” after {after}\n{}", self.messages)
    }
}

/// `------- 2026-01-02 03:04:05.678901`
fn time_of(line: &str) -> f64 {
    let clock = line.split_whitespace().last().unwrap();
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().unwrap());
    let mut next = || parts.next().unwrap();
    ((next() * 60.0 + next()) * 60.0 + next()) * 1000.0
}

/// A gateway with one PBX and one line, and somebody who watches its events.
struct Office {
    running: Running,
    client: Client,
    stream: Stream,
    /// Events that came and that nobody has asked for yet.
    waiting: VecDeque<Value>,
    line: String,
    contact_port: u16,
    _data: TempDir,
}

impl Office {
    /// Returns when the line is monitored and its settings are read: do not disturb, asked for last, is on.
    async fn open(cme: &Sipp) -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: data.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            admin_token: Some(Hidden::new("token-of-the-sipp-test")),
            secret_key: None,
            log: String::new(),
            log_json: false,
            log_file: None,
            trace_bytes: 4 << 20,
            hep: None,
            otel_endpoint: None,
            tls: Tls::Off,
            cors_origins: Vec::new(),
            retention: Retention::default(),
            pbxs: Vec::new(),
        };
        let running = app::start(settings, None, None).await.unwrap();
        let client = Client::new(&running.url(), running.admin_token.expose()).unwrap();
        let mut stream = client.stream().await.unwrap();
        stream.send(&json!({"type": "subscribe", "id": "1", "from": "now"})).await.unwrap();
        let contact_port = free_port();
        let pbx = client
            .post(
                "/pbxs",
                &json!({
                    "name": "sipp", "host": "127.0.0.1",
                    "sip": {
                        "port": cme.port, "local_address": "127.0.0.1", "local_port": contact_port,
                        "username": "ctigw", "password": SECRET,
                    },
                    "internal_numbers": [{"from": "200", "to": "299"}],
                }),
            )
            .await
            .unwrap();
        let line = client
            .post("/lines", &json!({"pbx_id": pbx["id"], "number": "211", "device_id": "0A1B2C3D4E5F"}))
            .await
            .unwrap();
        let mut office = Self {
            running,
            client,
            stream,
            waiting: VecDeque::new(),
            line: line["id"].as_str().unwrap().to_owned(),
            contact_port,
            _data: data,
        };
        let id = office.line.clone();
        office
            .next("line.", "monitored line", |frame| {
                let line = &frame["data"];
                let is_it = frame["line_id"] == id.as_str() && line["monitor"]["state"] == "active";
                (is_it && line["do_not_disturb"] == true).then_some(())
            })
            .await;
        office
    }

    /// The next event of a kind (`call.` or `line.`) for which there is an answer; those before it are passed over. Events
    /// of other kinds wait for whoever asks for them: which comes first, a line's or its call's, is nobody's promise.
    async fn next<T>(&mut self, kind: &str, what: &str, mut pick: impl FnMut(&Value) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let found = tokio::time::timeout(PATIENCE, async {
            let is_kind = |frame: &Value| frame["event"].as_str().is_some_and(|name| name.starts_with(kind));
            loop {
                let frame = match self.waiting.iter().position(is_kind).and_then(|at| self.waiting.remove(at)) {
                    Some(frame) => frame,
                    None => self.stream.next().await.unwrap(),
                };
                if !is_kind(&frame) {
                    self.waiting.push_back(frame);
                } else if let Some(found) = pick(&frame) {
                    return found;
                } else {
                    passed.push(frame);
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("no {what} came, only {passed:#?}"),
        }
    }

    /// The next change of a call; it must be this one.
    async fn call(&mut self, event: &str, state: &str) -> Value {
        let line = self.line.clone();
        let (found, call) = self
            .next("call.", &format!("{event} {state}"), |frame| {
                let name = frame["event"].as_str()?;
                assert_eq!(frame["line_id"], line.as_str());
                // Other fields may change while the state stays.
                let is_state = name != "call.updated"
                    || frame["changed"].as_array().is_some_and(|changed| changed.contains(&json!("state")));
                is_state.then(|| (name.to_owned(), frame["data"].clone()))
            })
            .await;
        assert_eq!((found.as_str(), call["state"].as_str().unwrap()), (event, state), "{call:#}");
        call
    }

    /// Waits until the monitor of the line is in a state.
    async fn monitor(&mut self, state: &str) {
        let line = self.line.clone();
        self.next("line.", &format!("monitor {state}"), |frame| {
            let is_it = frame["line_id"] == line.as_str() && frame["data"]["monitor"]["state"] == state;
            is_it.then_some(())
        })
        .await;
    }

    /// Waits for the next change of do not disturb.
    async fn do_not_disturb(&mut self) -> bool {
        let line = self.line.clone();
        self.next("line.", "change of do not disturb", |frame| do_not_disturb(frame, &line)).await
    }

    /// Acts on a call; what is asked for must be on offer.
    async fn act(&self, call: &Value, action: &str) {
        let path = format!("/calls/{}", call["id"].as_str().unwrap());
        let now = self.client.get(&path).await.unwrap();
        assert!(
            now["allowed_actions"].as_array().unwrap().contains(&json!(action)),
            "{action} is not on offer: {now:#}"
        );
        self.client.post(&format!("{path}/{action}"), &json!({})).await.unwrap();
    }

    /// Waits until the gateway has seen the end of every connection that came to its Contact port: what it sends before may
    /// go where nobody reads any more. Nothing tells, so the kernel's table of connections is looked at.
    async fn callers_are_gone(&self) {
        let contact = format!(":{:04X}", self.contact_port);
        let is_open = |line: &str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            // ESTABLISHED, and CLOSE_WAIT: the peer's end is there and not yet ours.
            fields.get(1).is_some_and(|local| local.ends_with(&contact)) && matches!(fields.get(3), Some(&"01" | &"08"))
        };
        tokio::time::timeout(PATIENCE, async {
            while fs::read_to_string("/proc/net/tcp").unwrap().lines().any(is_open) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await
        .expect("the gateway keeps a connection that its peer has closed");
    }

    /// Monitors are stopped, sessions closed, the registration taken back. The events that nobody waited for are given back.
    async fn close(mut self) -> Vec<Value> {
        self.running.stop().await;
        let mut rest = Vec::from(self.waiting);
        while let Ok(frame) = self.stream.next().await {
            rest.push(frame);
        }
        rest
    }
}

/// What do not disturb became, when an event says that it changed.
fn do_not_disturb(frame: &Value, line: &str) -> Option<bool> {
    let names = frame["changed"].as_array().filter(|_| frame["line_id"] == line)?;
    names.contains(&json!("do_not_disturb")).then(|| frame["data"]["do_not_disturb"] == true)
}
