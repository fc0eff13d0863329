//! Forwarding and do not disturb are commands: what comes of them carries who asked, and the router's word counts.

use cme_twin::Faults;
use serde_json::{Value, json};

use crate::kit::{House, PATIENCE, refused, text};

/// The four wishes: path, body, name of the action, the field of the line that changes.
fn wishes() -> [(&'static str, Value, &'static str, &'static str); 4] {
    [
        ("forwarding", json!({"unconditional": "208"}), "forward", "forwarding"),
        ("forwarding", json!({"unconditional": null}), "forward", "forwarding"),
        ("do-not-disturb", json!({"enabled": true}), "do_not_disturb", "do_not_disturb"),
        ("do-not-disturb", json!({"enabled": false}), "do_not_disturb", "do_not_disturb"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_tells_who_changed_it_and_by_which_command() {
    let mut house = House::open().await;
    let line = house.line_id("201").await;
    let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    for (path, body, action, field) in wishes() {
        house.stream.catch_up(&house.gateway.client).await;
        house.stream.skip();
        let url = format!("{}/api/v1/lines/{line}/{path}", house.gateway.url());
        let answer = http.put(url).bearer_auth(house.gateway.token()).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let (command, position) = (header("command-id"), header("event-position"));
        assert!(position.contains(':'), "{position}");
        let is_it = |event: &Value| event["event"] == "line.updated" && event["line_id"] == line.as_str();
        let changed = house
            .stream
            .next("the change", |event| {
                is_it(event) && event["changed"].as_array().is_some_and(|changed| changed.contains(&json!(field)))
            })
            .await;
        assert_eq!(changed["command_id"], command.as_str(), "{changed:#}");
        let actor = text(&changed, "/actor").to_owned();
        assert!(!["gateway", "phone"].contains(&actor.as_str()), "{changed:#}");
        let outcome = house
            .stream
            .find("its outcome", |event| {
                event["event"] == "command.succeeded" && event["command_id"] == command.as_str()
            })
            .await;
        assert_eq!((text(&outcome, "/data/action"), text(&outcome, "/actor")), (action, actor.as_str()));
    }
    // Whoever sets it at the phone is not taken for a program.
    house.stream.catch_up(&house.gateway.client).await;
    house.stream.skip();
    house.twin.forward("201", "208").await.unwrap();
    let last = house
        .stream
        .next("it is forwarded", |event| {
            event["event"] == "line.updated" && event["data"]["forwarding"]["unconditional"] == "208"
        })
        .await;
    assert_eq!((&last["actor"], &last["command_id"]), (&json!("gateway"), &Value::Null), "{last:#}");
    house.twin.forward("201", "").await.unwrap();
    house.close().await;
}

/// The router sets it, and cannot be asked afterwards: it is set all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_be_read_back_is_set() {
    for error in ["operation/generic", "operation/serviceNotSupported"] {
        let mut house = House::open().await;
        let line = house.line_id("201").await;
        let errors = ["GetForwarding", "GetDoNotDisturb"].map(|name| (name.to_owned(), error.to_owned())).into();
        house.twin.set_faults(Faults { errors, ..Faults::default() });
        for (path, body, _, field) in wishes() {
            let set = house.client().put(&format!("/lines/{line}/{path}"), &body).await.unwrap();
            assert_eq!(set, body, "{error}");
            let wanted = body.as_object().unwrap().values().next().unwrap().clone();
            house
                .until_line("201", "shows it", |line| match field {
                    "forwarding" => line["forwarding"]["unconditional"] == wanted,
                    _ => line["do_not_disturb"] == wanted,
                })
                .await;
        }
        // What is refused itself stays refused.
        let errors = [("SetForwarding".to_owned(), "operation/generic".to_owned())].into();
        house.twin.set_faults(Faults { errors, ..Faults::default() });
        let path = format!("/lines/{line}/forwarding");
        let (status, problem) = refused(house.client().put(&path, &json!({"unconditional": "208"})).await);
        assert_eq!((status, text(&problem, "/code")), (502, "pbx_refused"), "{problem:#}");
        house.twin.set_faults(Faults::default());
        house.close().await;
    }
}
