//! `/clients`: who reads the event stream now.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use bytes::Bytes;

use super::super::auth::Admin;
use super::super::dto::{ClientInfo, ClientPage};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::Refused;
use super::json_bytes;

/// List the readers of the event stream
#[utoipa::path(get, path = "/api/v1/clients", tag = "Administration", security(("bearer" = ["admin"])),
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of readers", body = ClientPage), Refused))]
pub(in crate::api) async fn list_clients(admin: Admin, uri: Uri) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    params.finish()?;
    let now = admin.journal().position().seq;
    let mut items = Vec::new();
    for client in admin.clients() {
        // Zero padded, so that the order of the texts is the order of their coming.
        let id = format!("{:012}", client.id);
        let info = ClientInfo {
            id: id.clone(),
            kind: client.kind,
            host: client.host.clone(),
            version: client.version.clone(),
            token: client.token.to_string(),
            token_id: client.token_id.clone(),
            connected_at: client.since,
            lag: now.saturating_sub(client.complete()),
        };
        items.push((id, Bytes::from(serde_json::to_vec(&info).map_err(Problem::internal)?)));
    }
    let body = page.render(items.iter().map(|(id, json)| (id.as_str(), json.clone())));
    Ok(json_bytes(StatusCode::OK, body))
}
