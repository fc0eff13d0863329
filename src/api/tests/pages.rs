//! Lists by `limit` and `cursor`.

use super::kit::Api;

#[tokio::test]
async fn a_walk_over_pages_sees_every_item_once_although_items_come_and_go() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let mut lines = Vec::new();
    for number in 200..212 {
        lines.push(api.line(&pbx, &number.to_string()).await.to_string());
    }
    lines.sort();
    let mut seen = Vec::new();
    let mut query = "limit=5".to_owned();
    loop {
        let page = api.get(&format!("/api/v1/lines?{query}")).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        // One that was seen goes: no offset moves.
        if seen.len() == 5 {
            api.delete(&format!("/api/v1/lines/{}", seen[4])).await;
        }
        query = format!("limit=5&cursor={next}");
    }
    assert_eq!(seen, lines);
}

#[tokio::test]
async fn wrong_limits_and_cursors_are_refused() {
    let api = Api::start().await;
    for path in ["lines", "calls", "pbxs", "tokens", "clients"] {
        for query in ["limit=0", "limit=1001", "limit=many", "limit=-1", "cursor=%21", "cursor=YQ"] {
            let refused = api.get(&format!("/api/v1/{path}?{query}")).await;
            assert_eq!(refused.problem().0, 422, "{path}?{query}");
        }
        let page = api.get(&format!("/api/v1/{path}?limit=1000")).await;
        assert_eq!(page.status, 200);
        assert!(page.json()["items"].is_array() && page.json()["next_cursor"].is_null());
    }
}
