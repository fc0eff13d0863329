//! `/journal`: filters, pages, tables, and who may see what.

use serde_json::{Value, json};

use super::kit::{ADMIN, Api, call, call_change};
use crate::domain::{Call, CallState, Cause, Direction, LineId, Party, PbxId, Timestamp};
use crate::store::Scope;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000 + seconds * 1000)
}

fn party(number: &str, name: &str) -> Party {
    Party {
        number: Some(number.to_owned()),
        raw: Some(number.to_owned()),
        name: Some(name.to_owned()),
        ..Party::default()
    }
}

fn ended(number: usize, line: &LineId, pbx: &PbxId, seconds: i64, cause: Cause) -> Call {
    let mut call = call(number, line, pbx, CallState::Ended);
    call.cause = Some(cause);
    call.ended_at = Some(at(seconds));
    call.caller = party("+49 (30) 12345", "=1+1");
    call.called = party("201", "Anna \"A\" Berg, sales");
    call
}

async fn ids(api: &Api, token: &str, query: &str) -> Vec<String> {
    let answer = api.get_as(token, &format!("/api/v1/journal?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["id"].as_str().unwrap().trim_start_matches("call_0000").to_owned()).collect()
}

/// Two lines, five calls: 1 is the oldest; 5 has ended before 4 was told of.
async fn filled() -> (Api, LineId, LineId, PbxId) {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let mut answered = ended(2, &other, &pbx, 20, Cause::Normal);
    answered.answered_at = Some(at(15));
    let mut busy = ended(3, &mine, &pbx, 30, Cause::Busy);
    (busy.direction, busy.called) = (Direction::Outbound, party("*61", ""));
    for call in [
        ended(1, &mine, &pbx, 10, Cause::CallerGaveUp),
        answered,
        busy,
        ended(5, &mine, &pbx, 45, Cause::NoAnswer),
        ended(4, &mine, &pbx, 40, Cause::Rejected),
    ] {
        api.publish(vec![call_change(call)]).await;
    }
    (api, mine, other, pbx)
}

#[tokio::test]
async fn entries_are_found_by_every_filter() {
    let (api, mine, other, pbx) = filled().await;
    for (query, expected) in [
        (String::new(), vec!["05", "04", "03", "02", "01"]),
        (format!("line={other}"), vec!["02"]),
        (format!("line={mine}&direction=inbound"), vec!["05", "04", "01"]),
        ("direction=outbound".to_owned(), vec!["03"]),
        (format!("pbx={pbx}&result=missed"), vec!["05", "01"]),
        ("pbx=pbx_none".to_owned(), vec![]),
        ("result=answered".to_owned(), vec!["02"]),
        ("conversation=conv_000004".to_owned(), vec!["04"]),
        ("number=%2B493012345&result=rejected".to_owned(), vec!["04"]),
        ("number=49/30-12345&result=rejected".to_owned(), vec!["04"]),
        ("number=*61".to_owned(), vec!["03"]),
        ("number=6".to_owned(), vec![]),
        (format!("since={}", at(30)), vec!["05", "04", "03"]),
        (format!("until={}", at(30)), vec!["02", "01"]),
        (format!("since={}&until={}", at(20), at(41)), vec!["04", "03", "02"]),
    ] {
        assert_eq!(ids(&api, ADMIN, &query).await, expected, "{query}");
    }
    for (query, pointer) in [
        ("result=won", "/result"),
        ("direction=up", "/direction"),
        ("since=yesterday", "/since"),
        ("number=anna", "/number"),
        ("cursor=MWFiYw", "/cursor"),
        ("state=ended", "/state"),
        ("limit=0", "/limit"),
    ] {
        let refused = api.get(&format!("/api/v1/journal?{query}")).await;
        assert_eq!((refused.status, refused.pointer().as_str()), (422, pointer), "{query}");
    }
}

#[tokio::test]
async fn pages_go_on_where_they_were_while_calls_end() {
    let (api, mine, _, pbx) = filled().await;
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let answer = api.get(&format!("/api/v1/journal?{query}")).await;
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        let link = answer.header("link");
        assert_eq!(link, format!("</api/v1/journal?limit=2&cursor={next}>; rel=\"next\""));
        query = format!("limit=2&cursor={next}");
        // What ends meanwhile is newer and moves nothing.
        let number = 10 + seen.len();
        let late = ended(number, &mine, &pbx, 100, Cause::Normal);
        api.publish(vec![call_change(late)]).await;
    }
    assert_eq!(seen, ["call_000005", "call_000004", "call_000003", "call_000002", "call_000001"]);
}

#[tokio::test]
async fn a_limited_token_sees_the_past_of_its_lines() {
    let (api, _, other, pbx) = filled().await;
    let far = api.pbx("far").await;
    let (_, token) = api.token(Scope::Read, Some(vec![other.clone()]), None).await;
    assert_eq!(ids(&api, &token, "").await, ["02"]);
    assert!(ids(&api, &token, "result=missed").await.is_empty());
    let (_, nothing) = api.token(Scope::Read, Some(Vec::new()), None).await;
    assert!(ids(&api, &nothing, "").await.is_empty());
    let blind = async |token: &str| -> Vec<String> {
        let list = api.get_as(token, "/api/v1/journal/blind").await.json();
        list["items"].as_array().unwrap().iter().map(|item| item["pbx_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(blind(&token).await, [pbx.as_str()]);
    assert_eq!(blind(ADMIN).await, [far.as_str(), pbx.as_str()]);
    assert!(blind(&nothing).await.is_empty());
}

#[tokio::test]
async fn a_table_is_given_to_whoever_accepts_one() {
    let (api, ..) = filled().await;
    let csv = async |accept: &str, query: &str| {
        let path = format!("/api/v1/journal?{query}");
        let request = api.request(reqwest::Method::GET, &path, Some(ADMIN)).header("accept", accept);
        api.send(request).await
    };
    let table = csv("text/csv", "limit=3&direction=inbound").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    let mut reader = csv::Reader::from_reader(table.text.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| rows[row][head.iter().position(|one| one == name).unwrap()].to_owned();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (cell(0, "id"), cell(0, "result"), cell(2, "result")),
        ("call_000005".into(), "missed".into(), "answered".into())
    );
    assert_eq!((cell(2, "talk_s"), cell(0, "line_number")), ("5".into(), "201".into()));
    assert_eq!((cell(0, "called_name"), cell(0, "caller_name")), ("Anna \"A\" Berg, sales".into(), "'=1+1".into()));
    assert_eq!((cell(0, "ended_at"), cell(0, "answered_at")), (at(45).to_string(), String::new()));
    let link = table.header("link").to_owned();
    let next = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap().0.to_owned();
    let last = csv("text/csv;q=0.9", next.split_once('?').unwrap().1).await;
    assert_eq!((last.text.lines().count(), last.header("link")), (2, ""));
    for accept in ["*/*", "application/json, text/csv", "application/json"] {
        assert_eq!(csv(accept, "").await.header("content-type"), "application/json", "{accept}");
    }
}

#[tokio::test]
async fn an_entry_is_the_last_object_and_what_came_of_it() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let mut offered = call(1, &line, &pbx, CallState::Offering);
    offered.state_since = at(0);
    let mut talking = offered.clone();
    (talking.state, talking.answered_at, talking.state_since) = (CallState::Connected, Some(at(4)), at(4));
    let mut last = talking.clone();
    (last.state, last.ended_at, last.cause) = (CallState::Ended, Some(at(64)), Some(Cause::Normal));
    api.publish([offered, talking, last.clone()].map(call_change).into()).await;
    let entry = api.get("/api/v1/journal").await.json()["items"][0].clone();
    let mut expected = serde_json::to_value(&last).unwrap();
    for (key, value) in [
        ("ring_s", json!(4.0)),
        ("talk_s", json!(60.0)),
        ("result", json!("answered")),
        ("actor", json!("phone")),
        ("created_by", json!("phone")),
        ("answered_by", json!("phone")),
    ] {
        expected[key] = value;
    }
    assert_eq!(entry, expected);
    assert_eq!(api.get("/api/v1/calls/call_000001").await.problem().0, 404);
}

#[tokio::test]
async fn the_past_outlives_the_pbx_and_a_restart() {
    let (api, _, _, pbx) = filled().await;
    assert_eq!(api.delete(&format!("/api/v1/pbxs/{pbx}")).await.status, 204);
    let folder = api.end().await;
    let api = Api::over(folder, super::kit::settings(), crate::api::ServeSettings::default()).await;
    assert_eq!(ids(&api, ADMIN, &format!("pbx={pbx}")).await.len(), 5);
    let blind = api.get("/api/v1/journal/blind").await.json();
    let times = blind["items"].as_array().unwrap();
    assert!(times.iter().all(|time| !time["until"].is_null()), "a PBX that is gone is not missed: {blind}");
    assert_eq!(blind["next_cursor"], Value::Null);
}

#[tokio::test]
async fn calls_of_a_pbx_that_went_with_the_process_get_their_end() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    api.publish(vec![call_change(call(1, &line, &pbx, CallState::Offering))]).await;
    api.gateway.store().delete_pbx(&pbx).await.unwrap();
    let folder = api.end().await;
    let api = Api::over(folder, super::kit::settings(), crate::api::ServeSettings::default()).await;
    super::kit::soon("the end of the call", async {
        while !api.gateway.journal().view().calls.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let entry = api.get("/api/v1/journal").await.json()["items"][0].clone();
    assert_eq!(
        (&entry["id"], &entry["cause"], &entry["result"]),
        (&json!("call_000001"), &json!("lost"), &json!("unknown"))
    );
    assert_eq!(entry["actor"], "gateway");
}
