//! Writing messages the way an old IOS does.

use std::time::SystemTime;

use crate::xml::http_date;

/// What IOS calls itself.
pub(crate) const AGENT: &str = "Cisco-SIPGateway/IOS-12.x";
/// What IOS allows.
pub(crate) const ALLOW: &str =
    "INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER";
/// The type of CSTA bodies.
pub(crate) const CSTA_TYPE: &str = "application/csta+xml";

/// A message under construction.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    start: String,
    headers: Vec<rsip::Header>,
    body: Vec<u8>,
}

impl Draft {
    pub(crate) fn request(method: &str, uri: &str) -> Self {
        Self { start: format!("{method} {uri} SIP/2.0"), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn response(status: u16) -> Self {
        Self { start: format!("SIP/2.0 {status} {}", reason(status)), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push(rsip::Header::Other(name.to_owned(), value.into()));
    }

    pub(crate) fn date(&mut self) {
        self.add("Date", http_date(SystemTime::now()));
    }

    /// A CSTA body with its headers.
    pub(crate) fn csta(&mut self, text: String, content_type: &str) {
        self.add("Content-Type", if content_type.is_empty() { CSTA_TYPE } else { content_type });
        self.add("Content-Disposition", "signal;handling=required");
        self.body = text.into_bytes();
    }

    /// The bytes; `skew` is added to the right `Content-Length`.
    pub(crate) fn bytes(mut self, skew: i32) -> Vec<u8> {
        let right = i64::try_from(self.body.len()).unwrap_or(0);
        self.add("Content-Length", right.saturating_add(i64::from(skew)).max(0).to_string());
        let mut bytes = format!("{}\r\n{}\r\n", self.start, rsip::Headers::from(self.headers)).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        422 => "Session Timer too small",
        423 => "Interval Too Brief",
        480 => "Temporarily Not Available",
        481 => "Call Leg/Transaction Does Not Exist",
        486 => "Busy here",
        487 => "Request Cancelled",
        488 => "Not Acceptable Media",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Error",
    }
}
