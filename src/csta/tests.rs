//! Encoding and decoding against the composed examples of the dossier (sections 5 to 8, Annex A).

#![allow(clippy::unwrap_used, clippy::panic)]

mod encode;
mod events;
mod faults;
mod forms;
mod properties;
mod responses;

use crate::csta::{DecodeError, Event, Message, Response, decode};

const CALL_A: &str = "6F10A2B4-C0DE11EF-8123A0B1-00C0FFEE";
const CALL_B: &str = "6F10A2B4-C0DE11EF-8124A0B1-00C0FFEE";
const OWN: &str = "tel:211;device=0A1B2C3D4E5F";

/// A document of edition 3, as CME writes it.
fn document(root: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{root} xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">{inner}</{root}>"
    )
}

fn connection(name: &str, call: &str, device: &str) -> String {
    format!("<{name}><callID>{call}</callID><deviceID>{device}</deviceID></{name}>")
}

fn subject(name: &str, device: &str) -> String {
    format!("<{name}><deviceIdentifier>{device}</deviceIdentifier></{name}>")
}

#[track_caller]
fn event(text: &str) -> Event<'static> {
    match decode(text.as_bytes()).map(Message::into_owned) {
        Ok(Message::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn response(root: &str, inner: &str) -> Response<'static> {
    match decode(document(root, inner).as_bytes()).map(Message::into_owned) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(body: &[u8]) -> DecodeError {
    decode(body).unwrap_err()
}
