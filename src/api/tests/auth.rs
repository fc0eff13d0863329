//! Credentials: every route of the document, and what a token may see.

use reqwest::Method;
use serde_json::Value;

use super::kit::{ADMIN, Api, call, call_change};
use crate::domain::{CallState, Timestamp};
use crate::store::Scope;

/// A route of the document: method, path with ids filled in, needed scope (`None` for the open ones).
struct Route {
    method: Method,
    path: String,
    scope: Option<Scope>,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(crate::api::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let mut filled = path.clone();
            for (name, id) in [
                ("pbx", "pbx_1"),
                ("line", "line_1"),
                ("call", "call_1"),
                ("token_id", "tok_1"),
                ("enrolment", "enr_1"),
            ] {
                filled = filled.replace(&format!("{{{name}}}"), id);
            }
            assert!(!filled.contains('{'), "{filled}");
            let needs = &operation["security"][0];
            let scope = match needs["bearer"][0].as_str() {
                Some("read") => Some(Scope::Read),
                Some("control") => Some(Scope::Control),
                Some("admin") => Some(Scope::Admin),
                None if *needs == Value::Object(serde_json::Map::new()) => None,
                other => panic!("{method} {path} says neither its scope nor that it is open: {other:?}"),
            };
            routes.push(Route { method: method.to_uppercase().parse().unwrap(), path: filled, scope });
        }
    }
    routes
}

#[tokio::test]
async fn every_route_refuses_who_may_not_use_it() {
    let api = Api::start().await;
    let (_, expired) = api.token(Scope::Admin, None, Some(Timestamp::from_unix_ms(1))).await;
    let (revoked_id, revoked) = api.token(Scope::Admin, None, None).await;
    // In use before it is revoked: no cache may keep it alive.
    assert_eq!(api.get_as(&revoked, "/api/v1/me").await.status, 200);
    assert_eq!(api.delete(&format!("/api/v1/tokens/{revoked_id}")).await.status, 204);
    let scopes = [Scope::Read, Scope::Control, Scope::Admin];
    let mut tokens = Vec::new();
    for scope in scopes {
        tokens.push((scope, api.token(scope, None, None).await.1));
    }
    let routes = routes();
    assert!(routes.len() >= 30, "{}", routes.len());
    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
        let ask = async |token: Option<&str>| api.send(api.request(route.method.clone(), &route.path, token)).await;
        let Some(needed) = route.scope else {
            // Without a body it is the body that is refused: the code in it is the credential.
            let expected = if route.path == "/api/v1/enrol" { 400..=400 } else { 200..=399 };
            let status = ask(None).await.status;
            assert!(expected.contains(&status) || route.path == "/readyz", "{name} is open: {status}");
            continue;
        };
        for (what, token) in
            [("none", None), ("wrong", Some("lg_wrong")), ("expired", Some(&*expired)), ("revoked", Some(&*revoked))]
        {
            let answer = ask(token).await;
            assert_eq!(answer.problem(), (401, "unauthorized".to_owned()), "{name} with {what} token");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"linegate\"");
        }
        for (scope, token) in &tokens {
            let answer = ask(Some(token)).await;
            if *scope < needed {
                assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{name} with scope {}", scope.as_str());
                let hint = answer.json()["hint"].as_str().unwrap().to_owned();
                assert!(hint.contains(&format!("the scope {}", needed.as_str())), "{name}: {hint}");
            } else {
                assert!(
                    ![401, 403, 500].contains(&answer.status),
                    "{name} with scope {}: {}",
                    scope.as_str(),
                    answer.text
                );
            }
        }
    }
}

#[tokio::test]
async fn credentials_of_other_forms_are_no_credentials() {
    let api = Api::start().await;
    for header in [format!("Basic {ADMIN}"), ADMIN.to_owned(), "Bearer".to_owned(), "Bearer ".to_owned()] {
        let request = api.request(Method::GET, "/api/v1/me", None).header("authorization", &header);
        assert_eq!(api.send(request).await.status, 401, "{header}");
    }
    let twice = api.request(Method::GET, "/api/v1/me", Some(ADMIN)).header("authorization", format!("Bearer {ADMIN}"));
    assert_eq!(api.send(twice).await.status, 401, "two headers are ambiguous");
    assert_eq!(api.get_as(ADMIN, "/api/v1/me").await.status, 200);
    let lower = api.request(Method::GET, "/api/v1/me", None).header("authorization", format!("bearer {ADMIN}"));
    assert_eq!(api.send(lower).await.status, 200);
    // No token in a URL.
    let in_url = api.request(Method::GET, &format!("/api/v1/me?token={ADMIN}"), None);
    assert_eq!(api.send(in_url).await.status, 401);
}

#[tokio::test]
async fn a_limited_token_sees_nothing_of_other_lines() {
    let api = Api::start().await;
    let (near, far) = (api.pbx("near").await, api.pbx("far").await);
    let (mine, other, foreign) =
        (api.line(&near, "201").await, api.line(&near, "202").await, api.line(&far, "301").await);
    let changes = [(1, &mine, &near), (2, &other, &near), (3, &foreign, &far)]
        .map(|(number, line, pbx)| call_change(call(number, line, pbx, CallState::Offering)));
    api.publish(changes.into()).await;
    let (_, token) = api.token(Scope::Control, Some(vec![mine.clone()]), None).await;
    let ids = async |path: &str| -> Vec<String> {
        let list = api.get_as(&token, path).await.json();
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("/api/v1/pbxs").await, [near.as_str()]);
    assert_eq!(ids("/api/v1/lines").await, [mine.as_str()]);
    assert_eq!(ids("/api/v1/calls").await, ["call_000001"]);
    let snapshot = api.get_as(&token, "/api/v1/snapshot").await.json();
    for (list, id) in [("pbxs", near.as_str()), ("lines", mine.as_str()), ("calls", "call_000001")] {
        let items = snapshot[list].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["id"]), (1, &Value::from(id)), "{list}");
    }
    for path in [
        format!("/api/v1/lines/{other}"),
        format!("/api/v1/lines/{foreign}"),
        format!("/api/v1/pbxs/{far}"),
        format!("/api/v1/pbxs/{far}/status"),
        "/api/v1/calls/call_000002".to_owned(),
        format!("/api/v1/snapshot?lines={other}"),
        format!("/api/v1/events?pbxs={far}"),
        format!("/api/v1/events?lines={other}"),
    ] {
        let hidden = api.get_as(&token, &path).await;
        assert_eq!(hidden.problem(), (404, "not_found".to_owned()), "{path}");
    }
    for path in [format!("/api/v1/lines/{other}/calls"), "/api/v1/calls/call_000002/answer".to_owned()] {
        let hidden = api.send(api.request(Method::POST, &path, Some(&token))).await;
        assert_eq!(hidden.problem(), (404, "not_found".to_owned()), "{path}");
    }
    // What does not exist looks exactly the same.
    let (hidden, absent) = (
        api.get_as(&token, &format!("/api/v1/lines/{other}")).await,
        api.get_as(&token, "/api/v1/lines/line_none").await,
    );
    assert_eq!(hidden.json()["detail"], absent.json()["detail"]);
}

#[tokio::test]
async fn tokens_are_made_shown_once_and_checked() {
    use serde_json::json;

    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let made = api.post("/api/v1/tokens", json!({"name": "crm", "scopes": ["read", "control"], "lines": [line]})).await;
    assert_eq!(made.status, 201);
    let secret = made.json()["token"].as_str().unwrap().to_owned();
    assert!(secret.len() > 40);
    let me = api.get_as(&secret, "/api/v1/me").await.json();
    assert_eq!((&me["name"], &me["scopes"], &me["lines"]), (&json!("crm"), &json!(["control"]), &json!([line])));
    let list = api.get("/api/v1/tokens").await;
    assert!(!list.text.contains(&secret) && list.text.contains("tok_bootstrap"));
    for (body, pointer) in [
        (json!({"name": "", "scopes": ["read"]}), "/name"),
        (json!({"name": "x".repeat(65), "scopes": ["read"]}), "/name"),
        (json!({"name": "a\nb", "scopes": ["read"]}), "/name"),
        (json!({"name": "x", "scopes": []}), "/scopes"),
        (json!({"name": "x", "scopes": ["root"]}), "/scopes/0"),
        (json!({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00.000Z"}), "/expires_at"),
        (json!({"name": "x", "scopes": ["read"], "lines": []}), "/lines"),
        (json!({"name": "x", "scopes": ["read"], "lines": ["line_none"]}), "/lines/0"),
        (json!({"name": "x", "scopes": ["admin"], "lines": [line]}), "/lines"),
    ] {
        let refused = api.post("/api/v1/tokens", body).await;
        assert_eq!((refused.status, refused.pointer().as_str()), (422, pointer), "{}", refused.text);
    }
    assert_eq!(api.delete("/api/v1/tokens/tok_bootstrap").await.problem().0, 409);
    assert_eq!(api.delete("/api/v1/tokens/tok_none").await.problem().0, 404);
}
