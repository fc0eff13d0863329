//! The lines of a router of another make: both forms of its XML interface, small and large replies, lean and full records.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::router::Router;
use crate::kit::{Gateway, Reader, free_port, text};
use crate::line_lists::ROWS;

/// `options.line_update_interval_s` of the scenarios.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time for the requests themselves on a busy machine.
const GRACE: Duration = Duration::from_secs(3);

struct Office {
    router: Router,
    gateway: Gateway,
    stream: Reader,
    pbx: String,
}

impl Office {
    async fn open(form: &[&str], options: Value) -> Option<Self> {
        let router = Router::start(form).await?;
        let gateway = Gateway::open().await;
        let stream = Reader::open(&gateway.client).await;
        let pbx = gateway
            .create(&json!({
                "name": "foreign", "host": "127.0.0.1", "options": options,
                "sip": {"port": router.ports["sip"], "local_address": "127.0.0.1", "local_port": free_port()},
                "axl": {"port": router.ports["xml"], "username": "ctigw", "password": "secret-canary-77"},
                // What the phones do is told by the XML API alone.
                "dialect": {"service_state.sources": ["xml"]},
            }))
            .await;
        Some(Self { router, gateway, stream, pbx })
    }

    async fn exported(&self) -> String {
        self.gateway.client.text("/lines/export", "text/plain").await.unwrap()
    }

    async fn until_line(&mut self, number: &str, what: &str, wanted: impl Fn(&Value) -> bool) {
        loop {
            let lines = self.gateway.client.list("/lines").await.unwrap();
            if lines.iter().any(|line| line["number"] == number && wanted(line)) {
                return;
            }
            self.stream.any(&format!("line {number}: {what}; now {lines:?}")).await;
        }
    }

    async fn until_loaded(&mut self) {
        loop {
            let status = self.gateway.client.get(&format!("/pbxs/{}/status", self.pbx)).await.unwrap();
            if status["axl"]["state"] == "up" {
                return;
            }
            self.stream.any(&format!("the lines are loaded; now {status}")).await;
        }
    }

    /// A command at the router, and the line's state follows within one interval.
    async fn follows(&mut self, command: &str, number: &str, status: &str) {
        let began = Instant::now();
        self.router.tell(command).await;
        self.until_line(number, status, |line| line["status"] == status).await;
        assert!(began.elapsed() < INTERVAL + GRACE, "{number} is {status} after {:?}", began.elapsed());
    }

    async fn monitored(&mut self, number: &str) {
        self.until_line(number, "is monitored", |line| line["monitor"]["state"] == "active").await;
    }

    /// The end: one request at a time, and no rule was broken.
    async fn close(mut self) -> Value {
        self.gateway.stop().await;
        let counts = self.router.tell("xml").await;
        assert_eq!(counts["peak"], 1, "{counts}");
        let judged = self.router.tell("violations").await;
        assert_eq!(judged["violations"], json!([]), "{judged:#}");
        counts
    }
}

async fn five_lines(dialect: &str, size: &str, records: &str) {
    let form = ["--example", "--dialect", dialect, "--response-size", size, "--records", records, "--latency", "3"];
    let options = json!({"line_update_interval_s": 5, "monitor_retry_interval_s": 1});
    let Some(mut office) = Office::open(&form, options).await else {
        return;
    };
    office.until_loaded().await;
    if dialect == "2008" {
        // The guide of 2008 has no list of users: one is known from the first login on.
        assert_eq!(office.exported().await, ROWS.replace("205;Eli Frank;;203\n", ""));
        office.follows("login eli 3", "205", "in_service").await;
        office.follows("logout eli", "205", "out_of_service").await;
    }
    assert_eq!(office.exported().await, ROWS);
    for number in ["201", "202", "205", "208"] {
        office.monitored(number).await;
    }
    for line in office.gateway.client.list("/lines").await.unwrap() {
        let wanted = if matches!(text(&line, "/number"), "205" | "207") { "out_of_service" } else { "in_service" };
        assert_eq!(text(&line, "/status"), wanted, "{line:#}");
    }
    office.follows("die 1", "201", "out_of_service").await;
    office.follows("login eli 3", "205", "in_service").await;
    office.follows("register 1", "201", "in_service").await;
    office.follows("register 4", "207", "in_service").await;
    office.monitored("207").await;
    office.follows("logout eli", "205", "out_of_service").await;
    assert_eq!(office.exported().await, ROWS);
    let load = office.gateway.client.post(&format!("/pbxs/{}/load-lines", office.pbx), &json!({})).await.unwrap();
    assert_eq!((load["unchanged"].as_u64(), &load["added"], &load["removed"]), (Some(5), &json!([]), &json!([])));
    office.close().await;
}

macro_rules! forms {
    ($($name:ident: $dialect:literal, $size:literal, $records:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                five_lines($dialect, $size, $records).await;
            }
        )*
    };
}

forms! {
    five_lines_of_2008_with_lean_records_and_4_kb: "2008", "4", "lean";
    five_lines_of_2008_with_full_records_and_4_kb: "2008", "4", "full";
    five_lines_of_2008_with_lean_records_and_64_kb: "2008", "64", "lean";
    five_lines_of_2008_with_full_records_and_64_kb: "2008", "64", "full";
    five_lines_of_8_5_with_lean_records_and_4_kb: "8.5", "4", "lean";
    five_lines_of_8_5_with_full_records_and_4_kb: "8.5", "4", "full";
    five_lines_of_8_5_with_lean_records_and_64_kb: "8.5", "64", "lean";
    five_lines_of_8_5_with_full_records_and_64_kb: "8.5", "64", "full";
}

async fn four_hundred_and_fifty_phones(dialect: &str) {
    let form = ["--many", "450", "--dialect", dialect, "--response-size", "16", "--records", "full", "--latency", "2"];
    // Sessions are of no interest here.
    let options = json!({"line_update_interval_s": 45, "invite_rate_per_s": 1});
    let Some(mut office) = Office::open(&form, options).await else {
        return;
    };
    office.until_loaded().await;
    assert_eq!(office.gateway.client.list("/lines").await.unwrap().len(), 450);
    let asked = office.router.tell("xml").await;
    let count = |name: &str| asked["asked"][name].as_u64().unwrap();
    assert!(count("ISgetDevice") > 450 && count("ISgetExtension") > 450, "{asked}");
    let began = Instant::now();
    office.router.tell("die 450").await;
    office.until_line("4450", "out of service", |line| line["status"] == "out_of_service").await;
    assert!(began.elapsed() < Duration::from_secs(45) + GRACE, "{:?}", began.elapsed());
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_and_fifty_phones_of_8_5_come_tag_by_tag_and_one_request_at_a_time() {
    four_hundred_and_fifty_phones("8.5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_and_fifty_phones_of_2008_come_tag_by_tag_and_one_request_at_a_time() {
    four_hundred_and_fifty_phones("2008").await;
}
