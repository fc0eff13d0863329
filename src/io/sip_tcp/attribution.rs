//! Whose connection it is, when several PBXs share one local port and one address: the first message tells.
//!
//! Order of api.md: dialog, then Request-URI, then source address. A dialog is recognised by the mark that each link
//! puts into its Call-IDs, the Request-URI by its user.

/// What a candidate answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks<'a> {
    /// Part of every Call-ID of the link.
    pub(super) call_id: &'a str,
    /// User of its registration's Contact.
    pub(super) contact_user: &'a str,
}

/// The candidate that a message head belongs to; `None` when nobody or several could be meant.
pub(super) fn owner(head: &[u8], candidates: &[Marks<'_>]) -> Option<usize> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let start = lines.next().unwrap_or_default();
    let call_id = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| {
            let name = name.trim();
            name.eq_ignore_ascii_case("call-id") || name.eq_ignore_ascii_case("i")
        })
        .map(|(_, value)| value.trim());
    if let Some(call_id) = call_id
        && let Some(found) = only(candidates, |marks| call_id.contains(marks.call_id))
    {
        return Some(found);
    }
    let user = start
        .split_whitespace()
        .nth(1)
        .and_then(|uri| uri.strip_prefix("sip:"))
        .and_then(|rest| rest.split_once('@'))
        .map(|(user, _)| user)?;
    only(candidates, |marks| marks.contact_user == user)
}

fn only(candidates: &[Marks<'_>], fits: impl Fn(&Marks<'_>) -> bool) -> Option<usize> {
    let mut found = candidates.iter().enumerate().filter(|(_, marks)| fits(marks));
    let first = found.next()?;
    found.next().is_none().then_some(first.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATES: [Marks<'static>; 2] =
        [Marks { call_id: "-a1b2@", contact_user: "ss_ecsta" }, Marks { call_id: "-c3d4@", contact_user: "ss_other" }];

    #[test]
    fn a_dialog_is_recognised_by_its_call_id() {
        let head = b"INFO sip:201@192.0.2.50 SIP/2.0\r\nVia: x\r\ni: 77-c3d4@192.0.2.50\r\n\r\n";
        assert_eq!(owner(head, &CANDIDATES), Some(1));
    }

    #[test]
    fn else_the_request_uri_tells_and_else_nothing() {
        let head = b"OPTIONS sip:ss_ecsta@192.0.2.50:5070 SIP/2.0\r\nCall-ID: 5\r\n\r\n";
        assert_eq!(owner(head, &CANDIDATES), Some(0));
        let head = b"OPTIONS sip:192.0.2.50 SIP/2.0\r\nCall-ID: 5\r\n\r\n";
        assert_eq!(owner(head, &CANDIDATES), None);
    }
}
