//! Being the people at the phones.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::read;
use super::error::Failure;
use crate::{CallRef, TrunkAction, Twin};

type Answer = Result<Json<Value>, Failure>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct What {
    /// The number to call.
    to: String,
    digits: String,
    /// Which line of the phone; the first one if missing.
    line: Option<String>,
}

fn call(call: &CallRef) -> Json<Value> {
    Json(json!({ "gcid": call.gcid }))
}

fn done(_: ()) -> Json<Value> {
    Json(json!({}))
}

/// `POST /lines/{number}/{verb}`; the number may be `number@phone`.
pub(super) async fn at_line(
    State(twin): State<Twin>,
    Path((line, verb)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    perform(&twin, &line, &verb, &read(&body)?).await
}

/// `POST /phones/{phone}/{verb}`.
pub(super) async fn at_phone(
    State(twin): State<Twin>,
    Path((phone, verb)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let what: What = read(&body)?;
    let tag = twin.system().phone_of(&phone).ok_or_else(|| Failure::missing("there is no such phone"))?;
    let truth = twin.truth();
    let first = truth.phones.iter().find(|one| one.tag == tag).and_then(|one| one.numbers.first().cloned());
    let number = what.line.clone().or(first).ok_or_else(|| Failure::missing("the phone has no line"))?;
    perform(&twin, &format!("{number}@{tag}"), &verb, &what).await
}

async fn perform(twin: &Twin, line: &str, verb: &str, what: &What) -> Answer {
    Ok(match verb {
        "dial" => call(&twin.dial(line, &what.to).await?),
        "off-hook" => call(&twin.off_hook(line).await?),
        "digits" => done(twin.digits(line, &what.digits).await?),
        "answer" => call(&twin.answer(line).await?),
        "hang-up" => done(twin.hang_up(line).await?),
        "hold" => done(twin.hold(line).await?),
        "retrieve" => done(twin.retrieve(line).await?),
        "alternate" => done(twin.alternate(line).await?),
        "transfer" => call(&twin.transfer(line, &what.to).await?),
        "complete-transfer" => call(&twin.complete_transfer(line).await?),
        "blind-transfer" => done(twin.blind_transfer(line, &what.to).await?),
        "reconnect" => done(twin.reconnect(line).await?),
        "conference" => call(&twin.conference(line).await?),
        "deflect" => done(twin.deflect(line, &what.to).await?),
        other => return Err(Failure::missing(format!("there is no action `{other}`; GET / lists them"))),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

pub(super) async fn dnd(State(twin): State<Twin>, Path(phone): Path<String>, body: Bytes) -> Answer {
    let switch: Switch = read(&body)?;
    Ok(done(twin.dnd(&phone, switch.on).await?))
}

pub(super) async fn register(State(twin): State<Twin>, Path(phone): Path<String>) -> Answer {
    Ok(done(twin.register_phone(&phone).await?))
}

pub(super) async fn unregister(State(twin): State<Twin>, Path(phone): Path<String>) -> Answer {
    Ok(done(twin.unregister_phone(&phone).await?))
}

pub(super) async fn die(State(twin): State<Twin>, Path(phone): Path<String>) -> Answer {
    Ok(done(twin.phone_died(&phone).await?))
}

pub(super) async fn lose_power(State(twin): State<Twin>, Path(phone): Path<String>) -> Answer {
    Ok(done(twin.phone_loses_power(&phone).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
}

pub(super) async fn login(State(twin): State<Twin>, Path(phone): Path<String>, body: Bytes) -> Answer {
    let login: Login = read(&body)?;
    Ok(done(twin.login(&login.user, &phone).await?))
}

pub(super) async fn logout(State(twin): State<Twin>, Path(user): Path<String>) -> Answer {
    Ok(done(twin.logout(&user).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Forward {
    kind: String,
    to: String,
    seconds: Option<u32>,
}

pub(super) async fn forward(State(twin): State<Twin>, Path(number): Path<String>, body: Bytes) -> Answer {
    let forward: Forward = read(&body)?;
    Ok(done(twin.forward_when(&number, &forward.kind, &forward.to, forward.seconds).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    #[serde(default)]
    from: String,
    to: String,
}

pub(super) async fn call_in(State(twin): State<Twin>, body: Bytes) -> Answer {
    let incoming: Incoming = read(&body)?;
    Ok(call(&twin.call_in(&incoming.from, &incoming.to).await?))
}

pub(super) async fn trunk(State(twin): State<Twin>, Path((gcid, action)): Path<(String, String)>) -> Answer {
    let action: TrunkAction = serde_json::from_value(Value::String(action))
        .map_err(|_| Failure::missing("the actions are ring, answer, busy, hang-up"))?;
    Ok(done(twin.trunk(&gcid, action).await?))
}
