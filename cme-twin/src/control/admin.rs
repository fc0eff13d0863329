//! Looking at the twin, and what happens to a router.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Failure;
use crate::{Behaviour, Faults, Requests, System, Truth, Twin, Violation, XmlKnobs};

pub(super) async fn truth(State(twin): State<Twin>) -> Json<Truth> {
    Json(twin.truth())
}

pub(super) async fn system(State(twin): State<Twin>) -> Json<System> {
    Json(twin.system())
}

pub(super) async fn violations(State(twin): State<Twin>) -> Json<Vec<Violation>> {
    Json(twin.violations())
}

pub(super) async fn clear_violations(State(twin): State<Twin>) -> Json<Value> {
    twin.clear_violations();
    Json(json!({}))
}

pub(super) async fn requests(State(twin): State<Twin>) -> Json<Requests> {
    Json(twin.requests())
}

pub(super) async fn clear_requests(State(twin): State<Twin>) -> Json<Value> {
    twin.clear_requests();
    Json(json!({}))
}

pub(super) async fn faults(State(twin): State<Twin>) -> Json<Faults> {
    Json(twin.faults())
}

pub(super) async fn set_faults(State(twin): State<Twin>, body: Bytes) -> Result<Json<Faults>, Failure> {
    twin.set_faults(read(&body)?);
    Ok(Json(twin.faults()))
}

pub(super) async fn behaviour(State(twin): State<Twin>) -> Json<Behaviour> {
    Json(twin.behaviour())
}

pub(super) async fn set_behaviour(State(twin): State<Twin>, body: Bytes) -> Result<Json<Behaviour>, Failure> {
    twin.set_behaviour(merged(&twin.behaviour(), &body)?);
    Ok(Json(twin.behaviour()))
}

pub(super) async fn knobs(State(twin): State<Twin>) -> Json<XmlKnobs> {
    Json(twin.xml_knobs())
}

pub(super) async fn set_knobs(State(twin): State<Twin>, body: Bytes) -> Result<Json<XmlKnobs>, Failure> {
    let knobs: XmlKnobs = merged(&twin.xml_knobs(), &body)?;
    knobs.check().map_err(Failure::bad)?;
    twin.set_xml_knobs(knobs);
    Ok(Json(twin.xml_knobs()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Down {
    down_ms: u64,
}

/// Answers at once; the router comes up again by itself.
pub(super) async fn reload(State(twin): State<Twin>, body: Bytes) -> Result<Json<Value>, Failure> {
    let down: Down = read(&body)?;
    tokio::spawn(async move { twin.reload(Duration::from_millis(down.down_ms)).await });
    Ok(Json(json!({})))
}

pub(super) async fn stop(State(twin): State<Twin>) -> Json<Value> {
    twin.stop().await;
    Json(json!({}))
}

pub(super) async fn kill(State(twin): State<Twin>) -> Json<Value> {
    twin.kill_connections().await;
    Json(json!({}))
}

pub(super) async fn reset(State(twin): State<Twin>) -> Json<Value> {
    twin.reset_connections().await;
    Json(json!({}))
}

pub(super) async fn half_open(State(twin): State<Twin>) -> Json<Value> {
    twin.half_open();
    Json(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

pub(super) async fn cti_shutdown(State(twin): State<Twin>, body: Bytes) -> Result<Json<Value>, Failure> {
    let switch: Switch = read(&body)?;
    twin.cti_shutdown(switch.on);
    Ok(Json(json!({})))
}

pub(super) async fn basic_mode(State(twin): State<Twin>, body: Bytes) -> Result<Json<Value>, Failure> {
    let switch: Switch = read(&body)?;
    twin.basic_mode(switch.on);
    Ok(Json(json!({})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    status: String,
}

pub(super) async fn cti_status(State(twin): State<Twin>, body: Bytes) -> Result<Json<Value>, Failure> {
    let status: Status = read(&body)?;
    twin.system_status(&status.status);
    Ok(Json(json!({})))
}

pub(super) async fn reference(State(twin): State<Twin>) -> Json<Value> {
    twin.change_reference();
    Json(json!({}))
}

pub(super) async fn clear_session(State(twin): State<Twin>, Path(number): Path<String>) -> Json<Value> {
    Json(json!({ "sessions": twin.clear_session(&number) }))
}

pub(super) async fn lose_session(State(twin): State<Twin>, Path(number): Path<String>) -> Json<Value> {
    Json(json!({ "sessions": twin.lose_session(&number) }))
}

pub(super) async fn stop_monitors(State(twin): State<Twin>, Path(number): Path<String>) -> Json<Value> {
    Json(json!({ "monitors": twin.stop_monitors(&number) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Injection {
    method: String,
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    body: String,
}

pub(super) async fn inject(
    State(twin): State<Twin>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let injection: Injection = read(&body)?;
    if injection.method.is_empty() || !injection.method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Failure::bad("`method` is a SIP method in capitals"));
    }
    let sent = twin.inject(&number, &injection.method, &injection.content_type, &injection.body);
    Ok(Json(json!({ "sent": sent })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flood {
    events: u32,
}

pub(super) async fn flood(
    State(twin): State<Twin>,
    Path(phone): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let flood: Flood = read(&body)?;
    twin.flood(&phone, flood.events.min(100_000));
    Ok(Json(json!({})))
}

/// A JSON body; an empty one is `{}`.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| Failure::bad(error.to_string()))
}

/// The present value with the fields of a body in place of its own, at every depth.
fn merged<T: Serialize + DeserializeOwned>(present: &T, body: &Bytes) -> Result<T, Failure> {
    let mut value = serde_json::to_value(present).map_err(|error| Failure::bad(error.to_string()))?;
    put(&mut value, read(body)?);
    serde_json::from_value(value).map_err(|error| Failure::bad(error.to_string()))
}

fn put(present: &mut Value, given: Value) {
    match (present, given) {
        (Value::Object(present), Value::Object(given)) => {
            for (name, value) in given {
                put(present.entry(name).or_insert(Value::Null), value);
            }
        }
        (present, given) => *present = given,
    }
}
