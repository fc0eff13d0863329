//! Contact (RFC 3261 20.10).

use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::value::name_addr::{NameAddr, list};
use crate::sip::wire::lexer::decimal;

/// All contacts of one field. `*` gives an empty list, `None` stands for a malformed value.
#[must_use]
pub fn contacts(value: &[u8], strictness: Strictness) -> Option<Vec<NameAddr<'_>>> {
    if value.trim_ascii() == b"*" {
        return Some(Vec::new());
    }
    list(value, strictness)
}

/// The `expires` of a contact, seconds. IOS may print a quoted date here: that counts as absent (dossier 3.2 step 4).
#[must_use]
pub fn expires(contact: &NameAddr<'_>) -> Option<u32> {
    decimal(contact.params().value("expires")?).and_then(|value| u32::try_from(value).ok())
}

/// Whether a Contact field keeps to its grammar: addresses, `q` and `expires`.
#[must_use]
pub fn is_valid(value: &[u8], strictness: Strictness) -> bool {
    let Some(all) = contacts(value, strictness) else {
        return false;
    };
    strictness.forgives(Leniency::DateInAnyForm)
        || all.iter().all(|contact| {
            contact.params().find("expires").is_none_or(|found| found.is_some())
                && contact.params().value("expires").is_none_or(|_| expires(contact).is_some())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn expires_is_a_number_or_absent() {
        let value = b"<sip:a@b>;expires=600, <sip:c@d>;expires=\"Mon, 01 Sep 2014 08:00:00 GMT\"";
        let all = contacts(value, Strictness::Router).unwrap();
        assert_eq!(expires(&all[0]), Some(600));
        assert_eq!(expires(&all[1]), None);
        assert!(!is_valid(value, Strictness::Rfc));
        assert!(is_valid(value, Strictness::Router));
        assert!(contacts(b"*", Strictness::Rfc).unwrap().is_empty());
    }
}
