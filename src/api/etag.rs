//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8 and 13).
//!
//! A resource holds settings, which people change, and a status, which changes by itself. A tag names both:
//! `"v3-5f0c…"` is the third version of the settings with one representation. `If-None-Match` compares all of it, so that a
//! 304 never hides a new status; `If-Match` compares the version alone, so that a status never refuses a change.

use std::hash::{DefaultHasher, Hasher as _};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::problem::Problem;

fn list(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let mut joined = String::new();
    for value in headers.get_all(&name) {
        if !joined.is_empty() {
            joined.push(',');
        }
        // A value that is no text matches nothing.
        joined.push_str(value.to_str().unwrap_or("?"));
    }
    headers.contains_key(&name).then_some(joined)
}

/// The tag of a representation, from the tag of its settings.
pub(super) fn of(version: Option<&str>, body: &[u8]) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    Some(format!("\"{}-{:016x}\"", version?.trim_matches('"'), hasher.finish()))
}

/// The tag of the settings in the tag of a representation.
fn version(etag: &str) -> Option<&str> {
    let inner = etag.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.split_once('-').map_or(inner, |(version, _)| version))
}

/// Whether the caller has this state already: the answer is 304.
pub(super) fn is_unchanged(headers: &HeaderMap, etag: Option<&str>) -> bool {
    match (list(headers, header::IF_NONE_MATCH), etag) {
        (Some(list), Some(etag)) => list.split(',').map(str::trim).any(|one| {
            // Weak comparison: RFC 9110, section 13.1.2.
            one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
        }),
        _ => false,
    }
}

/// The one version that the change must meet, for the service to compare in its own turn. A list, or `*`, is compared
/// here with the version as it is now, which is then the one to meet.
///
/// # Errors
/// 412 when none of the tags is the present one.
pub(super) fn expected(headers: &HeaderMap, present: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(list) = list(headers, header::IF_MATCH) else {
        return Ok(None);
    };
    match present {
        Some(present)
            if list
                .split(',')
                .map(str::trim)
                .any(|one| one == "*" || version(one).is_some_and(|one| version(present) == Some(one))) =>
        {
            Ok(Some(present.to_owned()))
        }
        _ => Err(Problem::new("precondition_failed", "It was changed since you read it.")
            .hint("Read it again, repeat the change and send the new ETag as If-Match.")),
    }
}

/// The tag as a header.
pub(super) fn header_value(etag: Option<&str>) -> Option<HeaderValue> {
    etag.and_then(|etag| HeaderValue::from_str(etag).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lists_weak_tags_and_stars() {
        let mut headers = HeaderMap::new();
        assert_eq!(expected(&headers, Some("\"1\"")).unwrap(), None);
        headers.insert(header::IF_MATCH, "\"0\", \"1\"".parse().unwrap());
        headers.insert(header::IF_NONE_MATCH, "W/\"1\"".parse().unwrap());
        assert_eq!(expected(&headers, Some("\"1\"")).unwrap().as_deref(), Some("\"1\""));
        assert!(expected(&headers, Some("\"2\"")).is_err());
        assert!(is_unchanged(&headers, Some("\"1\"")) && !is_unchanged(&headers, Some("\"2\"")));
        headers.insert(header::IF_MATCH, "*".parse().unwrap());
        assert!(expected(&headers, Some("\"9\"")).is_ok());
        assert!(expected(&headers, None).is_err());
        headers.insert(header::IF_MATCH, "W/\"1\"".parse().unwrap());
        assert!(expected(&headers, Some("\"1\"")).is_err(), "a weak tag never matches strongly");
    }

    #[test]
    fn a_new_status_is_a_new_representation_and_no_new_version() {
        let (before, after) = (of(Some("\"v3\""), b"up").unwrap(), of(Some("\"v3\""), b"down").unwrap());
        assert_ne!(before, after);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, before.parse().unwrap());
        headers.insert(header::IF_NONE_MATCH, before.parse().unwrap());
        assert!(is_unchanged(&headers, Some(&before)) && !is_unchanged(&headers, Some(&after)));
        assert_eq!(expected(&headers, Some("\"v3\"")).unwrap().as_deref(), Some("\"v3\""));
        assert!(expected(&headers, Some("\"v33\"")).is_err());
    }
}
