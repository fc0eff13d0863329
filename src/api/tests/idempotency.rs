//! `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::kit::{ADMIN, Answer, Api, settings};
use crate::api::ServeSettings;
use crate::domain::TokenId;
use crate::store::{Claim, Scope};

async fn post(api: &Api, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    api.send(api.request(Method::POST, path, Some(token)).header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again_even_after_a_restart() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let body = json!({"pbx_id": pbx, "number": "201"});
    let first = post(&api, ADMIN, "/api/v1/lines", "key-1", &body).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
    let again = post(&api, ADMIN, "/api/v1/lines", "key-1", &body).await;
    assert_eq!((again.status, &again.text, again.header("idempotency-replayed")), (201, &first.text, "true"));
    for name in ["location", "etag", "event-position", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    let other_body = post(&api, ADMIN, "/api/v1/lines", "key-1", &json!({"pbx_id": pbx, "number": "202"})).await;
    assert_eq!(other_body.problem(), (422, "idempotency_key_reused".to_owned()));
    // Keys belong to their token.
    let (_, other) = api.token(Scope::Admin, None, None).await;
    assert_eq!(post(&api, &other, "/api/v1/lines", "key-1", &body).await.problem(), (409, "conflict".to_owned()));
    let folder = api.end().await;
    let api = Api::over(folder, settings(), ServeSettings::default()).await;
    let later = post(&api, ADMIN, "/api/v1/lines", "key-1", &body).await;
    assert_eq!((later.status, &later.text), (201, &first.text));
    assert_eq!(api.get("/api/v1/lines").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_that_changed_nothing_frees_the_key() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let wrong = post(&api, ADMIN, "/api/v1/lines", "key-2", &json!({"pbx_id": pbx, "number": "x"})).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(post(&api, ADMIN, "/api/v1/lines", "key-2", &json!({"pbx_id": pbx, "number": "201"})).await.status, 201);
    // Who may not do it uses no key up, and learns nothing of the answer.
    let (_, reader) = api.token(Scope::Read, None, None).await;
    assert_eq!(post(&api, &reader, "/api/v1/lines", "key-2", &json!({})).await.status, 403);
    let anonymous = api.request(Method::POST, "/api/v1/lines", None).header("idempotency-key", "key-2");
    assert_eq!(api.send(anonymous).await.status, 401);
}

#[tokio::test]
async fn while_the_first_one_runs_a_repetition_is_refused() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let path = format!("/api/v1/pbxs/{pbx}/load-lines");
    let mut hash = Sha256::new();
    hash.update(format!("POST\0{path}\0{{}}"));
    let hash: [u8; 32] = hash.finalize().into();
    let token = TokenId::parse("tok_bootstrap").unwrap();
    let claim = api.gateway.store().claim_key(&token, "key-3", &hash, crate::api::auth::wall_clock()).await.unwrap();
    assert_eq!(claim, Claim::Fresh);
    let refused = post(&api, ADMIN, &path, "key-3", &json!({})).await;
    assert_eq!(refused.problem(), (409, "idempotency_key_in_use".to_owned()));
    assert_eq!((refused.header("retry-after"), &refused.json()["can_retry"]), ("1", &json!(true)));
    api.gateway.store().release_key(&token, "key-3").await.unwrap();
    assert_ne!(post(&api, ADMIN, &path, "key-3", &json!({})).await.json()["code"], "idempotency_key_in_use");
}

#[tokio::test]
async fn many_repetitions_at_once_make_one_line() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let body = json!({"pbx_id": pbx, "number": "201"});
    let asked = (0..40).map(|_| post(&api, ADMIN, "/api/v1/lines", "key-4", &body));
    for answer in futures_util::future::join_all(asked).await {
        assert!([201, 409].contains(&answer.status), "{}", answer.text);
    }
    assert_eq!(api.get("/api/v1/lines").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn keys_have_1_to_255_visible_characters() {
    let api = Api::start().await;
    for key in [String::new(), "x".repeat(256), "a b".to_owned(), "a\tb".to_owned()] {
        let refused = post(&api, ADMIN, "/api/v1/lines", &key, &json!({})).await;
        assert_eq!(refused.problem(), (422, "invalid_value".to_owned()));
    }
}
