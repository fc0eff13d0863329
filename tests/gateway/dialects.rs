//! The lines of the XML dossier's example system, in each form of the XML interface: the same five, followed as phones and users come and go.

use std::time::{Duration, Instant};

use cme_twin::{Dialect, OverflowStyle, RecordProfile, System, TwinConfig, XmlKnobs};
use serde_json::json;

use crate::kit::{House, text};
use crate::line_lists::ROWS;

/// `options.line_update_interval_s` of the scenarios.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time for the requests themselves on a busy machine.
const GRACE: Duration = Duration::from_secs(3);

impl House {
    /// Something happens at the router, and the XML API alone tells: the line's state follows within one interval.
    async fn follows(&mut self, number: &str, status: &str, happens: impl AsyncFnOnce(&Self)) {
        let began = Instant::now();
        happens(self).await;
        self.until_line(number, status, |line| line["status"] == status).await;
        assert!(began.elapsed() < INTERVAL + GRACE, "{number} is {status} after {:?}", began.elapsed());
    }
}

async fn five_lines(dialect: Dialect, response_size: u32, profile: RecordProfile, overflow: OverflowStyle) {
    let xml_knobs = XmlKnobs { dialect, response_size, profile, overflow, latency_ms: 2, ..XmlKnobs::default() };
    let config = TwinConfig { xml_knobs, ..TwinConfig::default() };
    // What the phones do is told by the XML API alone.
    let patch = json!({"dialect": {"service_state.sources": ["xml"]}});
    let mut house = House::with(config, patch).await;
    if dialect == Dialect::Y2008 {
        // The guide of 2008 has no list of users: one is known from the first login on.
        assert_eq!(house.exported().await, ROWS.replace("205;Eli Frank;;203\n", ""));
        house.follows("205", "in_service", async |house| house.twin.login("eli", "3").await.unwrap()).await;
        house.until_settled().await;
        house.follows("205", "out_of_service", async |house| house.twin.logout("eli").await.unwrap()).await;
    }
    assert_eq!(house.exported().await, ROWS);
    for line in house.lines().await {
        let wanted = if matches!(text(&line, "/number"), "205" | "207") { "out_of_service" } else { "in_service" };
        assert_eq!(text(&line, "/status"), wanted, "{line:#}");
    }
    house.follows("201", "out_of_service", async |house| house.twin.unregister_phone("1").await.unwrap()).await;
    house.follows("205", "in_service", async |house| house.twin.login("eli", "3").await.unwrap()).await;
    house.follows("201", "in_service", async |house| house.twin.register_phone("1").await.unwrap()).await;
    house.follows("205", "out_of_service", async |house| house.twin.logout("eli").await.unwrap()).await;
    assert_eq!(house.exported().await, ROWS);
    // The whole is read again: nothing is another line, nothing is missing.
    let load = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!((load["unchanged"].as_u64(), &load["added"], &load["removed"]), (Some(5), &json!([]), &json!([])));
    assert!(house.twin.xml_counts().1 <= 1, "one request at a time");
    house.until_settled().await;
    house.close().await;
}

macro_rules! forms {
    ($($name:ident: $dialect:ident, $size:literal, $records:ident, $overflow:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                five_lines(Dialect::$dialect, $size, RecordProfile::$records, OverflowStyle::$overflow).await;
            }
        )*
    };
}

// A full record of 8.5 is larger than 4 kB: there the size can only be that of a fragment.
forms! {
    five_lines_of_2008_with_lean_records_and_4_kb: Y2008, 4, Lean, IsError;
    five_lines_of_2008_with_full_records_and_4_kb: Y2008, 4, Full, IsError;
    five_lines_of_2008_with_lean_records_and_64_kb: Y2008, 64, Lean, IsError;
    five_lines_of_2008_with_full_records_and_64_kb: Y2008, 64, Full, IsError;
    five_lines_of_8_5_with_lean_records_and_4_kb: V85, 4, Lean, IsError;
    five_lines_of_8_5_with_full_records_and_4_kb: V85, 4, Full, Chunks;
    five_lines_of_8_5_with_lean_records_and_64_kb: V85, 64, Lean, IsError;
    five_lines_of_8_5_with_full_records_and_64_kb: V85, 64, Full, IsError;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_cut_off_at_4_kb_are_read_one_by_one() {
    five_lines(Dialect::V85, 4, RecordProfile::Lean, OverflowStyle::Truncate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_whose_record_does_not_fit_is_named_and_comes_when_there_is_room() {
    let small = XmlKnobs { response_size: 4, profile: RecordProfile::Full, ..XmlKnobs::default() };
    let config = TwinConfig { xml_knobs: small, ..TwinConfig::default() };
    let mut house = House::with(config, json!({})).await;
    assert_eq!(house.exported().await, ROWS.replace("201;Anna Berg;00AA11BB0001;204\n", ""));
    let notice = text(&house.status().await, "/axl/notices/0").to_owned();
    assert!(notice.contains("tag 1 ") && notice.contains("`response size`"), "{notice}");
    house.twin.set_xml_knobs(XmlKnobs::default());
    let load = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(text(&load, "/added/0/number"), "201");
    assert_eq!(house.exported().await, ROWS);
    house.until_pbx("nothing is left out", |status| status["axl"]["notices"] == json!([])).await;
    // What is known stays when there is no room again.
    house.twin.set_xml_knobs(XmlKnobs { response_size: 4, profile: RecordProfile::Full, ..XmlKnobs::default() });
    let load = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(load["removed"], json!([]));
    assert_eq!(house.exported().await, ROWS);
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_and_fifty_phones_come_tag_by_tag_and_one_request_at_a_time() {
    let xml_knobs =
        XmlKnobs { response_size: 16, profile: RecordProfile::Medium, latency_ms: 2, ..XmlKnobs::default() };
    let config = TwinConfig { system: System::large(450), xml_knobs, ..TwinConfig::default() };
    // Sessions are of no interest here.
    let patch = json!({
        "options": {"line_update_interval_s": 45, "invite_rate_per_s": 1},
        "dialect": {"service_state.sources": ["xml"]},
    });
    let mut house = House::unsettled(config, patch).await;
    house.until_pbx("it tells how far it is", |status| text(status, "/axl/progress").contains(" of 450)")).await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    assert_eq!(house.lines().await.len(), 450);
    let (answered, peak, _) = house.twin.xml_counts();
    assert!(answered > 900 && peak <= 1, "{answered} answers, {peak} at once");
    // A look at all of them fits into the interval.
    let began = Instant::now();
    house.twin.unregister_phone("450").await.unwrap();
    house.until_line("1450", "out of service", |line| line["status"] == "out_of_service").await;
    assert!(began.elapsed() < Duration::from_secs(45) + GRACE, "{:?}", began.elapsed());
    assert!(house.twin.xml_counts().1 <= 1);
    house.close().await;
}
