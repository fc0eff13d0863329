//! As much DER as it takes to find the RSA key in a certificate (RFC 5280 section 4.1).

/// Algorithm identifier `rsaEncryption`, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;

/// An RSA public key.
pub(super) struct RsaKey<'a> {
    /// The `RSAPublicKey` structure.
    pub(super) der: &'a [u8],
    /// Size of the modulus.
    pub(super) bits: usize,
}

/// One element: tag, content, what follows.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn expect(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(input)?;
    (tag == wanted).then_some((content, rest))
}

/// The RSA key of a certificate; `None` for another algorithm or a broken certificate.
pub(super) fn rsa_key(certificate: &[u8]) -> Option<RsaKey<'_>> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if let Some((VERSION, _, after)) = element(rest) {
        rest = after;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        let (_, _, after) = element(rest)?;
        rest = after;
    }
    let (key_info, _) = expect(rest, SEQUENCE)?;
    let (algorithm, after) = expect(key_info, SEQUENCE)?;
    let (id, _) = expect(algorithm, OBJECT_ID)?;
    if id != RSA {
        return None;
    }
    let (bits, _) = expect(after, BIT_STRING)?;
    let (_, der) = bits.split_first()?;
    let (key, _) = expect(der, SEQUENCE)?;
    let (modulus, _) = expect(key, INTEGER)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let digits = modulus.get(zeros..)?;
    let high = digits.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(RsaKey { der, bits: digits.len() * 8 - high })
}
