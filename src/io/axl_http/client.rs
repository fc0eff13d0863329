//! The client itself: one exchange, its repetitions, the second path.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::crypto::ring;

use super::classify::{self, NoAddress};
use super::endpoint::{AxlEndpoint, MinVersion, Scheme, Verify};
use super::fault::{HttpFault, TlsFault};
use super::pin::{self, Judge, Pin, Verifier};
use crate::axl::reply::MAX_REPLY;

/// A reply of the XML application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, 2xx.
    pub status: u16,
    /// Its body; it may hold secrets and is not for logs.
    pub body: Bytes,
}

/// What an observer sees: never a header, so no credentials of HTTP.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// The body of a request.
    Request(&'a Bytes),
    /// The body of its reply; it may hold secrets.
    Reply(&'a Bytes),
    /// There was no such reply.
    Fault(&'a HttpFault),
}

/// Sees what is asked and answered.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(Seen<'_>) + Send + Sync>);

impl Observer {
    /// An observer that calls this.
    pub fn new(see: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(see))
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

/// The client of one router. It keeps no connection: IOS closes after each reply and allows few (dossier 2.4).
#[derive(Debug)]
pub struct AxlClient {
    endpoint: AxlEndpoint,
    http: Option<reqwest::Client>,
    pin: Arc<Pin>,
    /// The path with its trailing slash turned is the right one.
    turned: AtomicBool,
    observer: Option<Observer>,
}

struct Resolver;

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await.map_err(|_| NoAddress)?.collect();
            if found.is_empty() {
                return Err(NoAddress.into());
            }
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

impl AxlClient {
    /// A client for a router. Nothing is sent.
    ///
    /// # Errors
    /// [`HttpFault::Settings`] for an unusable address or fingerprint, [`TlsFault::NeedsLegacy`] for a TLS version
    /// that this build does not have.
    pub fn new(endpoint: AxlEndpoint) -> Result<Self, HttpFault> {
        crate::crypto::install_provider();
        let known =
            match endpoint.tls.fingerprint.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                Some(text) => Some(pin::read(text).ok_or_else(|| {
                    HttpFault::Settings("tls.fingerprint is not a SHA-256 of 64 hex digits".to_owned())
                })?),
                None => None,
            };
        let tls = endpoint.scheme == Scheme::Https;
        if tls && endpoint.tls.verify == Verify::Pinned && known.is_none() {
            return Err(HttpFault::Settings("tls.verify is pinned, but tls.fingerprint is missing".to_owned()));
        }
        let pin = Arc::new(Pin::new(known));
        let legacy = tls && endpoint.tls.min_version < MinVersion::Tls12;
        if legacy && cfg!(not(feature = "legacy-tls")) {
            return Err(HttpFault::Tls(TlsFault::NeedsLegacy));
        }
        let http = if legacy { None } else { Some(build(&endpoint, &pin)?) };
        let client = Self { endpoint, http, pin, turned: AtomicBool::new(false), observer: None };
        reqwest::Url::parse(&client.endpoint.url(false)).map_err(|error| HttpFault::Settings(error.to_string()))?;
        Ok(client)
    }

    /// The same client, seen by an observer.
    #[must_use]
    pub fn observed(mut self, observer: Option<Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The SHA-256 of the certificate that is known by now, for `pinned` and `tofu`: to be stored after a first use.
    pub fn learned_fingerprint(&self) -> Option<String> {
        if self.endpoint.scheme == Scheme::Http || !matches!(self.endpoint.tls.verify, Verify::Tofu | Verify::Pinned) {
            return None;
        }
        self.pin.known().map(|fingerprint| pin::show(&fingerprint))
    }

    /// POSTs a request. Read requests are repeated after faults that may pass, with jittered pauses; requests that
    /// change something (`ISexecCLI`, `ISSaveConfig`) never are.
    ///
    /// # Errors
    /// [`HttpFault`], the last one when all repetitions failed.
    pub async fn post(&self, body: Bytes) -> Result<Reply, HttpFault> {
        let changes =
            ["<ISexecCLI", "<ISSaveConfig"].iter().any(|word| memchr::memmem::find(&body, word.as_bytes()).is_some());
        let pauses = if changes { &[][..] } else { &self.endpoint.timeouts.retry_after[..] };
        let mut pauses = pauses.iter();
        loop {
            match self.once(body.clone()).await {
                Err(fault) if fault.may_pass() => match pauses.next() {
                    Some(pause) => tokio::time::sleep(jittered(*pause)).await,
                    None => return Err(fault),
                },
                other => return other,
            }
        }
    }

    /// Asks for the system settings without credentials, once: whether an XML application answers at all.
    ///
    /// # Errors
    /// [`HttpFault`]; `Unauthorized` is the usual answer of a router.
    pub async fn probe(&self) -> Result<(), HttpFault> {
        let body = crate::axl::Request::Global.body(crate::axl::dialect::Envelope::Vendor);
        let reply = match self.exchange(body.clone(), false, false).await {
            Err(HttpFault::NotFound) => self.exchange(body, true, false).await?,
            other => other?,
        };
        match crate::axl::Reply::read(&reply.body, crate::axl::dialect::Charset::Auto) {
            Ok(_) => Ok(()),
            Err(_) => Err(HttpFault::NotXml),
        }
    }

    /// One exchange, on a 404 a second one at the other path.
    async fn once(&self, body: Bytes) -> Result<Reply, HttpFault> {
        let turned = self.turned.load(Ordering::Relaxed);
        match self.authorized(body.clone(), turned).await {
            Err(HttpFault::NotFound) => {
                let reply = self.authorized(body, !turned).await;
                if !matches!(reply, Err(HttpFault::NotFound)) {
                    self.turned.store(!turned, Ordering::Relaxed);
                }
                reply
            }
            other => other,
        }
    }

    async fn authorized(&self, body: Bytes, turned: bool) -> Result<Reply, HttpFault> {
        if self.endpoint.auth_preemptive {
            return self.exchange(body, turned, true).await;
        }
        match self.exchange(body.clone(), turned, false).await {
            Err(HttpFault::Unauthorized) => self.exchange(body, turned, true).await,
            other => other,
        }
    }

    async fn exchange(&self, body: Bytes, turned: bool, credentials: bool) -> Result<Reply, HttpFault> {
        let Some(Observer(see)) = &self.observer else {
            return self.unobserved(body, turned, credentials).await;
        };
        see(Seen::Request(&body));
        let answered = self.unobserved(body, turned, credentials).await;
        match &answered {
            Ok(reply) => see(Seen::Reply(&reply.body)),
            Err(fault) => see(Seen::Fault(fault)),
        }
        answered
    }

    async fn unobserved(&self, body: Bytes, turned: bool, credentials: bool) -> Result<Reply, HttpFault> {
        let Some(http) = &self.http else {
            return self.legacy(body, turned, credentials).await;
        };
        let mut request = http.post(self.endpoint.url(turned)).body(body);
        if credentials {
            request = request.basic_auth(&self.endpoint.username, Some(self.endpoint.password.expose()));
        }
        let mut response = request.send().await.map_err(|error| classify::of_request(&error))?;
        let status = response.status().as_u16();
        refused(status)?;
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(|error| classify::of_body(&error))? {
            if body.len() + part.len() > MAX_REPLY {
                return Err(HttpFault::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        finished(status, body.freeze())
    }

    #[cfg(feature = "legacy-tls")]
    async fn legacy(&self, body: Bytes, turned: bool, credentials: bool) -> Result<Reply, HttpFault> {
        super::legacy::post(&self.endpoint, &self.pin, body, turned, credentials).await
    }

    #[cfg(not(feature = "legacy-tls"))]
    async fn legacy(&self, _body: Bytes, _turned: bool, _credentials: bool) -> Result<Reply, HttpFault> {
        Err(HttpFault::Tls(TlsFault::NeedsLegacy))
    }
}

/// What a status other than 2xx means.
pub(super) fn refused(status: u16) -> Result<(), HttpFault> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => Err(HttpFault::Unauthorized),
        404 => Err(HttpFault::NotFound),
        other => Err(HttpFault::Status(other)),
    }
}

/// A whole body, unless it is a page for people.
pub(super) fn finished(status: u16, body: Bytes) -> Result<Reply, HttpFault> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body).trim_ascii_start();
    let page = [&b"<!doctype html"[..], b"<html", b"<head"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
    if page { Err(HttpFault::NotXml) } else { Ok(Reply { status, body }) }
}

/// Between three quarters and five quarters of a pause, so that clients do not march in step.
fn jittered(pause: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish() % 1000;
    let part = u32::try_from(chance).unwrap_or(0);
    pause.saturating_mul(750 + part / 2) / 1000
}

fn build(endpoint: &AxlEndpoint, pin: &Arc<Pin>) -> Result<reqwest::Client, HttpFault> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .http1_only()
        .http1_title_case_headers()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .dns_resolver(Resolver)
        .connect_timeout(endpoint.timeouts.connect)
        .timeout(endpoint.timeouts.total);
    if endpoint.scheme == Scheme::Https {
        builder = match endpoint.tls.verify {
            Verify::System => {
                let floor = match endpoint.tls.min_version {
                    MinVersion::Tls13 => reqwest::tls::Version::TLS_1_3,
                    _ => reqwest::tls::Version::TLS_1_2,
                };
                builder.tls_version_min(floor)
            }
            Verify::Pinned | Verify::Tofu => {
                builder.tls_backend_preconfigured(tls_config(endpoint, Judge::Pin(Arc::clone(pin)))?)
            }
            Verify::Insecure => builder.tls_backend_preconfigured(tls_config(endpoint, Judge::Nobody)?),
        };
    }
    builder.build().map_err(|error| classify::of_request(&error))
}

fn tls_config(endpoint: &AxlEndpoint, judge: Judge) -> Result<rustls::ClientConfig, HttpFault> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[&rustls::SupportedProtocolVersion] = match endpoint.tls.min_version {
        MinVersion::Tls13 => &[&rustls::version::TLS13],
        _ => &[&rustls::version::TLS12, &rustls::version::TLS13],
    };
    let verifier = Verifier::new(judge, Arc::clone(&provider));
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| HttpFault::Tls(classify::of_tls(&error)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // Each connection shows its certificate anew.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}
