//! The northbound side: REST, WebSocket, SSE and polling over the service layer (api.md).
//!
//! [`router`] is the map of the API, [`openapi`] its document, [`serve`] the accept loop. Permission is a type: a handler
//! reaches the gateway only through [`Reader`](auth::Reader), [`Controller`](auth::Controller) or
//! [`Admin`](auth::Admin). Status codes stand in [`problem`] and nowhere below it.

mod auth;
mod clients;
mod document;
mod dto;
mod enrolment;
mod etag;
mod extract;
mod feed;
mod filter;
mod frame;
mod idempotency;
mod layers;
mod page;
mod poll;
mod problem;
mod query;
mod route;
mod router;
mod schema;
mod serve;
mod sse;
mod state;
mod table;
mod ws;

pub use document::{ApiDocument, asyncapi};
pub use problem::Problem;
pub use router::{openapi, router};
pub use serve::{Peer, ServeError, ServeSettings, TlsError, TlsSwitch, serve, tls_from_pem};
pub use state::{AboutSource, ApiSettings, ApiState, LogLevelSetter, MetricsSource, TraceJoiner};

#[cfg(test)]
mod tests;
