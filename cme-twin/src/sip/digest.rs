//! Digest authentication of REGISTER (RFC 2617, MD5).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

/// The nonces that were given out.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    given: HashMap<String, (Instant, u32)>,
}

/// What an `Authorization` header came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    /// Right, but the nonce is too old.
    Stale,
    /// Rule and sentence.
    Wrong(&'static str, String),
}

/// Who must prove to be who.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) realm: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) life: Duration,
}

impl Nonces {
    /// A challenge with a fresh nonce.
    pub(crate) fn challenge(&mut self, now: Instant, random: u128, realm: &str, qop: bool, stale: bool) -> String {
        let nonce = format!("{random:032X}");
        self.given.insert(nonce.clone(), (now, 0));
        let stale = if stale { ",stale=true" } else { "" };
        let qop = if qop { ",qop=\"auth\"" } else { "" };
        format!("Digest realm=\"{realm}\",nonce=\"{nonce}\",algorithm=MD5{qop}{stale}")
    }

    pub(crate) fn check(
        &mut self,
        now: Instant,
        header: &str,
        method: &str,
        uri: &str,
        account: Account<'_>,
    ) -> Verdict {
        let fields = fields(header);
        let get = |name: &str| fields.get(name).map_or("", String::as_str);
        let wrong = |text: String| Verdict::Wrong("digest.response", text);
        let Some((issued, last)) = self.given.get_mut(get("nonce")) else {
            return wrong("the nonce was never given".to_owned());
        };
        if get("username") != account.user || get("realm") != account.realm {
            return wrong(format!("user `{}` in realm `{}` is unknown", get("username"), get("realm")));
        }
        if get("uri") != uri {
            return wrong(format!("the digest is for `{}`, the request for `{uri}`", get("uri")));
        }
        let secret = (account.user, account.password);
        let expected =
            response(secret, account.realm, method, uri, get("nonce"), [get("qop"), get("nc"), get("cnonce")]);
        if !expected.eq_ignore_ascii_case(get("response")) {
            return wrong("the response is not right".to_owned());
        }
        if !get("qop").is_empty() {
            let count = u32::from_str_radix(get("nc"), 16).unwrap_or(0);
            if count <= *last || get("nc").len() != 8 {
                return Verdict::Wrong("digest.nc", format!("nc is `{}` after {last:08x}", get("nc")));
            }
            *last = count;
        }
        if now.duration_since(*issued) > account.life { Verdict::Stale } else { Verdict::Good }
    }

    pub(crate) fn forget(&mut self) {
        self.given.clear();
    }
}

fn response(
    (user, password): (&str, &str),
    realm: &str,
    method: &str,
    uri: &str,
    nonce: &str,
    [qop, nc, cnonce]: [&str; 3],
) -> String {
    let one = hex(&format!("{user}:{realm}:{password}"));
    let two = hex(&format!("{method}:{uri}"));
    if qop.is_empty() {
        hex(&format!("{one}:{nonce}:{two}"))
    } else {
        hex(&format!("{one}:{nonce}:{nc}:{cnonce}:{qop}:{two}"))
    }
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `name=value` and `name="value"` pairs behind the scheme.
fn fields(header: &str) -> HashMap<String, String> {
    let rest = header.trim().split_once(' ').map_or("", |(_, rest)| rest);
    let mut found = HashMap::new();
    let (mut name, mut value, mut in_value, mut quoted) = (String::new(), String::new(), false, false);
    for c in rest.chars().chain([',']) {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
                (name, value, in_value) = (String::new(), String::new(), false);
            }
            '=' if !in_value => in_value = true,
            c if in_value => value.push(c),
            c => name.push(c),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_rfc_2617_holds() {
        let got = response(
            ("Mufasa", "Circle Of Life"),
            "testrealm@host.com",
            "GET",
            "/dir/index.html",
            "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            ["auth", "00000001", "0a4f113b"],
        );
        assert_eq!(got, "6629fae49393a05397450978507c4ef1");
        let old = response(
            ("Mufasa", "Circle Of Life"),
            "testrealm@host.com",
            "GET",
            "/dir/index.html",
            "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            ["", "", ""],
        );
        assert_eq!(old, "670fd8c2df070c60b045671b8b24ff02");
    }

    #[test]
    fn counts_must_increase_and_nonces_age() {
        let mut nonces = Nonces::default();
        let now = Instant::now();
        let challenge = nonces.challenge(now, 7, "cisco", true, false);
        let nonce = fields(&challenge).remove("nonce").unwrap_or_default();
        let account = Account { realm: "cisco", user: "u", password: "p", life: Duration::from_secs(10) };
        let header = |nc: &str| {
            let answer = response(("u", "p"), "cisco", "REGISTER", "sip:h", &nonce, ["auth", nc, "c"]);
            format!(
                "Digest username=\"u\", realm=\"cisco\", nonce=\"{nonce}\", uri=\"sip:h\", qop=auth, nc={nc}, cnonce=\"c\", response=\"{answer}\""
            )
        };
        assert_eq!(nonces.check(now, &header("00000001"), "REGISTER", "sip:h", account), Verdict::Good);
        assert!(matches!(
            nonces.check(now, &header("00000001"), "REGISTER", "sip:h", account),
            Verdict::Wrong("digest.nc", _)
        ));
        let later = now + Duration::from_secs(11);
        assert_eq!(nonces.check(later, &header("00000002"), "REGISTER", "sip:h", account), Verdict::Stale);
        assert!(matches!(
            nonces.check(now, &header("00000003"), "INVITE", "sip:h", account),
            Verdict::Wrong("digest.response", _)
        ));
    }
}
