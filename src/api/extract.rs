//! Bodies and path ids, refused with problems that name the place.

use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::problem::{Problem, escape_pointer};
use super::state::ApiState;
use crate::domain::line_list::text_of;
use crate::domain::{CallId, EnrolmentId, LineId, PbxId, TokenId};

/// Largest body of a request, in bytes.
pub(super) const BODY_LIMIT: usize = 256 * 1024;

/// A JSON body.
pub(super) struct JsonBody<T>(pub(super) T);

/// A JSON body that may be left out.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<ApiState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let media_type = media_type(&request);
        let bytes = read_body(request, state.settings().body_time).await?;
        if bytes.is_empty() {
            return Err(Problem::new("malformed_json", "A JSON body is needed and there is none.")
                .hint("The fields of every body stand in /openapi.json and /docs."));
        }
        media_type?;
        parse_json(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<ApiState> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let media_type = media_type(&request);
        let bytes = read_body(request, state.settings().body_time).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        media_type?;
        parse_json(&bytes).map(Self)
    }
}

/// A body of plain text, in whatever characters a system writes.
pub(super) struct TextBody(pub(super) String);

impl FromRequest<ApiState> for TextBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let given = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let bytes = read_body(request, state.settings().body_time).await?;
        if essence != "text/plain" {
            return Err(Problem::new("unsupported_media_type", "A body of plain text is needed here.")
                .hint("Send it with the header `Content-Type: text/plain`."));
        }
        Ok(Self(text_of(&bytes)))
    }
}

/// The media type must be JSON; a browser's form post cannot make it without asking first.
fn media_type(request: &Request) -> Result<(), Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    let shown: String = essence.chars().take(80).collect();
    Err(Problem::new(
        "unsupported_media_type",
        match given {
            None => "The body has no Content-Type.".to_owned(),
            Some(_) => format!("Bodies of type “{shown}” are not understood here."),
        },
    )
    .hint("Send JSON with the header `Content-Type: application/json`."))
}

/// Reads a whole body within its limits.
///
/// # Errors
/// 413 when it is too large, 408 when it comes too slowly.
pub(super) async fn read_body(request: Request, time: Duration) -> Result<Bytes, Problem> {
    match tokio::time::timeout(time, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => Err(refused_body(&rejection)),
        Err(_) => Err(Problem::new("request_timeout", "The body came too slowly.")),
    }
}

fn refused_body(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new("body_too_large", format!("A body has at most {BODY_LIMIT} bytes."))
    } else {
        Problem::new("malformed_request", "The body could not be read to its end.").cause(rejection)
    }
}

/// Reads a JSON object into a request type.
///
/// # Errors
/// 400 with the position when it is no JSON, 422 with a pointer when a field is unknown or wrong.
pub(super) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        // serde would take a list for a structure, member by member, without any names.
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| wrong_json(&error, String::new()))?;
        return Err(Problem::new("invalid_value", "The body must be a JSON object.").field("", "An object is needed."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        wrong_json(error.inner(), pointer)
    })?;
    deserializer.end().map_err(|error| wrong_json(&error, String::new()))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape_pointer(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn wrong_json(error: &serde_json::Error, pointer: String) -> Problem {
    let text = error.to_string();
    // serde_json appends the position; the pointer says it better.
    let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| text.get(..end).unwrap_or_default());
    if sentence.starts_with("recursion limit exceeded") {
        return Problem::new("invalid_value", "The body is nested too deep.")
            .hint("No body needs more than 20 levels.")
            .field(pointer, "It is nested too deep.");
    }
    if error.classify() != Category::Data {
        return Problem::new(
            "malformed_json",
            format!("The body is no JSON: {sentence} at line {}, column {}.", error.line(), error.column()),
        )
        .hint("Check quotes, commas and braces at that place.");
    }
    if let Some(name) = sentence.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        let known = sentence.split_once(", expected ").map_or("no fields", |(_, known)| known);
        return Problem::new("unknown_field", format!("There is no field “{name}” here."))
            .hint(format!("Possible here: {}.", known.replace('`', "")))
            .field(pointer, "This field does not exist.");
    }
    if let Some(name) = sentence.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return Problem::new("invalid_value", format!("The field “{name}” is missing."))
            .hint("The fields of every body stand in /openapi.json and /docs.")
            .field(format!("{pointer}/{}", escape_pointer(name)), "This field is needed.");
    }
    let mut detail = sentence.to_owned();
    if let Some(first) = detail.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    detail.push('.');
    Problem::new("invalid_value", format!("The body holds a wrong value: {sentence}."))
        .hint("The fields of every body stand in /openapi.json and /docs.")
        .field(pointer, detail)
}

/// An id of the path. What is no id of its kind does not exist.
pub(super) struct PathId<T>(pub(super) T);

/// An id that may stand in a path.
pub(super) trait ApiId: Sized {
    /// What it names, for the refusal.
    const WHAT: &'static str;

    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! api_id {
    ($($id:ty => $what:literal),+) => {
        $(impl ApiId for $id {
            const WHAT: &'static str = $what;

            fn read(text: &str) -> Option<Self> {
                Self::parse(text).ok()
            }
        })+
    };
}

api_id!(PbxId => "PBX", LineId => "line", CallId => "call", TokenId => "token", EnrolmentId => "enrolment");

impl<T: ApiId + Send> FromRequestParts<ApiState> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, &()).await.map(|Path(text)| text).unwrap_or_default();
        T::read(&text).map(Self).ok_or_else(|| Problem::not_found(T::WHAT))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
        #[serde(default)]
        data: Option<Box<RawValue>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        port: u16,
    }

    fn refusal(text: &str) -> Problem {
        parse_json::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_place_of_a_mistake_is_named() {
        let unknown = refusal(r#"{"inner": {"port": 1, "pott": 2}}"#);
        assert_eq!(
            (unknown.code(), unknown.body().errors[0].pointer.as_deref().unwrap_or_default()),
            ("unknown_field", "/inner/pott")
        );
        let wrong = refusal(r#"{"inner": {"port": "x"}}"#);
        assert_eq!(
            (wrong.code(), wrong.body().errors[0].pointer.as_deref().unwrap_or_default()),
            ("invalid_value", "/inner/port")
        );
        let broken = refusal("{\"inner\": \n{\"port\": ]}");
        assert_eq!(broken.code(), "malformed_json");
        assert!(broken.body().detail.contains("line 2, column 10"), "{}", broken.body().detail);
        assert_eq!(refusal(r#"{"inner": {"port": 1}} x"#).code(), "malformed_json");
        let list = refusal(r#" [{"port": 1}, null]"#);
        assert_eq!((list.code(), list.body().errors[0].pointer.as_deref().unwrap_or_default()), ("invalid_value", ""));
        assert_eq!(refusal("[1,").code(), "malformed_json");
        let deep = format!(r#"{{"inner": {{"port": {}1{}}}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(parse_json::<serde_json::Value>(deep.as_bytes()).unwrap_err().code(), "invalid_value");
        let sound = parse_json::<Outer>(br#"{"inner": {"port": 7}, "data": { "a" : [1.50] }}"#).unwrap();
        assert_eq!((sound.inner.port, sound.data.unwrap().get()), (7, r#"{ "a" : [1.50] }"#));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_json::<Outer>(&bytes);
        }
    }
}
