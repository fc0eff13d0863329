//! `ETag`, `If-Match`, `If-None-Match`.

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api};

#[tokio::test]
async fn an_unchanged_resource_is_not_sent_again() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    for path in [format!("/api/v1/pbxs/{pbx}"), format!("/api/v1/lines/{line}")] {
        let tag = api.get(&path).await.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let same = api.send(api.request(Method::GET, &path, Some(ADMIN)).header("if-none-match", &known)).await;
            assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", &*tag), "{known}");
        }
        let other = api.send(api.request(Method::GET, &path, Some(ADMIN)).header("if-none-match", "\"v0\"")).await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test]
async fn a_change_on_old_knowledge_is_refused() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    for (path, one, two) in [
        (
            format!("/api/v1/pbxs/{pbx}"),
            json!({"options": {"invite_window": 5}}),
            json!({"options": {"invite_window": 6}}),
        ),
        (format!("/api/v1/lines/{line}"), json!({"name": "a"}), json!({"name": "b"})),
    ] {
        let change = async |tag: &str, body: &Value| {
            api.send(api.request(Method::PATCH, &path, Some(ADMIN)).header("if-match", tag).json(body)).await
        };
        let old = api.get(&path).await.header("etag").to_owned();
        let first = change(&old, &one).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let new = first.header("etag").to_owned();
        assert_ne!(old, new);
        assert_eq!(change(&old, &two).await.problem(), (412, "precondition_failed".to_owned()));
        assert_eq!(change(&format!("W/{new}"), &two).await.status, 412);
        let unconditional = api.send(api.request(Method::DELETE, &path, Some(ADMIN)).header("if-match", &old)).await;
        assert_eq!(unconditional.problem().0, 412);
        assert_eq!(change(&format!("\"x\", {new}"), &two).await.status, 200);
        assert_eq!(change("*", &one).await.status, 200);
    }
}

#[tokio::test]
async fn of_two_changes_at_once_on_the_same_knowledge_one_is_refused() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let path = format!("/api/v1/pbxs/{pbx}");
    let tag = api.get(&path).await.header("etag").to_owned();
    let change = |window: u32| {
        let body = json!({"options": {"invite_window": window}});
        api.send(api.request(Method::PATCH, &path, Some(ADMIN)).header("if-match", &tag).json(&body))
    };
    let (one, two) = tokio::join!(change(7), change(8));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
