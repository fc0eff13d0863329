//! A gateway without a PBX behind a real listener, and small clients of it.

mod objects;
mod sse;
mod ws;

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::api::{ApiSettings, ApiState, ServeSettings, router, serve};
use crate::domain::{LineId, PbxId, RandomIds, Timestamp, TokenId};
use crate::service::gateway::Gateway;
use crate::service::journal::{Change, Position, Retention};
use crate::store::{Scope, Secret, Store, TokenRow, hash_token};

pub(super) use objects::{call, call_change, data_of};
pub(super) use sse::Sse;
pub(super) use ws::Ws;

/// The longest that anything here may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const ADMIN: &str = "lg_the-admin-token-of-the-tests";

/// Waits for something with the one patience.
pub(super) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

pub(super) struct Api {
    pub(super) address: SocketAddr,
    pub(super) gateway: Gateway,
    pub(super) state: ApiState,
    http: reqwest::Client,
    stop: CancellationToken,
    folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and machine word of a problem, whose form is checked on the way.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        for text in ["title", "detail"] {
            assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {body}");
        }
        assert!(body["can_retry"].is_boolean() && body["hint"].is_string(), "{body}");
        assert_eq!(body["instance"], self.header("request-id"));
        (self.status, code)
    }

    /// The pointer of the first wrong field.
    pub(super) fn pointer(&self) -> String {
        self.json()["errors"][0]["pointer"].as_str().unwrap_or_else(|| panic!("no field: {}", self.text)).to_owned()
    }
}

pub(super) fn settings() -> ApiSettings {
    ApiSettings { admin_token: Some(Secret::new(ADMIN)), ..ApiSettings::default() }
}

impl Api {
    pub(super) async fn start() -> Self {
        Self::with(settings(), ServeSettings::default()).await
    }

    pub(super) async fn with(settings: ApiSettings, serving: ServeSettings) -> Self {
        Self::over(tempfile::tempdir().unwrap(), settings, serving).await
    }

    /// A gateway on a folder that another one may have used.
    pub(super) async fn over(folder: TempDir, settings: ApiSettings, serving: ServeSettings) -> Self {
        // The client needs a crypto provider, although nothing here is encrypted; a second one is refused.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = Store::open(folder.path(), None).await.unwrap();
        let retention = Retention { days: 7, events: 1_000_000, call_days: 90 };
        let gateway = Gateway::open(store, retention).await.unwrap();
        let state = ApiState::new(gateway.clone(), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = ServeSettings { drain: Duration::from_millis(200), ..serving };
        tokio::spawn(serve(listener, router(state.clone()), serving, stop.clone()));
        Self { address, gateway, state, http: reqwest::Client::builder().no_proxy().build().unwrap(), stop, folder }
    }

    /// An orderly end; the data stays.
    pub(super) async fn end(self) -> TempDir {
        self.state.stop();
        self.stop.cancel();
        self.gateway.stop().await;
        self.folder
    }

    pub(super) fn request(&self, method: Method, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = soon("an answer", request.send()).await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: soon("a body", response.text()).await.unwrap(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.get_as(ADMIN, path).await
    }

    pub(super) async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, Some(token))).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path, Some(ADMIN)).json(&body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path, Some(ADMIN)).json(&body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, Some(ADMIN))).await
    }

    /// Writes bytes as they are and gives what comes back until the server closes.
    pub(super) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may refuse before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut back = Vec::new();
        let _ = soon("the end of a connection", stream.read_to_end(&mut back)).await;
        String::from_utf8_lossy(&back).into_owned()
    }

    /// A PBX that is switched off.
    pub(super) async fn pbx(&self, name: &str) -> PbxId {
        let body = json!({"name": name, "host": format!("{name}.example"), "enabled": false,
                          "axl": {"username": "u", "password": "p"}});
        let made = self.post("/api/v1/pbxs", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = PbxId::parse(made.json()["id"].as_str().unwrap()).unwrap();
        self.settled(&id, |status| status["reason"] != "").await;
        id
    }

    /// Waits for the status that a link tells by itself, so that its event does not come among those of a test.
    async fn settled(&self, pbx: &PbxId, is_told: impl Fn(&Value) -> bool) {
        soon("the status of a PBX", async {
            loop {
                let json = self.gateway.journal().view().pbxs[pbx].clone();
                if is_told(&serde_json::from_slice::<Value>(&json).unwrap()["status"]) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(super) async fn line(&self, pbx: &PbxId, number: &str) -> LineId {
        let device = format!("00AA11BB{:0>4}", number);
        let made = self.post("/api/v1/lines", json!({"pbx_id": pbx, "number": number, "device_id": device})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let count = self.gateway.journal().view().lines.values().filter(|line| line.value.pbx_id == *pbx).count();
        self.settled(pbx, |status| status["lines"]["total"] == count).await;
        LineId::parse(made.json()["id"].as_str().unwrap()).unwrap()
    }

    /// A stored token with its secret.
    pub(super) async fn token(
        &self,
        scope: Scope,
        lines: Option<Vec<LineId>>,
        expires_at: Option<Timestamp>,
    ) -> (TokenId, String) {
        let id = TokenId::new(&mut RandomIds);
        let secret = format!("lg_secret-of-{id}");
        let row = TokenRow {
            id: id.clone(),
            name: format!("{}-token", scope.as_str()),
            hash: hash_token(&secret),
            scope,
            lines,
            created_at: Timestamp::from_unix_ms(0),
            expires_at,
            enrolment_id: None,
        };
        self.gateway.store().insert_token(&row).await.unwrap();
        (id, secret)
    }

    pub(super) async fn publish(&self, changes: Vec<Change>) -> Position {
        soon("a written batch", self.gateway.journal().publish(changes).written()).await.unwrap()
    }
}
