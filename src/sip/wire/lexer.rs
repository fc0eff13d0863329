//! The lexer: tokens, quoted strings, blanks and parameters out of header values (RFC 3261 25.1).

/// `token` characters of RFC 3261 25.1.
#[must_use]
pub const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// `word` characters of RFC 3261 25.1 (Call-ID).
#[must_use]
pub const fn is_word_byte(byte: u8) -> bool {
    is_token_byte(byte)
        || matches!(byte, b'(' | b')' | b'<' | b'>' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'{' | b'}')
}

const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A cursor over one header value. Folds count as blanks.
#[derive(Debug, Clone, Copy)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// A cursor at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The octet under the cursor.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Where the cursor stands.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What lies between an earlier place and the cursor.
    #[must_use]
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Moves the cursor on, at most to the end.
    pub fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.bytes.len());
    }

    /// Passes over blanks and folds.
    pub fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_lws) {
            self.at += 1;
        }
    }

    /// Takes this octet if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes this octet and the blanks around it if it is next.
    pub fn eat_spaced(&mut self, byte: u8) -> bool {
        let before = self.at;
        self.skip_blanks();
        if self.eat(byte) {
            self.skip_blanks();
            return true;
        }
        self.at = before;
        false
    }

    /// Takes octets while they fit; may be none.
    pub fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        self.since(start)
    }

    /// Takes a token of one octet at least.
    pub fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_token_byte);
        (!token.is_empty()).then_some(token)
    }

    /// Takes a quoted string with its quotes. `None` when it does not end.
    pub fn quoted(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(self.since(start));
                }
                // quoted-pair; CR and LF cannot be quoted (RFC 3261 25.1).
                b'\\' => {
                    self.at += 1;
                    if matches!(self.peek()?, b'\r' | b'\n') {
                        return None;
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Takes decimal digits as a number. `None` without digits or when it does not fit.
    pub fn number(&mut self) -> Option<u64> {
        decimal(self.take_while(|b| b.is_ascii_digit()))
    }

    /// Takes `*( ; name [= value] )`. Where `loose`, empty parameters are passed over.
    /// Stops before a comma or at the end; anything else there is left for the caller.
    pub fn params(&mut self, loose: bool) -> Option<Params<'a>> {
        let start = self.at;
        loop {
            let before = self.at;
            if !self.eat_spaced(b';') {
                self.at = before;
                return Some(Params { bytes: self.since(start) });
            }
            let Some(_) = self.token() else {
                let empty = matches!(self.peek(), None | Some(b';' | b','));
                if loose && empty {
                    continue;
                }
                return None;
            };
            if self.eat_spaced(b'=') {
                self.param_value(loose)?;
            }
        }
    }

    fn param_value(&mut self, loose: bool) -> Option<()> {
        if self.peek() == Some(b'"') {
            return self.quoted().map(|_| ());
        }
        // token or host: IPv6 addresses bring brackets and colons.
        let value =
            self.take_while(|b| is_token_byte(b) || matches!(b, b'[' | b']' | b':') || (loose && is_odd_value_byte(b)));
        (loose || !value.is_empty()).then_some(())
    }
}

const fn is_odd_value_byte(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>')
}

/// A number from decimal digits only. `None` when empty, odd or too large.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))).flatten()
    })
}

/// Parameters of a header value or URI; checked when they were taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Parameters from octets that start with a semicolon or are empty.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Name and value of each, in order; quoted values keep their quotes.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let mut lexer = Lexer::new(self.bytes);
        std::iter::from_fn(move || {
            while lexer.eat_spaced(b';') {
                lexer.skip_blanks();
                let name = lexer.take_while(|b| !matches!(b, b';' | b'=') && !is_lws(b));
                if name.is_empty() && lexer.peek() != Some(b'=') {
                    continue;
                }
                let value = lexer.eat_spaced(b'=').then(|| {
                    if lexer.peek() == Some(b'"') {
                        lexer.quoted().unwrap_or_default()
                    } else {
                        lexer.take_while(|b| b != b';' && !is_lws(b))
                    }
                });
                return Some((name, value));
            }
            None
        })
    }

    /// The value of the first parameter with this name (any case): `Some(None)` for one without value.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of the first parameter with this name that has one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.find(name).flatten()
    }
}

/// The content of a quoted string without quotes and escapes; other text unchanged. Octets that are no UTF-8 become U+FFFD.
#[must_use]
pub fn unquote(text: &[u8]) -> String {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return String::from_utf8_lossy(text).into_owned();
    };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            _ => plain.push(*byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn params_know_blanks_quotes_and_flags() {
        let mut lexer = Lexer::new(b" ; tag  =  19;lr ; d=\"a;b\\\"\";h=[::1]");
        let params = lexer.params(false).unwrap();
        assert!(lexer.is_at_end());
        assert_eq!(params.value("TAG"), Some(&b"19"[..]));
        assert_eq!(params.find("lr"), Some(None));
        assert_eq!(params.value("d"), Some(&b"\"a;b\\\"\""[..]));
        assert_eq!(params.value("h"), Some(&b"[::1]"[..]));
        assert_eq!(params.find("none"), None);
    }

    #[test]
    fn empty_params_need_leniency() {
        assert!(Lexer::new(b";;a").params(false).is_none());
        assert!(Lexer::new(b";;a;").params(true).is_some());
    }

    #[test]
    fn numbers_do_not_wrap() {
        assert_eq!(decimal(b"0068"), Some(68));
        assert_eq!(decimal(b"36893488147419103232"), None);
        assert_eq!(decimal(b"-1"), None);
        assert_eq!(decimal(b""), None);
    }

    #[test]
    fn unquote_takes_escapes_away() {
        assert_eq!(unquote(b"\"a\\\"b\""), "a\"b");
        assert_eq!(unquote(b"plain"), "plain");
        assert_eq!(unquote(b"\"\\"), "\"\\");
    }
}
