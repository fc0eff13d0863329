//! Vectors of RFC 2617, RFC 7616 and of an RFC 2069 peer.

#![allow(clippy::unwrap_used)]
use super::*;

fn challenge(value: &str) -> Challenge {
    Challenge::strongest(Challenge::list(value.as_bytes())).unwrap()
}

fn field(value: &str, name: &str) -> Option<String> {
    let (_, rest) = value.split_once(&format!("{name}="))?;
    Some(rest.split(',').next()?.trim_matches('"').to_owned())
}

fn answer(text: &str, user: &Credentials, body: &[u8], nc: u32, cnonce: &str) -> String {
    let uri = "/dir/index.html";
    let subject = Subject { method: "GET", uri, body };
    authorization(&challenge(text), user, subject, nc, cnonce)
}

#[test]
fn rfc_2617_example() {
    let text = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let user = Credentials::new("Mufasa", "Circle Of Life");
    let value = answer(text, &user, b"", 1, "0a4f113b");
    let response = field(&value, "response").unwrap();
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(field(&value, "nc").as_deref(), Some("00000001"));
    assert_eq!(field(&value, "qop").as_deref(), Some("auth"));
    assert!(!value.contains("algorithm"));
    assert!(value.ends_with("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
}

const REALM_7616: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

#[test]
fn rfc_7616_examples() {
    let user = Credentials::new("Mufasa", "Circle of Life");
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let md5 = answer(&format!("{REALM_7616}, algorithm=MD5"), &user, b"", 1, cnonce);
    assert_eq!(field(&md5, "response").unwrap(), "8ca523f5e9506fed4657c9700eebdbec");
    let sha = answer(&format!("{REALM_7616}, algorithm=SHA-256"), &user, b"", 1, cnonce);
    let expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    assert_eq!(field(&sha, "response").unwrap(), expected);
    assert_eq!(field(&sha, "algorithm").as_deref(), Some("SHA-256"));
}

#[test]
fn the_strongest_of_two_header_values_wins() {
    let mut all = Challenge::list(format!("{REALM_7616}, algorithm=MD5").as_bytes());
    all.extend(Challenge::list(format!("{REALM_7616}, algorithm=SHA-256").as_bytes()));
    let best = Challenge::strongest(all).unwrap();
    assert_eq!(best.algorithm, Algorithm::Sha256);
}

/// The SIP examples of draft-smith-sipping-auth-examples: every algorithm and qop with the same data.
#[test]
fn sip_examples_with_every_qop() {
    let user = Credentials::new("bob", "zanzibar");
    let subject = Subject {
        method: "INVITE",
        uri: "sip:bob@biloxi.com",
        body: b"v=0\r\no=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\ns=-\r\n\
                c=IN IP4 media.biloxi.com\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n\
                m=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\n\
                a=rtpmap:32 MPV/90000\r\n",
    };
    let base = "Digest realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    for (more, response) in [
        ("", "bf57e4e0d0bffc0fbaedce64d59add5e"),
        (", algorithm=MD5", "bf57e4e0d0bffc0fbaedce64d59add5e"),
        (", qop=\"auth\"", "89eb0059246c02b2f6ee02c7961d5ea3"),
        (", qop=\"auth\", algorithm=MD5", "89eb0059246c02b2f6ee02c7961d5ea3"),
        (", qop=\"auth\", algorithm=\"MD5-sess\"", "e4e4ea61d186d07a92c9e1f6919902e9"),
        (", qop=\"auth-int\"", "bdbeebb2da6adb6bca02599c2239e192"),
        (", qop=\"auth-int\", algorithm=MD5-sess", "91984da2d8663716e91554859c22ca70"),
    ] {
        let challenge = challenge(&format!("{base}{more}"));
        let value = authorization(&challenge, &user, subject, 1, "0a4f113b");
        assert_eq!(field(&value, "response").unwrap(), response, "{more}");
        assert_eq!(value.contains("qop"), more.contains("qop"));
        assert_eq!(value.contains("nc="), more.contains("qop"));
    }
}

#[test]
fn the_keyring_counts_per_nonce_and_knows_methods() {
    let mut ring = Keyring::default();
    let mut chance = Chance::new([1; 32]);
    let user = Credentials::new("u", "p");
    let mut nc = |ring: &mut Keyring, method: Method| {
        let all = ring.headers(&method, "sip:h", b"", &user, &mut chance);
        all.first().map(|(name, value)| (*name, field(value, "nc").unwrap()))
    };
    assert_eq!(nc(&mut ring, Method::Register), None);
    let text = "Digest realm=\"r\", nonce=\"1\", qop=\"auth\"";
    ring.learn(&Method::Register, false, challenge(text));
    assert_eq!(nc(&mut ring, Method::Register), Some(("Authorization", "00000001".to_owned())));
    assert_eq!(nc(&mut ring, Method::Register), Some(("Authorization", "00000002".to_owned())));
    assert_eq!(nc(&mut ring, Method::Info), None);
    ring.renew(&Method::Register, "2".to_owned());
    assert_eq!(nc(&mut ring, Method::Register), Some(("Authorization", "00000001".to_owned())));
    ring.learn(&Method::Info, true, challenge(text));
    assert_eq!(nc(&mut ring, Method::Info), Some(("Proxy-Authorization", "00000001".to_owned())));
}

#[test]
fn secrets_are_not_printed() {
    let text = format!("{:?}", Credentials::new("canary-user", "canary-pass"));
    assert!(!text.contains("canary"));
}
