//! Date (RFC 3261 20.17): the form of RFC 1123, GMT only.

const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Whether a value is `wkday, DD Mon YYYY HH:MM:SS GMT`.
#[must_use]
pub fn is_rfc1123(value: &[u8]) -> bool {
    let part = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
    let digits =
        |from: usize, to: usize, max: u64| crate::sip::wire::lexer::decimal(part(from, to)).is_some_and(|n| n <= max);
    value.len() == 29
        && DAYS.contains(&part(0, 3))
        && part(3, 5) == b", "
        && digits(5, 7, 31)
        && part(7, 8) == b" "
        && MONTHS.contains(&part(8, 11))
        && part(11, 12) == b" "
        && digits(12, 16, 9999)
        && part(16, 17) == b" "
        && digits(17, 19, 23)
        && part(19, 20) == b":"
        && digits(20, 22, 59)
        && part(22, 23) == b":"
        && digits(23, 25, 60)
        && part(25, 29) == b" GMT"
}

#[cfg(test)]
mod tests {
    use super::is_rfc1123;

    #[test]
    fn only_gmt() {
        assert!(is_rfc1123(b"Sat, 13 Nov 2010 23:29:00 GMT"));
        assert!(!is_rfc1123(b"Fri, 01 Jan 2010 16:00:00 EST"));
        assert!(!is_rfc1123(b"1409558400"));
    }
}
