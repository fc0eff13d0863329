//! Enrolments: codes by which machines fetch tokens of their own.

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{Answer, Api, Ws};
use crate::store::Scope;

async fn made(api: &Api, body: Value) -> Value {
    let made = api.post("/api/v1/enrolments", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

async fn enrol(api: &Api, code: &str, machine: &str) -> Answer {
    let body = json!({"code": code, "machine": machine});
    api.send(api.request(Method::POST, "/api/v1/enrol", None).json(&body)).await
}

#[tokio::test]
async fn each_machine_gets_a_token_of_its_own_that_is_revoked_alone() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let enrolment = made(&api, json!({"name": "second floor", "lines": [mine], "uses": 2})).await;
    let code = enrolment["code"].as_str().unwrap();
    assert_eq!((&enrolment["scopes"], &enrolment["state"]), (&json!(["control"]), &json!("open")));
    let mut machines = Vec::new();
    // As a person types it.
    for (code, name) in [(code.to_owned(), "PC-17"), (code.to_lowercase().replace('-', " "), "PC-18")] {
        let answer = enrol(&api, &code, name).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let token = answer.json();
        assert_eq!(token["enrolment_id"], enrolment["id"]);
        let secret = token["token"].as_str().unwrap().to_owned();
        let me = api.get_as(&secret, "/api/v1/me").await.json();
        assert_eq!((&me["name"], &me["scopes"], &me["lines"]), (&json!(name), &json!(["control"]), &json!([mine])));
        assert_eq!(api.get_as(&secret, &format!("/api/v1/lines/{other}")).await.status, 404);
        assert_eq!(api.get_as(&secret, &format!("/api/v1/lines/{mine}")).await.status, 200);
        let socket = Ws::open(&api, &secret).await;
        machines.push((name, token["id"].clone(), secret, socket));
    }
    let clients = api.get("/api/v1/clients").await.json();
    let seen: Vec<_> =
        clients["items"].as_array().unwrap().iter().map(|one| (&one["token"], &one["token_id"])).collect();
    for (name, id, ..) in &machines {
        assert!(seen.contains(&(&json!(name), id)), "{seen:?}");
    }
    let (_, id, secret, mut socket) = machines.remove(0);
    assert_eq!(api.delete(&format!("/api/v1/tokens/{}", id.as_str().unwrap())).await.status, 204);
    assert_eq!(socket.close_code().await, 4001);
    assert_eq!(api.get_as(&secret, "/api/v1/me").await.status, 401);
    let (_, _, secret, mut socket) = machines.remove(0);
    socket.ping().await;
    assert_eq!(api.get_as(&secret, "/api/v1/me").await.status, 200);
    // Taking the code back leaves what it gave.
    let path = format!("/api/v1/enrolments/{}", enrolment["id"].as_str().unwrap());
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.delete(&path).await.problem().0, 404);
    assert_eq!(api.get_as(&secret, "/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn codes_that_give_nothing_look_the_same() {
    let api = Api::start().await;
    let spent = made(&api, json!({"name": "one", "uses": 1})).await;
    let spent = spent["code"].as_str().unwrap();
    assert_eq!(enrol(&api, spent, "PC-1").await.status, 201);
    let taken = made(&api, json!({"name": "taken back", "uses": 5})).await;
    api.delete(&format!("/api/v1/enrolments/{}", taken["id"].as_str().unwrap())).await;
    let soon = crate::domain::Timestamp::from_unix_ms(super::super::auth::wall_clock().unix_ms() + 30);
    let ended = made(&api, json!({"name": "ended", "uses": 5, "expires_at": soon})).await;
    // The clock of the wall is what ends it: nothing tells.
    while super::super::auth::wall_clock() < soon {
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    for code in [spent, taken["code"].as_str().unwrap(), ended["code"].as_str().unwrap(), "LGE-GUESS", "", "\u{0}'; --"]
    {
        let answer = enrol(&api, code, "PC-2").await;
        assert_eq!(answer.problem(), (403, "invalid_code".to_owned()), "{code}");
        let mut body = answer.json();
        body["instance"].take();
        answers.push(body);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:#?}");
    let list = api.get("/api/v1/enrolments").await;
    assert!(!list.text.contains(spent));
    let list = list.json();
    let states: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| (&one["state"], &one["used"])).collect();
    assert_eq!(states, [(&json!("used_up"), &json!(1)), (&json!("expired"), &json!(0))]);
}

#[tokio::test]
async fn a_code_gives_no_more_tokens_than_it_has_uses_to_machines_that_ask_at_once() {
    let api = Api::start().await;
    let enrolment = made(&api, json!({"name": "rush", "uses": 5})).await;
    let code = enrolment["code"].as_str().unwrap();
    let names: Vec<String> = (0..12).map(|index| format!("PC-{index}")).collect();
    let answers = futures_util::future::join_all(names.iter().map(|name| enrol(&api, code, name))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(403)), (5, 7));
    let tokens = api.get("/api/v1/tokens").await.json();
    let given = tokens["items"].as_array().unwrap().iter().filter(|token| token["enrolment_id"] == enrolment["id"]);
    assert_eq!(given.count(), 5);
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_and_then_refused_and_right_ones_pass_on() {
    let api = Api::start().await;
    let enrolment = made(&api, json!({"name": "behind one address", "uses": 2})).await;
    let guesses: Vec<String> = (0..70).map(|index| format!("LGE-{index}")).collect();
    let answers = futures_util::future::join_all(guesses.iter().map(|guess| enrol(&api, guess, "PC-1"))).await;
    let late: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!((late.len(), answers.iter().filter(|answer| answer.status == 403).count()), (10, 60));
    assert!(late.iter().all(|answer| answer.json()["can_retry"] == true && !answer.header("retry-after").is_empty()));
    // Tokens of this address are not touched, and neither are machines with the right code.
    assert_eq!(api.get("/api/v1/me").await.status, 200);
    assert_eq!(enrol(&api, enrolment["code"].as_str().unwrap(), "PC-2").await.status, 201);
}

#[tokio::test]
async fn what_makes_no_enrolment_is_refused_with_its_place() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(65)}), "/name"),
        (json!({"name": "x", "scopes": []}), "/scopes"),
        (json!({"name": "x", "scopes": ["admin"]}), "/scopes"),
        (json!({"name": "x", "lines": []}), "/lines"),
        (json!({"name": "x", "lines": [line, "line_none"]}), "/lines/1"),
        (json!({"name": "x", "uses": 0}), "/uses"),
        (json!({"name": "x", "uses": 100_001}), "/uses"),
        (json!({"name": "x", "expires_at": "2020-01-01T00:00:00.000Z"}), "/expires_at"),
    ] {
        let refused = api.post("/api/v1/enrolments", body).await;
        assert_eq!((refused.status, refused.pointer().as_str()), (422, pointer), "{}", refused.text);
    }
    for (body, status) in [
        (json!({"code": "x", "machine": ""}), 422),
        (json!({"code": "x", "machine": "a\nb"}), 422),
        (json!({"code": "x"}), 422),
        (json!({"code": "x", "machine": "PC", "scopes": ["admin"]}), 422),
    ] {
        let request = api.request(Method::POST, "/api/v1/enrol", None).json(&body);
        assert_eq!(api.send(request).await.problem().0, status, "{body}");
    }
    let (_, control) = api.token(Scope::Control, None, None).await;
    for request in [
        api.request(Method::GET, "/api/v1/enrolments", Some(&control)),
        api.request(Method::POST, "/api/v1/enrolments", Some(&control)).json(&json!({"name": "x"})),
    ] {
        assert_eq!(api.send(request).await.problem().0, 403);
    }
}
