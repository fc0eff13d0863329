#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

/// A self-signed certificate in the style of IOS 15: RSA 1024, SHA-1.
const CERTIFICATE: &str = "3082022c30820195a003020102021455669e868767d70bbb25dabe13d3e3fc6566e576300d06092a864886f70d010105\
     050030283126302406035504030c1d494f532d53656c662d5369676e65642d43657274696669636174652d31301e170d\
     3236313132343136353132395a170d3236313132353136353132395a30283126302406035504030c1d494f532d53656c\
     662d5369676e65642d43657274696669636174652d3130819f300d06092a864886f70d010101050003818d0030818902\
     818100c73ba7fa01a45fb71e3512f9c545c15d15970bd2b22334b81cdc581b5cac07da94156af9bbe8cf629dbee6b2be\
     6bb5a6f3f80f15087d642f6b9e37a095028fac8ccd0476503360096b75c97f369383a39a2ac487680895c96a96e921e8\
     a406b72a9ad4d67c9907c38f81025a19a857ef5dbbe9e7ced78ccb64a4828fe744c22f0203010001a3533051301d0603\
     551d0e041604143bb9bdf718857fec6ffefd6b24ed7d36f872683a301f0603551d230418301680143bb9bdf718857fec\
     6ffefd6b24ed7d36f872683a300f0603551d130101ff040530030101ff300d06092a864886f70d010105050003818100\
     554fec145556916435cbd261ad7d0473dd854a7726152fbf41aab3af63882f0251dc6cda55dda7b625e128c2bfbaf0f3\
     bc78473c6aa55d495b4f8faf9aa0fda7b0cfb32cd59668a60041c0966c8f03f2c2251f2f10dc726ff24b37ffaec4f2b7\
     5b900a0c5aab336d73bbced9fe8f4fc9aaceb099c46732776f91aece0641efe9";
/// PKCS#1 v1.5 with SHA-256 over `MESSAGE` by its key.
const SIGNATURE: &str = "0e97df55a486f8ece444a71bf88a2b17799530d0677803648da7020363bf6091293e92cbae6a4fbcb600b01eaae4231b\
     ea0174c3f97cfc7fc2f8fd5e3e56627a7b11d74b10b9c5aa025bce7dae4b341666816168e7c47fe33fd040350ee2d244\
     d97c3d20814562bd504b1ee04fd2e85653f760a0bb9d7d1afa300975827f015c";
const MESSAGE: &[u8] = b"handshake bytes";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn judge(scheme: SignatureScheme, message: &[u8]) -> Result<HandshakeSignatureValid, rustls::Error> {
    let error = rustls::Error::General("refused".to_owned());
    small_key(message, &bytes(CERTIFICATE), scheme, &bytes(SIGNATURE), error)
}

#[test]
fn a_pinned_key_of_1024_bits_is_verified() {
    assert_eq!(der::rsa_key(&bytes(CERTIFICATE)).unwrap().bits, 1024);
    assert!(judge(SignatureScheme::RSA_PKCS1_SHA256, MESSAGE).is_ok());
    let wrong = judge(SignatureScheme::RSA_PKCS1_SHA256, b"other bytes").unwrap_err();
    assert_eq!(super::super::classify::of_tls(&wrong), TlsFault::SignatureRefused);
    let other = judge(SignatureScheme::RSA_PSS_SHA256, MESSAGE).unwrap_err();
    assert_eq!(super::super::classify::of_tls(&other), TlsFault::KeyTooSmall { bits: 1024 });
}

#[test]
fn fingerprints_are_read_in_every_usual_form() {
    let fingerprint = of_certificate(b"certificate");
    let shown = show(&fingerprint);
    assert_eq!(shown.len(), 95);
    for text in
        [shown.clone(), shown.replace(':', ""), shown.to_lowercase(), format!("SHA256:{}", shown.replace(':', ""))]
    {
        assert_eq!(read(&text), Some(fingerprint), "{text}");
    }
    assert_eq!(read("AA:BB"), None);
    assert_eq!(read(&"zz".repeat(32)), None);
}

proptest! {
    #[test]
    fn no_certificate_panics(change in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut certificate = bytes(CERTIFICATE);
        let at = change.index(certificate.len());
        certificate[at] = byte;
        certificate.truncate(cut.index(certificate.len()));
        let _ = der::rsa_key(&certificate);
    }

    #[test]
    fn no_fingerprint_text_panics(text in ".{0,80}") {
        let _ = read(&text);
    }
}
