//! A small client of the API: used by the command line, by tests, and as an example for integrators.

mod guarded;
mod stream;

use std::fmt;

use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::Value;

use crate::domain::nesting;

pub use reqwest::Method;
pub use stream::{Stream, StreamError};

/// Where the gateway is and who asks.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: String,
    http: reqwest::Client,
}

/// Why a request failed, in words for a person.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is no URL we can use.
    Address(String),
    /// Nobody answers there.
    Unreachable {
        /// The address.
        url: String,
        /// What the system said.
        detail: String,
    },
    /// The gateway refused; the problem body is kept whole.
    Refused {
        /// Status code.
        status: u16,
        /// `application/problem+json`.
        problem: Value,
    },
    /// The answer is not what the API promises.
    Answer(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(detail) => write!(f, "{detail}"),
            Self::Unreachable { url, detail } => write!(
                f,
                "No gateway answers at {url} ({detail}). Is it running? Set LINEGATE_URL or --url to its address."
            ),
            Self::Refused { status, problem } => {
                let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
                write!(f, "{}", if text("detail").is_empty() { text("title") } else { text("detail") })?;
                if !text("hint").is_empty() {
                    write!(f, " {}", text("hint"))?;
                }
                for field in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
                    let part = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default();
                    match field.get("line").and_then(Value::as_u64) {
                        Some(line) => write!(f, "\n  line {line}: {}", part("detail"))?,
                        None => write!(f, "\n  {}: {}", part("pointer"), part("detail"))?,
                    }
                }
                write!(f, " [{status} {}]", text("code"))
            }
            Self::Answer(detail) => write!(f, "The answer is not one of a Linegate gateway: {detail}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl Client {
    /// A client for a base address such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When the address is no HTTP address.
    pub fn new(base: &str, token: &str) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/').to_owned();
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            return Err(ClientError::Address(format!(
                "“{base}” is no address of a gateway; write it like http://127.0.0.1:8080."
            )));
        }
        crate::crypto::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            // The gateway closes idle connections after ten seconds: one that it is about to close is not used.
            .pool_idle_timeout(std::time::Duration::from_secs(5))
            .build()
            .map_err(|error| ClientError::Address(error.to_string()))?;
        Ok(Self { base, token: token.to_owned(), http })
    }

    /// The address of the gateway.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.request(Method::GET, path, None).await
    }

    /// Posts a body.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request(Method::POST, path, Some(body)).await
    }

    /// Replaces something that must not have changed since it was read: with the `ETag` that a GET of the path answers.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn put_again(&self, path: &str, query: &str, body: &Value) -> Result<Value, ClientError> {
        let read = self.prepared(Method::GET, path).send().await.map_err(|error| self.unreachable(&error))?;
        let mut request = self.prepared(Method::PUT, &format!("{path}{query}")).json(body);
        if let Some(tag) = read.headers().get(header::ETAG) {
            request = request.header(header::IF_MATCH, tag);
        }
        let (status, text) = self.sent(request).await?;
        answer(status, &text)
    }

    /// Changes something by a merge patch (RFC 7396).
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request(Method::PATCH, path, Some(body)).await
    }

    /// Replaces something.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request(Method::PUT, path, Some(body)).await
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete(&self, path: &str) -> Result<Value, ClientError> {
        self.request(Method::DELETE, path, None).await
    }

    /// Reads all pages of a list.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => format!("{path}{mark}limit=1000&cursor={cursor}"),
                None => format!("{path}{mark}limit=1000"),
            };
            let mut answer = self.get(&page).await?;
            if let Some(Value::Array(found)) = answer.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match answer.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Reads one page of a list as CSV; gives it with the path of the next page.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn csv(&self, path: &str) -> Result<(String, Option<String>), ClientError> {
        let request = self.prepared(Method::GET, path).header(header::ACCEPT, "text/csv");
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let link = response.headers().get(header::LINK).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let next = link
            .strip_prefix("</api/v1")
            .and_then(|rest| rest.split_once(">; rel=\"next\""))
            .map(|(path, _)| path.to_owned());
        let text = response.text().await.map_err(|error| ClientError::Answer(error.to_string()))?;
        if status.is_success() { Ok((text, next)) } else { Err(refusal(status, &text)) }
    }

    /// The raw status and text of a path outside `/api/v1`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn probe(&self, path: &str) -> Result<(u16, String), ClientError> {
        let response =
            self.http.get(format!("{}{path}", self.base)).send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        Ok((status, text))
    }

    /// Opens the event stream.
    ///
    /// # Errors
    /// When the gateway refuses the handshake.
    pub async fn stream(&self) -> Result<Stream, StreamError> {
        Stream::open(self.prepared(Method::GET, "/events"), |error| self.unreachable(error)).await
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn text(&self, path: &str, accept: &str) -> Result<String, ClientError> {
        let request = self.prepared(Method::GET, path).header(header::ACCEPT, accept);
        let (status, text) = self.sent(request).await?;
        if status.is_success() { Ok(text) } else { Err(refusal(status, &text)) }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn file(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.prepared(Method::GET, path).send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| ClientError::Answer(error.to_string()))?;
        if status.is_success() { Ok(bytes.into()) } else { Err(refusal(status, &String::from_utf8_lossy(&bytes))) }
    }

    /// Sends a text or a file as it is.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post_bytes(&self, path: &str, media_type: &str, bytes: Vec<u8>) -> Result<Value, ClientError> {
        let request = self.prepared(Method::POST, path).header(header::CONTENT_TYPE, media_type).body(bytes);
        let (status, text) = self.sent(request).await?;
        answer(status, &text)
    }

    fn prepared(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(&self.token)
    }

    async fn sent(&self, request: RequestBuilder) -> Result<(StatusCode, String), ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| ClientError::Answer(error.to_string()))?;
        Ok((status, text))
    }

    async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
        let mut request = self.prepared(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let (status, text) = self.sent(request).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        answer(status, &text)
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let mut detail = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            detail = inner.to_string();
            source = inner.source();
        }
        ClientError::Unreachable { url: self.base.clone(), detail }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Levels that a text is read to; the reader itself gives up at 128.
const DEPTH: usize = 100;

/// Reads a JSON text of the gateway. What lies deeper than anybody can follow is left out: earlier releases let programs
/// attach such data to calls, and one of them must not keep all others from being read.
///
/// # Errors
/// When it is no JSON.
pub fn read_json(text: &str) -> serde_json::Result<Value> {
    if nesting::depth(text) <= DEPTH {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(&nesting::shallow(text, DEPTH))
    }
}

fn answer(status: StatusCode, text: &str) -> Result<Value, ClientError> {
    if !status.is_success() {
        return Err(refusal(status, text));
    }
    read_json(text).map_err(|error| ClientError::Answer(format!("{status}, {error}")))
}

fn refusal(status: StatusCode, text: &str) -> ClientError {
    match serde_json::from_str(text) {
        Ok(problem) => ClientError::Refused { status: status.as_u16(), problem },
        Err(error) => ClientError::Answer(format!("{status}, {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::read_json;

    #[test]
    fn data_that_nobody_can_follow_end_no_stream() {
        let frame = format!(r#"{{"type": "event", "data": {}1{}, "seq": 7}}"#, "[".repeat(300), "]".repeat(300));
        assert!(serde_json::from_str::<serde_json::Value>(&frame).is_err(), "it needs no help");
        assert!(read_json(&frame).is_ok_and(|value| value["seq"] == 7 && value["data"].is_array()));
        assert!(read_json("{").is_err());
    }
}
