//! Secrets stay secret: at the loudest log level, in every event, answer and refusal.

use std::io;
use std::sync::{Arc, Mutex};

use cme_twin::{HttpFailure, TwinConfig, XmlKnobs};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::kit::House;

const PASSWORD: &str = "canary-pass-4711";
const OTHER: &str = "canary-wrong-0815";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// All other scenarios of this process log here too; none of them knows the secrets of this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_appears_nowhere() {
    let lines = Lines::default();
    let trace = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .with_ansi(false)
        .finish();
    // Whoever set up logs before keeps them; this process has none of its own.
    tracing::subscriber::set_global_default(trace).unwrap();
    let mut config = TwinConfig::default();
    config.system.xml_password = PASSWORD.to_owned();
    let mut house = House::with(config, json!({})).await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let mut seen = String::new();
    for path in [
        "/pbxs".to_owned(),
        format!("/pbxs/{}", house.pbx),
        format!("/pbxs/{}/status", house.pbx),
        "/lines".to_owned(),
        "/calls".to_owned(),
        "/snapshot".to_owned(),
    ] {
        seen += &house.client().get(&path).await.unwrap().to_string();
    }
    house.twin.set_xml_knobs(XmlKnobs { failure: HttpFailure::Unauthorized, ..XmlKnobs::default() });
    let path = format!("/pbxs/{}", house.pbx);
    seen += &house.client().patch(&path, &json!({"axl": {"password": OTHER}})).await.unwrap().to_string();
    house
        .until_pbx("the credentials are rejected", |status| {
            status["axl"]["state"] == "refused" && status["sip"]["state"] == "refused"
        })
        .await;
    seen += &house.status().await.to_string();
    seen += &format!("{:?}", house.client().patch(&path, &json!({"axl": {"password": OTHER, "nonsense": 1}})).await);
    seen += &format!(
        "{:?}",
        house.client().post("/pbxs", &json!({"name": "x", "host": "", "axl": {"password": OTHER}})).await
    );
    seen += &house.client().probe("/readyz").await.unwrap().1;
    house.drain().await;
    for event in house.stream.seen() {
        seen += &event.to_string();
    }
    house.gateway.stop().await;
    let logged = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    assert!(logged.len() > 10_000, "there was a log");
    let encoded = base64_of(&format!("ctigw:{PASSWORD}"));
    for secret in [PASSWORD, OTHER, encoded.as_str(), "a-token-of-the-scenarios"] {
        assert!(!seen.contains(secret), "{secret} in an answer or event");
        let at = logged.lines().find(|line| line.contains(secret));
        // The HTTP client of this test is not the gateway's.
        assert!(at.is_none(), "{secret} in the log: {at:?}");
    }
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
