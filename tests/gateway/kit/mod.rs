//! What the scenarios stand on: a router, a gateway on it, somebody who reads the stream.

mod reader;
mod truth;

use std::collections::HashSet;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use cme_twin::{Twin, TwinConfig};
use linegate::app::{self, Running};
use linegate::client::{Client, ClientError};
use linegate::config::{Hidden, Retention, Settings, Tls};
use linegate::telemetry::LogSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use reader::{Reader, text};

/// Nothing that is waited for takes longer: half of it is the answer time of SIP (32 s).
pub(crate) const PATIENCE: Duration = Duration::from_secs(70);
/// How often something is looked at that tells no change by itself.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);
pub(crate) const TOKEN: &str = "a-token-of-the-scenarios";

/// Waits, but not for ever.
pub(crate) async fn patiently<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// A port that is free and that no other test of this process gets.
pub(crate) fn free_port() -> u16 {
    static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap();
    let taken = taken.get_or_insert_default();
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        if taken.insert(port) {
            return port;
        }
    }
}

/// A gateway without a PBX.
pub(crate) struct Gateway {
    pub(crate) client: Client,
    url: String,
    run: Run,
    pub(crate) data: TempDir,
}

/// Where it runs.
enum Run {
    Here(Box<Running>),
    Process(Own),
}

/// A process that does not outlive its test.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Gateway {
    pub(crate) async fn open() -> Self {
        Self::on(tempfile::tempdir().unwrap()).await
    }

    /// On data of an earlier run.
    pub(crate) async fn on(data: TempDir) -> Self {
        // LINEGATE_TEST_LOG=debug shows what a scenario that fails did.
        if let Ok(filter) = std::env::var("LINEGATE_TEST_LOG") {
            linegate::telemetry::init(&LogSettings { filter, ..LogSettings::default() }).ok();
        }
        let settings = Settings {
            data_dir: data.path().to_owned(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            admin_token: Some(Hidden::new(TOKEN)),
            secret_key: None,
            log: "info".to_owned(),
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
        let running = app::start(settings, None, None).await.expect("the gateway starts");
        let url = running.url();
        let client = Client::new(&url, TOKEN).unwrap();
        Self { client, url, run: Run::Here(Box::new(running)), data }
    }

    /// The real program, as a process of its own that answers; its log goes to a file in the data folder.
    pub(crate) async fn process(data: TempDir) -> Self {
        Self::process_with(data, &[], &[]).await
    }

    /// The same with further variables of the environment, and flags.
    pub(crate) async fn process_with(data: TempDir, environment: &[(&str, &str)], flags: &[&str]) -> Self {
        let gateway = Self::launch(data, "http", environment, flags);
        patiently("the process answers", async {
            while gateway.client.probe("/healthz").await.is_err() {
                tokio::time::sleep(GLANCE).await;
            }
        })
        .await;
        gateway
    }

    /// With a certificate of the environment; its own client does not trust it.
    pub(crate) async fn process_with_tls(data: TempDir, environment: &[(&str, &str)]) -> Self {
        let gateway = Self::launch(data, "https", environment, &[]);
        gateway.until_logged("answers at https://").await;
        gateway
    }

    fn launch(data: TempDir, scheme: &str, environment: &[(&str, &str)], flags: &[&str]) -> Self {
        let port = free_port();
        let log = File::options().create(true).append(true).open(data.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_linegate"))
            .arg("serve")
            .args(flags)
            .env("LINEGATE_DATA_DIR", data.path())
            .env("LINEGATE_LISTEN", format!("127.0.0.1:{port}"))
            .env("LINEGATE_ADMIN_TOKEN", TOKEN)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let url = format!("{scheme}://127.0.0.1:{port}");
        let client = Client::new(&url, TOKEN).unwrap();
        Self { client, url, run: Run::Process(Own(child)), data }
    }

    /// Waits until the log of the process holds a text.
    pub(crate) async fn until_logged(&self, text: &str) {
        patiently(&format!("“{text}” is in the log"), async {
            while !std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default().contains(text) {
                tokio::time::sleep(GLANCE).await;
            }
        })
        .await;
    }

    /// Its address and a token of it, for other programs.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &'static str {
        TOKEN
    }

    /// The process dies on the spot.
    pub(crate) fn kill(self) -> TempDir {
        assert!(self.pid().is_some(), "no process");
        drop(self.run);
        self.data
    }

    /// Number of the process.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &self.run {
            Run::Here(_) => None,
            Run::Process(child) => Some(child.0.id()),
        }
    }

    /// Ends in order; gives the data for the next run.
    pub(crate) async fn stop(self) -> TempDir {
        match self.run {
            Run::Here(mut running) => running.stop().await,
            Run::Process(mut child) => {
                let pid = child.0.id().to_string();
                assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
                let ended = tokio::task::spawn_blocking(move || child.0.wait());
                let status = patiently("the process ends", ended).await.unwrap().unwrap();
                assert!(status.success(), "{status}");
            }
        }
        self.data
    }

    /// The metrics as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.get(format!("{}/metrics", self.url)).bearer_auth(TOKEN);
        request.send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn create(&self, pbx: &Value) -> String {
        let made = self.client.post("/pbxs", pbx).await.expect("the PBX is created");
        text(&made, "/id").to_owned()
    }
}

/// The body that makes a twin a PBX.
pub(crate) fn pbx_on(twin: &Twin, name: &str) -> Value {
    json!({
        "name": name,
        "host": twin.sip_addr().ip().to_string(),
        "sip": {"port": twin.sip_addr().port(), "local_address": "127.0.0.1", "local_port": free_port()},
        "axl": {"port": twin.xml_addr().port(), "username": twin.system().xml_user, "password": twin.system().xml_password},
        "options": {"line_update_interval_s": 5, "monitor_retry_interval_s": 1, "snapshot_interval_s": 5},
    })
}

/// Adds the members of one object to another, deep.
pub(crate) fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

/// A router, a gateway on it, and a reader of its stream.
pub(crate) struct House {
    pub(crate) twin: Twin,
    pub(crate) gateway: Gateway,
    pub(crate) stream: Reader,
    pub(crate) pbx: String,
}

impl House {
    /// The documents' example system, every line settled.
    pub(crate) async fn open() -> Self {
        Self::with(TwinConfig::default(), json!({})).await
    }

    /// A system of one's own, every line settled.
    pub(crate) async fn with(config: TwinConfig, patch: Value) -> Self {
        let mut house = Self::unsettled(config, patch).await;
        house.until_settled().await;
        house
    }

    /// Without waiting for anything.
    pub(crate) async fn unsettled(config: TwinConfig, patch: Value) -> Self {
        Self::of(Gateway::open().await, config, patch).await
    }

    /// With the real program, every line settled.
    pub(crate) async fn process(config: TwinConfig) -> Self {
        let gateway = Gateway::process(tempfile::tempdir().unwrap()).await;
        let mut house = Self::of(gateway, config, json!({})).await;
        house.until_settled().await;
        house
    }

    /// On a gateway of one's own, without waiting for anything.
    pub(crate) async fn of(gateway: Gateway, config: TwinConfig, patch: Value) -> Self {
        let mut config = config;
        // Many scenarios share the machine: how fast events are answered is measured elsewhere.
        config.behaviour.limits.event_answer = config.behaviour.limits.event_answer.max(3000);
        let twin = Twin::start(config).await.expect("the twin starts");
        let stream = Reader::open(&gateway.client).await;
        let mut body = pbx_on(&twin, "hq");
        merge(&mut body, patch);
        let pbx = gateway.create(&body).await;
        Self { twin, gateway, stream, pbx }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.gateway.client
    }

    pub(crate) async fn status(&self) -> Value {
        self.client().get(&format!("/pbxs/{}/status", self.pbx)).await.unwrap()
    }

    /// Waits until every address of every line is monitored or says why not, and the XML API is up.
    pub(crate) async fn until_settled(&mut self) {
        self.until_pbx("every line is settled", |status| {
            let count = |name: &str| status["lines"][name].as_u64().unwrap_or(0);
            status["axl"]["state"] == "up"
                && count("total") > 0
                && count("monitored") + count("failed") == count("total")
        })
        .await;
        let is_settled = |monitor: &Value| matches!(text(monitor, "/state"), "active" | "failed" | "off");
        self.until_lines("every address is settled", |lines| {
            let mut addresses = lines.iter().flat_map(|line| line["addresses"].as_array().unwrap());
            addresses.all(|address| is_settled(&address["monitor"]))
        })
        .await;
    }

    /// Waits until the status of the PBX is as wanted.
    pub(crate) async fn until_pbx(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return status;
            }
            self.stream.any(&format!("{what}; now {status}")).await;
        }
    }

    pub(crate) async fn lines(&self) -> Vec<Value> {
        self.client().list("/lines").await.unwrap()
    }

    /// Waits until the lines are as wanted.
    pub(crate) async fn until_lines(&mut self, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let lines = self.lines().await;
            if wanted(&lines) {
                return lines;
            }
            let now: Vec<_> = lines
                .iter()
                .map(|line| (&line["number"], &line["monitor"]["state"], &line["monitor"]["code"]))
                .collect();
            self.stream.any(&format!("{what}; now {now:?}")).await;
        }
    }

    /// The line with this number.
    pub(crate) async fn line(&self, number: &str) -> Value {
        let lines = self.lines().await;
        lines.into_iter().find(|line| line["number"] == number).unwrap_or_else(|| panic!("no line {number}"))
    }

    pub(crate) async fn line_id(&self, number: &str) -> String {
        text(&self.line(number).await, "/id").to_owned()
    }

    /// Waits until the line is as wanted.
    pub(crate) async fn until_line(&mut self, number: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let of = |lines: &[Value]| lines.iter().find(|line| line["number"] == number).cloned();
        let lines = self
            .until_lines(&format!("line {number}: {what}"), |lines| of(lines).is_some_and(|line| wanted(&line)))
            .await;
        of(&lines).unwrap()
    }

    /// Dials from a line; gives the new call.
    pub(crate) async fn dial(&self, from: &str, to: &str) -> Value {
        let line = self.line_id(from).await;
        self.client()
            .post(&format!("/lines/{line}/calls"), &json!({"to": to}))
            .await
            .unwrap_or_else(|error| panic!("{from} dials {to}: {error}"))
    }

    /// Acts on a call.
    pub(crate) async fn act(&self, call: &Value, verb: &str) -> Result<Value, ClientError> {
        self.client().post(&format!("/calls/{}/{verb}", text(call, "/id")), &json!({})).await
    }

    /// The calls of a line as the gateway shows them.
    pub(crate) async fn calls(&self, number: &str) -> Vec<Value> {
        let line = self.line_id(number).await;
        self.client().list(&format!("/calls?line={line}")).await.unwrap()
    }

    /// Waits until the line has a call in this state.
    pub(crate) async fn until_call(&mut self, number: &str, state: &str) -> Value {
        loop {
            let calls = self.calls(number).await;
            if let Some(call) = calls.iter().find(|call| call["state"] == state) {
                return call.clone();
            }
            let now: Vec<_> = calls.iter().map(|call| text(call, "/state")).collect();
            self.stream.any(&format!("line {number} has a call in {state}; it has {now:?}")).await;
        }
    }

    /// Waits for the end of a call; gives its last form.
    pub(crate) async fn until_ended(&mut self, call: &Value) -> Value {
        let id = text(call, "/id").to_owned();
        self.stream
            .find("the end of a call", |event| event["event"] == "call.ended" && event["call_id"] == id.as_str())
            .await["data"]
            .clone()
    }

    /// What the calls of a line did: each state once, in the order of the stream.
    pub(crate) async fn steps(&self, number: &str) -> Vec<String> {
        let line = self.line_id(number).await;
        self.stream.steps(|event| event["line_id"] == line.as_str())
    }

    /// The end of a scenario: the gateway shows what is, and it broke no rule on the way.
    pub(crate) async fn close(mut self) {
        self.settle_calls().await;
        let twin = self.twin.clone();
        self.close_beside_lost_sessions().await;
        let left = twin.truth().sessions;
        assert!(left.is_empty(), "sessions that were not closed: {left:#?}");
    }

    /// As [`House::close`], where sessions are left at the router that nobody can know any more.
    pub(crate) async fn close_beside_lost_sessions(mut self) {
        self.settle_calls().await;
        let violations = self.twin.violations();
        assert!(violations.is_empty(), "rules that the gateway broke: {violations:#?}");
        self.stream.assert_whole();
        self.gateway.stop().await;
    }

    /// Takes violations off the list that the fault itself makes the router complain about.
    pub(crate) fn forgive(&self, rules: &[&str]) {
        let other: Vec<_> =
            self.twin.violations().into_iter().filter(|one| !rules.contains(&one.rule.as_str())).collect();
        assert!(other.is_empty(), "rules that the gateway broke: {other:#?}");
        self.twin.clear_violations();
    }

    /// As [`House::close`], where the fault itself makes the router complain about some rules.
    pub(crate) async fn close_despite(self, rules: &[&str]) {
        self.forgive(rules);
        self.close().await;
    }
}

/// Status and problem of a refusal.
pub(crate) fn refused(result: Result<Value, ClientError>) -> (u16, Value) {
    match result {
        Err(ClientError::Refused { status, problem }) => (status, problem),
        other => panic!("no refusal: {other:?}"),
    }
}
