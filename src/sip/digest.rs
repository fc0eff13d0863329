//! Digest access authentication, client side (RFC 2617, RFC 7616, RFC 8760).

use std::fmt;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::sip::chance::Chance;
use crate::sip::method::Method;
use crate::sip::value::challenge::{Algorithm, Challenge};
use crate::sip::wire::encode::quote;

/// Name and password. Neither is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// Credentials for every realm of the peer (dossier 3.6).
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), password: password.to_owned() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// What of a request goes into the response hash.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Method name.
    pub method: &'a str,
    /// Request-URI as written.
    pub uri: &'a str,
    /// Body, for `auth-int`.
    pub body: &'a [u8],
}

/// The value of Authorization or Proxy-Authorization. `nc` counts the requests with this nonce from 1;
/// `cnonce` has to be unpredictable.
#[must_use]
pub fn authorization(
    challenge: &Challenge,
    credentials: &Credentials,
    subject: Subject<'_>,
    nc: u32,
    cnonce: &str,
) -> String {
    // auth before auth-int (dossier 3.6): bodies are the same either way, hashing them costs.
    let qop = match (challenge.qop_auth, challenge.qop_auth_int) {
        (true, _) => Some("auth"),
        (false, true) => Some("auth-int"),
        (false, false) => None,
    };
    let response = response(challenge, credentials, subject, qop, nc, cnonce);
    let mut value = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
        quote(&credentials.username),
        quote(&challenge.realm),
        quote(&challenge.nonce),
        quote(subject.uri),
    );
    if challenge.algorithm_named {
        value.push_str(", algorithm=");
        value.push_str(challenge.algorithm.as_str());
    }
    let is_sess = is_sess(challenge.algorithm);
    if qop.is_some() || is_sess {
        value.push_str(&format!(", cnonce={}", quote(cnonce)));
    }
    if let Some(qop) = qop {
        // RFC 7616 3.4: nc is eight lower-case hex digits, qop is not quoted here.
        value.push_str(&format!(", qop={qop}, nc={nc:08x}"));
    }
    if let Some(opaque) = &challenge.opaque {
        value.push_str(&format!(", opaque={}", quote(opaque)));
    }
    value
}

fn response(
    challenge: &Challenge,
    credentials: &Credentials,
    subject: Subject<'_>,
    qop: Option<&str>,
    nc: u32,
    cnonce: &str,
) -> String {
    let hash = |text: &str| hex(challenge.algorithm, text.as_bytes());
    let (user, password) = (&credentials.username, &credentials.password);
    let nonce = &challenge.nonce;
    let mut a1 = hash(&format!("{user}:{}:{password}", challenge.realm));
    if is_sess(challenge.algorithm) {
        a1 = hash(&format!("{a1}:{nonce}:{cnonce}"));
    }
    let (method, uri) = (subject.method, subject.uri);
    let a2 = if qop == Some("auth-int") {
        let body = hex(challenge.algorithm, subject.body);
        hash(&format!("{method}:{uri}:{body}"))
    } else {
        hash(&format!("{method}:{uri}"))
    };
    match qop {
        Some(qop) => hash(&format!("{a1}:{nonce}:{nc:08x}:{cnonce}:{qop}:{a2}")),
        // RFC 2069 form.
        None => hash(&format!("{a1}:{nonce}:{a2}")),
    }
}

const fn is_sess(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Md5Sess | Algorithm::Sha256Sess)
}

fn hex(algorithm: Algorithm, data: &[u8]) -> String {
    let print = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => print(&Md5::digest(data)),
        Algorithm::Sha256 | Algorithm::Sha256Sess => print(&Sha256::digest(data)),
    }
}

/// The challenges of one peer, and how often each nonce was used. A method that was challenged once
/// carries credentials from then on.
#[derive(Debug, Default)]
pub struct Keyring {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    is_proxy: bool,
    challenge: Challenge,
    nc: u32,
    methods: Vec<Method>,
}

/// Realms beyond this number are forgotten, oldest first: the peer chooses them.
const REALM_LIMIT: usize = 8;

impl Keyring {
    /// Notes a challenge to a request with this method.
    pub fn learn(&mut self, method: &Method, is_proxy: bool, challenge: Challenge) {
        let known = self.entries.iter_mut().find(|e| e.is_proxy == is_proxy && e.challenge.realm == challenge.realm);
        if let Some(entry) = known {
            if entry.challenge.nonce != challenge.nonce {
                entry.nc = 0;
            }
            entry.challenge = challenge;
            if !entry.methods.contains(method) {
                entry.methods.push(method.clone());
            }
            return;
        }
        if self.entries.len() >= REALM_LIMIT {
            self.entries.remove(0);
        }
        self.entries.push(Entry { is_proxy, challenge, nc: 0, methods: vec![method.clone()] });
    }

    /// Takes a `nextnonce` (RFC 7616 3.5).
    pub fn renew(&mut self, method: &Method, nonce: String) {
        let fits = |e: &&mut Entry| !e.is_proxy && e.methods.contains(method);
        if let Some(entry) = self.entries.iter_mut().rev().find(fits) {
            entry.challenge.nonce = nonce;
            entry.nc = 0;
        }
    }

    /// Header lines for a request.
    pub fn headers(
        &mut self,
        method: &Method,
        uri: &str,
        body: &[u8],
        credentials: &Credentials,
        chance: &mut Chance,
    ) -> Vec<(&'static str, String)> {
        let subject = Subject { method: method.as_str(), uri, body };
        self.entries
            .iter_mut()
            .filter(|entry| entry.methods.contains(method))
            .map(|entry| {
                entry.nc = entry.nc.saturating_add(1);
                let name = if entry.is_proxy { "Proxy-Authorization" } else { "Authorization" };
                let cnonce = chance.token();
                let value = authorization(&entry.challenge, credentials, subject, entry.nc, &cnonce);
                (name, value)
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "digest_tests.rs"]
mod tests;
