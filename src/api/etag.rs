//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8 and 13).

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

fn names(list: &str, etag: &str, weak: bool) -> bool {
    list.split(',').map(str::trim).any(|one| {
        let one = if weak { one.strip_prefix("W/").unwrap_or(one) } else { one };
        one == "*" || one == etag
    })
}

/// Whether the caller has this state already: the answer is 304.
pub(super) fn is_unchanged(headers: &HeaderMap, etag: Option<&str>) -> bool {
    match (list(headers, header::IF_NONE_MATCH), etag) {
        (Some(list), Some(etag)) => names(&list, etag, true),
        _ => false,
    }
}

/// The one entity tag that the change must meet, for the service to compare in its own turn. A list, or `*`, is compared
/// here with the tag as it is now, which is then the one to meet.
///
/// # Errors
/// 412 when none of the tags is the present one.
pub(super) fn expected(headers: &HeaderMap, present: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(list) = list(headers, header::IF_MATCH) else {
        return Ok(None);
    };
    match present {
        Some(present) if names(&list, present, false) => Ok(Some(present.to_owned())),
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
    }
}
