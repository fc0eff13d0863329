//! Just enough HTTP/1 to be the web server of an old IOS: one request per connection (`ip http timeout-policy ... requests 1`), and full control of how
//! a reply is framed. A ready-made server would decide the framing itself; that is why this one is written out.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::BodyFraming;

const HEAD_LIMIT: usize = 16 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path of the target: without a query, and without scheme and host if a proxy form was sent.
    pub(crate) fn path(&self) -> &str {
        let target = self.target.split(['?', '#']).next().unwrap_or("");
        match target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => target,
        }
    }
}

/// Why no request was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The peer closed the connection before a whole request was there.
    #[error("the peer closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Io(#[from] io::Error),
    /// What came is not HTTP.
    #[error("not an HTTP request: {0}")]
    Malformed(&'static str),
    /// The head or the body is larger than this server takes.
    #[error("the request is too large")]
    TooLarge,
}

/// Reads the head and returns it with the bytes of the body that came with it.
pub(crate) async fn read_head<R: AsyncRead + Unpin>(stream: &mut R) -> Result<(Head, Vec<u8>), ReadError> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let rest = bytes.get(end + 4..).unwrap_or_default().to_vec();
            let head = parse_head(bytes.get(..end).unwrap_or_default())?;
            return Ok((head, rest));
        }
        if bytes.len() > HEAD_LIMIT {
            return Err(ReadError::TooLarge);
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(ReadError::Closed);
        }
    }
}

/// Parses the lines of a head (without the empty line at its end).
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Head, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::Malformed("the head is not text"))?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or("").split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ReadError::Malformed("the request line does not have three words"));
    };
    if !version.starts_with("HTTP/1.") || method.is_empty() || target.is_empty() {
        return Err(ReadError::Malformed("the request line is not that of HTTP/1"));
    }
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(ReadError::Malformed("a header line without a colon"))?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace()) {
            return Err(ReadError::Malformed("a header name with blanks"));
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Head { method: method.to_owned(), target: target.to_owned(), version: version.to_owned(), headers })
}

/// Reads the rest of a body whose first bytes are `body`; understands `Content-Length` and chunks. Without either the body is empty.
pub(crate) async fn read_body<R: AsyncRead + Unpin>(
    stream: &mut R,
    head: &Head,
    mut body: Vec<u8>,
) -> Result<Vec<u8>, ReadError> {
    if is_chunked(head) {
        loop {
            if let Some(decoded) = decode_chunks(&body)? {
                return Ok(decoded);
            }
            if body.len() > BODY_LIMIT {
                return Err(ReadError::TooLarge);
            }
            if stream.read_buf(&mut body).await? == 0 {
                return Err(ReadError::Closed);
            }
        }
    }
    let length = match head.header("content-length") {
        None => return Ok(Vec::new()),
        Some(text) => text.parse::<usize>().map_err(|_| ReadError::Malformed("Content-Length is not a number"))?,
    };
    if length > BODY_LIMIT {
        return Err(ReadError::TooLarge);
    }
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(ReadError::Closed);
        }
    }
    body.truncate(length);
    Ok(body)
}

/// Whether the body comes in chunks.
pub(crate) fn is_chunked(head: &Head) -> bool {
    head.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
}

/// Decodes a chunked body; `None` while it is not complete.
fn decode_chunks(bytes: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
    let mut rest = bytes;
    let mut body = Vec::new();
    loop {
        let Some(end) = find(rest, b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or("");
        let digits = line.split(';').next().unwrap_or("").trim();
        let size =
            usize::from_str_radix(digits, 16).map_err(|_| ReadError::Malformed("a chunk size that is not a number"))?;
        if size > BODY_LIMIT {
            return Err(ReadError::TooLarge);
        }
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            return Ok(if rest.starts_with(b"\r\n") || find(rest, b"\r\n\r\n").is_some() { Some(body) } else { None });
        }
        let Some(chunk) = rest.get(..size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        match rest.get(size..size + 2) {
            Some(b"\r\n") => rest = rest.get(size + 2..).unwrap_or_default(),
            Some(_) => return Err(ReadError::Malformed("a chunk without its line end")),
            None => return Ok(None),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A status line with the headers that IOS sends, in its order (dossier 14.2).
pub(crate) fn response_head(status: &str, headers: &[(&str, &str)], now: SystemTime) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\nDate: {}\r\nServer: cisco-IOS\r\n", http_date(now));
    for (name, value) in headers {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head
}

/// Writes a reply with this body. `fragment` is the size of the pieces in which the body is written (and of its chunks).
pub(crate) async fn write_reply<W: AsyncWrite + Unpin>(
    stream: &mut W,
    mut head: String,
    body: &[u8],
    framing: BodyFraming,
    fragment: usize,
) -> io::Result<()> {
    match framing {
        BodyFraming::Close => {}
        BodyFraming::ContentLength => head.push_str(&format!("Content-Length: {}\r\n", body.len())),
        BodyFraming::Chunked | BodyFraming::ChunkedExtensions => head.push_str("Transfer-Encoding: chunked\r\n"),
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    for piece in body.chunks(fragment.max(1)) {
        match framing {
            BodyFraming::Chunked => stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?,
            BodyFraming::ChunkedExtensions => {
                stream.write_all(format!("{:x};ixi=fragment\r\n", piece.len()).as_bytes()).await?
            }
            BodyFraming::Close | BodyFraming::ContentLength => {}
        }
        stream.write_all(piece).await?;
        if matches!(framing, BodyFraming::Chunked | BodyFraming::ChunkedExtensions) {
            stream.write_all(b"\r\n").await?;
        }
        stream.flush().await?;
    }
    if matches!(framing, BodyFraming::Chunked | BodyFraming::ChunkedExtensions) {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    stream.flush().await
}

/// Writes bytes slowly, one each `gap`.
pub(crate) async fn drip<W: AsyncWrite + Unpin>(stream: &mut W, bytes: &[u8], gap: Duration) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(gap).await;
    }
    Ok(())
}

/// A date as HTTP writes it (RFC 9110 5.6.7), for example `Mon, 04 Mar 2013 09:00:00 GMT`.
pub(crate) fn http_date(at: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Civil date from the day number: years start in March, so that the leap day is the last day of the year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 2 } else { month_from_march - 10 };
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let pick = |names: &[&'static str], index: u64| {
        usize::try_from(index).ok().and_then(|i| names.get(i).copied()).unwrap_or("")
    };
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        pick(&DAYS, days % 7),
        pick(&MONTHS, month),
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(1_362_387_600), "Mon, 04 Mar 2013 09:00:00 GMT");
        assert_eq!(at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(at(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(at(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 GMT");
    }

    #[tokio::test]
    async fn a_request_split_anywhere_is_read() {
        let text = b"POST /ios_xml_app/cme HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        for cut in 1..text.len() {
            let mut stream = text[..cut].chain(&text[cut..]);
            let (head, rest) = read_head(&mut stream).await.unwrap();
            assert_eq!(head.path(), "/ios_xml_app/cme");
            assert_eq!(read_body(&mut stream, &head, rest).await.unwrap(), b"hello");
        }
    }

    #[tokio::test]
    async fn a_chunked_request_is_read() {
        let mut stream: &[u8] =
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let (head, rest) = read_head(&mut stream).await.unwrap();
        assert_eq!(read_body(&mut stream, &head, rest).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn replies_are_framed_as_told() {
        let mut out = Vec::new();
        write_reply(&mut out, "HTTP/1.1 200 OK\r\n".to_owned(), b"abcde", BodyFraming::ChunkedExtensions, 3)
            .await
            .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ixi=fragment\r\nabc\r\n2;ixi=fragment\r\nde\r\n0\r\n\r\n"
        );
        let mut out = Vec::new();
        write_reply(&mut out, "HTTP/1.1 200 OK\r\n".to_owned(), b"abc", BodyFraming::ContentLength, 100).await.unwrap();
        assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = parse_head(&bytes);
            let _ = decode_chunks(&bytes);
        }
    }
}
