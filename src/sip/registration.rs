//! The registration of the session server (RFC 3261 10, dossier 3.2): state and arithmetic, no sending.

use std::time::{Duration, Instant};

use crate::sip::strictness::Strictness;
use crate::sip::value::contact::{contacts, expires};
use crate::sip::value::uri::Uri;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;

/// Where the registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing wanted.
    Idle,
    /// A REGISTER is open.
    Asking,
    /// Granted.
    Standing,
    /// A REGISTER with Expires 0 is open.
    Leaving,
}

/// What a 200 grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Lifetime, seconds.
    pub expires_s: u32,
    /// Reference id of the peer.
    pub reference_id: Option<String>,
    /// A Contact that is not ours is listed.
    pub foreign_contact: bool,
}

/// The registration of one endpoint. Call-ID and From tag stay, CSeq grows (RFC 3261 10.2.4).
#[derive(Debug, Clone)]
pub struct Registration {
    /// Call-ID of every REGISTER.
    pub call_id: String,
    /// Tag of From.
    pub tag: String,
    /// Where it stands.
    pub state: State,
    /// To be taken back as soon as the open REGISTER is answered.
    pub leave_wanted: bool,
    /// To be asked for again as soon as it is taken back.
    pub return_wanted: bool,
    seq: u32,
    asked_s: u32,
    retries: u8,
    refresh_at: Option<Instant>,
}

impl Registration {
    /// A registration that nobody asked for yet.
    #[must_use]
    pub const fn new(call_id: String, tag: String, expires_s: u32) -> Self {
        Self {
            call_id,
            tag,
            state: State::Idle,
            leave_wanted: false,
            return_wanted: false,
            seq: 0,
            asked_s: expires_s,
            retries: 0,
            refresh_at: None,
        }
    }

    /// Number and Expires of the next REGISTER.
    pub const fn next(&mut self) -> (u32, u32) {
        self.seq += 1;
        self.refresh_at = None;
        let expires = match self.state {
            State::Leaving => 0,
            _ => self.asked_s,
        };
        (self.seq, expires)
    }

    /// When the refresh is due.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.refresh_at
    }

    /// 423: whether to ask again, with Min-Expires (RFC 3261 10.2.8).
    pub fn on_interval_too_brief(&mut self, answer: &Message) -> bool {
        let Some(min) = answer.number(HeaderName::MinExpires) else {
            return false;
        };
        self.retries += 1;
        let is_news = min > self.asked_s && self.retries <= 2;
        self.asked_s = self.asked_s.max(min);
        is_news
    }

    /// 200 to a REGISTER that asked for a registration. The refresh is set to min(half, granted - 30 s, cap).
    pub fn on_granted(
        &mut self,
        now: Instant,
        answer: &Message,
        own_contact: &str,
        reference_header: &str,
        cap_s: Option<u32>,
    ) -> Grant {
        self.retries = 0;
        self.state = State::Standing;
        let grant = read_grant(answer, own_contact, reference_header, self.asked_s);
        let granted = grant.expires_s;
        let seconds = (granted / 2).min(granted.saturating_sub(30)).min(cap_s.unwrap_or(u32::MAX)).max(1);
        self.refresh_at = Some(now + Duration::from_secs(u64::from(seconds)));
        grant
    }

    /// Nothing is registered any more.
    pub const fn reset(&mut self) {
        self.state = State::Idle;
        self.leave_wanted = false;
        self.return_wanted = false;
        self.refresh_at = None;
        self.retries = 0;
    }
}

/// Our Contact's expires first, then Expires, then what was asked for (dossier 3.2 step 4).
fn read_grant(answer: &Message, own: &str, reference_header: &str, asked_s: u32) -> Grant {
    let own = Uri::parse(own.as_bytes(), Strictness::Router);
    let mut ours = None;
    let mut foreign = false;
    for value in answer.all(HeaderName::Contact) {
        for contact in contacts(value, Strictness::Router).unwrap_or_default() {
            if own.is_some_and(|own| own.is_same_place(&contact.uri())) {
                ours = expires(&contact);
            } else {
                foreign = true;
            }
        }
    }
    let expires_s =
        ours.or_else(|| answer.number(HeaderName::Expires)).filter(|seconds| *seconds > 0).unwrap_or(asked_s);
    let plain = |name: &[u8]| -> Vec<u8> {
        let letters = name.iter().filter(|b| **b != b'-');
        letters.map(u8::to_ascii_lowercase).collect()
    };
    let wanted = plain(reference_header.as_bytes());
    let reference_id = answer
        .find_other(|name| plain(name) == wanted)
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty());
    Grant { expires_s, reference_id, foreign_contact: foreign }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;
    use crate::sip::wire::parse::parse;

    const OWN: &str = "sip:ss@192.0.2.50:5070;transport=tcp";

    fn answer(lines: &str) -> Message {
        let text = format!("SIP/2.0 200 OK\n{lines}\n").replace('\n', "\r\n");
        parse(Bytes::from(text), Strictness::Router).unwrap()
    }

    fn grant(lines: &str) -> Grant {
        read_grant(&answer(lines), OWN, "Cisco-referenceID", 600)
    }

    #[test]
    fn contact_before_expires_before_asked() {
        let dated = "Contact: <sip:ss@192.0.2.50:5070>;expires=\"Mon, 01 Sep 2014 08:00:00 GMT\"\nExpires: 300\n";
        assert_eq!(grant(dated).expires_s, 300);
        assert_eq!(grant("m: <sip:ss@192.0.2.50:5070>;expires=90\nExpires: 300\n").expires_s, 90);
        assert_eq!(grant("").expires_s, 600);
        assert!(!grant(dated).foreign_contact);
        assert!(grant("Contact: <sip:ss@192.0.2.51:5070>;expires=90\n").foreign_contact);
    }

    #[test]
    fn the_reference_id_has_many_spellings() {
        for name in ["Cisco-referenceID", "cisco-Reference-ID", "CISCO-REFERENCE-id"] {
            let id = grant(&format!("{name}: 4D1009AE\n")).reference_id;
            assert_eq!(id.as_deref(), Some("4D1009AE"), "{name}");
        }
    }

    #[test]
    fn refresh_is_the_least_of_half_minus_thirty_and_cap() {
        let now = Instant::now();
        let refresh = |expires: u32, cap| {
            let mut registration = Registration::new(String::new(), String::new(), 600);
            let answer = answer(&format!("Expires: {expires}\n"));
            registration.on_granted(now, &answer, OWN, "x", cap);
            (registration.deadline().unwrap() - now).as_secs()
        };
        assert_eq!(refresh(600, Some(240)), 240);
        assert_eq!(refresh(600, None), 300);
        assert_eq!(refresh(50, Some(240)), 20);
        assert_eq!(refresh(10, Some(240)), 1);
    }

    #[test]
    fn min_expires_is_followed_upwards_only() {
        let mut registration = Registration::new(String::new(), String::new(), 600);
        assert!(registration.on_interval_too_brief(&answer("Min-Expires: 900\n")));
        assert_eq!(registration.next(), (1, 900));
        assert!(!registration.on_interval_too_brief(&answer("Min-Expires: 900\n")));
    }
}
