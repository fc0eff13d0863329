//! A token for a code: the one question that is asked before there is a token, by plain HTTP.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use serde_json::{Value, json};

use crate::connection::{PATIENCE, open_socket};
use crate::{LinkError, LinkSettings, tls};

/// Longest answer that is read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A code that is exchanged for a token, and what the machine is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The code.
    pub code: String,
    /// Name of the machine, which becomes the token's.
    pub machine: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// Exchanges a code for a token of this machine's own. Each success uses the code up by one: the token must be kept.
///
/// # Errors
/// [`LinkError::Code`] when the gateway gives no token for it; otherwise why it could not be asked.
pub fn enrol(settings: &LinkSettings, enrolment: &Enrolment) -> Result<String, LinkError> {
    enrol_unless(settings, enrolment, || false)
}

pub(crate) fn enrol_unless(
    settings: &LinkSettings,
    enrolment: &Enrolment,
    is_stopping: impl Fn() -> bool,
) -> Result<String, LinkError> {
    let address = &settings.address;
    let tls = if address.is_secure { Some(tls::client(address, &settings.trust)?) } else { None };
    let body = json!({"code": enrolment.code, "machine": enrolment.machine}).to_string();
    let request = format!(
        "POST /api/v1/enrol HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        address.authority(),
        settings.user_agent,
        body.len()
    );
    let mut socket = open_socket(address)?;
    let (status, answer) = match tls {
        None => exchange(&mut socket, request.as_bytes(), is_stopping)?,
        Some(mut tls) => {
            let mut stream = rustls::Stream::new(&mut tls, &mut socket);
            exchange(&mut stream, request.as_bytes(), is_stopping)?
        }
    };
    let word = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match status {
        201 => Some(word("token")).filter(|token| !token.is_empty()).ok_or(LinkError::Status(status)),
        403 if word("code") == "invalid_code" => Err(LinkError::Code),
        404 => Err(LinkError::Refused { status, detail: "this gateway is too old for enrolment codes".to_owned() }),
        _ if answer.is_object() => Err(LinkError::Refused { status, detail: word("detail") }),
        _ => Err(LinkError::Status(status)),
    }
}

/// One question and its answer: status, and the body when it is JSON.
fn exchange(
    stream: &mut (impl Read + Write),
    request: &[u8],
    is_stopping: impl Fn() -> bool,
) -> Result<(u16, Value), LinkError> {
    let deadline = Instant::now() + PATIENCE;
    // The socket wakes up now and then; a certificate that is not believed comes as an error of the stream.
    let go_on = |error: std::io::Error| {
        if is_stopping() {
            return Err(LinkError::Stopped);
        }
        let is_glance = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted);
        if !is_glance {
            return Err(of_stream(error));
        }
        if Instant::now() > deadline { Err(LinkError::Silent) } else { Ok(0) }
    };
    let mut rest = request;
    while !rest.is_empty() {
        let count = stream.write(rest).or_else(go_on)?;
        rest = rest.get(count..).unwrap_or_default();
    }
    let mut is_flushed = false;
    while !is_flushed {
        is_flushed = stream.flush().map(|()| 1).or_else(go_on)? == 1;
    }
    let mut answer = Vec::new();
    let mut buffer = vec![0_u8; 8 * 1024];
    loop {
        if let Some(whole) = read_answer(&answer, false)? {
            return Ok(whole);
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => {
                go_on(error)?;
            }
        }
        if answer.len() > ANSWER_LIMIT {
            return Err(LinkError::Socket("the answer is too long".to_owned()));
        }
    }
    read_answer(&answer, true)?.ok_or(LinkError::Socket("the gateway closed it".to_owned()))
}

/// The answer, when it is all there.
fn read_answer(bytes: &[u8], is_end: bool) -> Result<Option<(u16, Value)>, LinkError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let broken = |_| LinkError::Socket("the answer is no HTTP".to_owned());
    let httparse::Status::Complete(start) = head.parse(bytes).map_err(broken)? else { return Ok(None) };
    let length = head
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok());
    let body = bytes.get(start..).unwrap_or_default();
    let body = match length {
        Some(length) if body.len() < length => return Ok(None),
        Some(length) => body.get(..length).unwrap_or_default(),
        None if is_end => body,
        None => return Ok(None),
    };
    Ok(Some((head.code.unwrap_or(0), serde_json::from_slice(body).unwrap_or(Value::Null))))
}

fn of_stream(error: std::io::Error) -> LinkError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => LinkError::Tls(tls.clone()),
        None => LinkError::Socket(error.to_string()),
    }
}
