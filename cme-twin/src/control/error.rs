//! Errors of the control API: a status and `{"error": "…"}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::{ActionError, Refusal};

/// An error answer.
#[derive(Debug)]
pub(crate) struct Failure(StatusCode, String);

impl Failure {
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    pub(crate) fn missing(text: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, text.into())
    }
}

impl From<ActionError> for Failure {
    fn from(error: ActionError) -> Self {
        let ActionError::Refused(refusal) = &error;
        let status = match refusal {
            Refusal::UnknownDevice | Refusal::UnknownCall | Refusal::UnknownUser => StatusCode::NOT_FOUND,
            Refusal::InvalidValue | Refusal::InvalidDestination => StatusCode::BAD_REQUEST,
            _ => StatusCode::CONFLICT,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "error": self.1 }))).into_response()
    }
}
