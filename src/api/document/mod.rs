//! The documents of the API, and the status page: made once.

mod operations;
mod schemas;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use super::router::openapi;
use super::schema;

const ASYNCAPI: &str = include_str!("../../../openapi/asyncapi.json");
const STATUS_PAGE: &str = include_str!("../page/status.html");

/// What is served without data.
pub(super) struct Documents {
    pub(super) openapi: Bytes,
    pub(super) asyncapi: Bytes,
    pub(super) status_page: StatusPage,
}

/// The page of `/` with the policy that lets exactly its own script and style run.
pub(super) struct StatusPage {
    pub(super) html: &'static str,
    pub(super) policy: String,
}

impl Documents {
    pub(super) fn new(version: &str) -> Self {
        let mut document = openapi();
        document.info["version"] = json!(version);
        Self {
            // A document of strings and lists: it always serialises; an empty object keeps the function total.
            openapi: serde_json::to_vec(&document).unwrap_or_else(|_| b"{}".to_vec()).into(),
            asyncapi: Bytes::from_static(ASYNCAPI.as_bytes()),
            status_page: StatusPage { html: STATUS_PAGE, policy: policy(STATUS_PAGE) },
        }
    }
}

/// The AsyncAPI document of the event stream as JSON; `openapi/asyncapi.yaml` is the same for people.
pub fn asyncapi() -> &'static str {
    ASYNCAPI
}

/// A policy that allows the page's inline script and style by their hashes, its own API, and nothing else.
fn policy(html: &str) -> String {
    let hash = |tag: &str| {
        let inner = html
            .split_once(&format!("<{tag}>"))
            .and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")))
            .map_or("", |(inner, _)| inner);
        STANDARD.encode(Sha256::digest(inner.as_bytes()))
    };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        hash("script"),
        hash("style")
    )
}

/// What the routes are added to.
pub(super) fn outline() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Linegate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The phones of a Cisco CallManager Express as a REST API and a live event stream. Errors are \
             `application/problem+json`; ids are opaque; unknown fields in answers are to be ignored, unknown fields in \
             requests are refused.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    let mut components = Components::new();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "A token of the gateway. The list of each operation names the scope that it needs: `read`, `control` or \
                     `admin`; each includes the ones before it.",
                ))
                .build(),
        ),
    );
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new("bearer", Vec::<String>::new())]))
        .build()
}

/// The document: OpenAPI 3.1, its parts in the order in which a person reads them.
///
/// It is JSON and not the builder's own type: that one knows neither `const` nor `writeOnly` in every place, and drops in
/// silence what it does not know.
#[derive(Debug, Clone, Serialize)]
pub struct ApiDocument {
    openapi: Value,
    info: Value,
    servers: Value,
    tags: Value,
    paths: Value,
    components: Value,
    security: Value,
}

/// Completes what was generated from the routes.
pub(super) fn complete(document: OpenApi) -> ApiDocument {
    // What the builder made always serialises; a document of nulls would fail every test.
    let mut value = serde_json::to_value(schema::with_components(document)).unwrap_or_default();
    schemas::complete(&mut value["components"]["schemas"]);
    operations::complete(&mut value["paths"]);
    ApiDocument {
        openapi: value["openapi"].take(),
        info: value["info"].take(),
        servers: json!([{"url": "/", "description": "This gateway"}]),
        tags: operations::tags(),
        paths: value["paths"].take(),
        components: value["components"].take(),
        security: value["security"].take(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_page_runs_nothing_but_its_own_script() {
        let policy = policy(STATUS_PAGE);
        assert!(!policy.contains("unsafe"));
        for foreign in ["http://", "https://", "//cdn", " onclick=", " style=", "javascript:"] {
            assert!(!STATUS_PAGE.contains(foreign), "{foreign}");
        }
    }
}
