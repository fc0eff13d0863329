//! Changes that must not step on those of somebody else: with the `ETag` that was read (RFC 9110, section 8.8.3).

use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use super::{Client, ClientError, answer, refusal};

impl Client {
    /// Reads a resource with its `ETag`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_tagged(&self, path: &str) -> Result<(Value, Option<String>), ClientError> {
        self.guarded(Method::GET, path, None, None).await
    }

    /// Sends a change that counts only while the resource has this `ETag`; gives it as it is then, with its new one.
    ///
    /// # Errors
    /// As [`Client::get`]; 412 when somebody changed it meanwhile.
    pub async fn change(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        etag: Option<&str>,
    ) -> Result<(Value, Option<String>), ClientError> {
        self.guarded(method, path, Some(body), etag).await
    }

    /// Deletes a resource that still has this `ETag`.
    ///
    /// # Errors
    /// As [`Client::change`].
    pub async fn delete_unchanged(&self, path: &str, etag: Option<&str>) -> Result<(), ClientError> {
        self.guarded(Method::DELETE, path, None, etag).await.map(drop)
    }

    async fn guarded(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<(Value, Option<String>), ClientError> {
        let mut request = self.prepared(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let text = response.text().await.map_err(|error| ClientError::Answer(error.to_string()))?;
        match status {
            StatusCode::NO_CONTENT => Ok((Value::Null, tag)),
            _ if status.is_success() => Ok((answer(status, &text)?, tag)),
            _ => Err(refusal(status, &text)),
        }
    }
}
