//! How deep a JSON text is nested. Readers of JSON have a limit, many of them about a hundred levels: what programs
//! attach to calls must stay well below it, or one of them ends the streams of all others.

/// How many objects and lists stand inside one another.
pub fn depth(json: &str) -> usize {
    let mut now = 0_usize;
    let mut most = 0;
    for (_, mark) in marks(json) {
        match mark {
            b'{' | b'[' => {
                now += 1;
                most = most.max(now);
            }
            _ => now = now.saturating_sub(1),
        }
    }
    most
}

/// The same text with `null` in the place of what lies deeper than a limit.
pub fn shallow(json: &str, limit: usize) -> String {
    let mut out = String::with_capacity(json.len());
    let mut level = 0_usize;
    let mut kept = 0;
    for (at, mark) in marks(json) {
        if matches!(mark, b'{' | b'[') {
            level += 1;
            if level == limit + 1 {
                out.push_str(json.get(kept..at).unwrap_or_default());
                out.push_str("null");
            }
        } else {
            if level == limit + 1 {
                kept = at + 1;
            }
            level = level.saturating_sub(1);
        }
    }
    if level <= limit {
        out.push_str(json.get(kept..).unwrap_or_default());
    }
    out
}

/// The brackets outside of strings, with their places.
fn marks(json: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut quoted, mut escaped) = (false, false);
    json.bytes().enumerate().filter(move |(_, byte)| {
        if quoted {
            (quoted, escaped) = match byte {
                _ if escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            return false;
        }
        quoted = *byte == b'"';
        matches!(byte, b'{' | b'[' | b'}' | b']')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn brackets_in_texts_do_not_count() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"{"[[[": "]\"[[", "a": [1, {"b": []}]}"#), 4);
        assert_eq!(depth(&nested(130)), 130);
    }

    #[test]
    fn what_is_too_deep_is_left_out() {
        assert_eq!(shallow(r#"{"a": [1, [2], {"b": 3}], "c": "[["}"#, 2), r#"{"a": [1, null, null], "c": "[["}"#);
        assert_eq!(shallow(r#"{"a": [1]}"#, 2), r#"{"a": [1]}"#);
        let cut = shallow(&format!(r#"{{"x": {}, "y": 1}}"#, nested(500)), 100);
        assert_eq!(depth(&cut), 100);
        assert!(serde_json::from_str::<serde_json::Value>(&cut).is_ok_and(|value| value["y"] == 1));
    }
}
