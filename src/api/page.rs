//! Lists: `limit`, an opaque cursor, the stored bytes of the items (api.md, "Conventions").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::problem::Problem;
use super::query::{Params, wrong};
use crate::domain::json::write_text;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    limit: usize,
    after: Option<String>,
}

impl Page {
    /// Takes `limit` and `cursor`.
    ///
    /// # Errors
    /// 422 that names the parameter.
    pub(super) fn take(params: &mut Params) -> Result<Self, Problem> {
        let limit = take_limit(params)?;
        let after = params
            .take("cursor")
            .map(|cursor| {
                decode(&cursor).ok_or_else(|| wrong("cursor", "A cursor is a `next_cursor` of this list, unchanged."))
            })
            .transpose()?;
        Ok(Self { limit, after })
    }

    /// The key after which the page begins.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many items a page has.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The list as JSON from items in the order of their keys; those up to the cursor are skipped.
    pub(super) fn render<'a>(&self, items: impl Iterator<Item = (&'a str, Bytes)>) -> Bytes {
        let mut items = items.filter(|(key, _)| self.after().is_none_or(|after| *key > after)).peekable();
        let mut taken = Vec::new();
        let mut last = None;
        for _ in 0..self.limit {
            let Some((key, json)) = items.next() else { break };
            taken.push(json);
            last = Some(key);
        }
        list(taken.iter().map(|json| &**json), last.filter(|_| items.peek().is_some()))
    }
}

/// A page as JSON from its items; `last` is the key of the last one where more follow.
pub(super) fn list<'a>(items: impl Iterator<Item = &'a [u8]>, last: Option<&str>) -> Bytes {
    let mut out = b"{\"items\":[".to_vec();
    for (index, json) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(json);
    }
    out.extend_from_slice(b"],\"next_cursor\":");
    match last {
        Some(key) => write_text(&mut out, &encode(key)),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    out.into()
}

/// Takes `limit` alone.
///
/// # Errors
/// 422 when it is out of range.
pub(super) fn take_limit(params: &mut Params) -> Result<usize, Problem> {
    const RANGE: &str = "A whole number from 1 to 1000.";
    let limit = params.parse("limit", RANGE)?.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) { Ok(limit) } else { Err(wrong("limit", RANGE)) }
}

/// The cursor after an item.
pub(super) fn encode(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("1{key}"))
}

fn decode(cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix('1').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::Uri;

    use super::*;

    fn page(query: &str) -> Result<Page, Problem> {
        let uri: Uri = format!("/x?{query}").parse().unwrap();
        Page::take(&mut Params::read(&uri).unwrap())
    }

    #[test]
    fn a_walk_sees_every_item_once() {
        let items: Vec<(String, Bytes)> = (0..7).map(|n| (format!("k{n}"), Bytes::from(n.to_string()))).collect();
        let mut query = "limit=3".to_owned();
        let mut seen = Vec::new();
        loop {
            let body = page(&query).unwrap().render(items.iter().map(|(key, json)| (key.as_str(), json.clone())));
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            seen.extend(value["items"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()));
            match value["next_cursor"].as_str() {
                Some(next) => query = format!("limit=3&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        assert!(page("limit=0").is_err() && page("limit=1001").is_err() && page("cursor=%21").is_err());
    }
}
