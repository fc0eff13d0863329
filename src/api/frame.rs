//! The frames that the gateway itself makes; events are the journal's bytes and are not made here.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::filter::Filter;
use super::problem::Problem;
use crate::domain::json::{write_number, write_text};
use crate::service::journal::{Position, View};

/// A snapshot is cut into pieces of about this size, so that a large one is never in memory twice.
const PIECE: usize = 64 * 1024;

fn render<T: Serialize>(frame: &T) -> Bytes {
    // Strings and numbers only: this cannot fail; an empty object keeps the function total.
    serde_json::to_vec(frame).unwrap_or_else(|_| b"{}".to_vec()).into()
}

/// A frame that says where the reader stands.
#[derive(Serialize)]
struct Standing<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    epoch: &'a str,
    seq: u64,
}

/// `subscribed`, `resumed`, `keep_alive`, `pong`.
pub(super) fn standing(kind: &str, id: Option<&Value>, epoch: &str, seq: u64) -> Bytes {
    render(&Standing { kind, id, epoch, seq })
}

/// `welcome`.
pub(super) fn welcome(position: &Position, version: &str, keep_alive_s: u64) -> Bytes {
    #[derive(Serialize)]
    struct Welcome<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        epoch: &'a str,
        seq: u64,
        server: &'a str,
        version: &'a str,
        keep_alive_s: u64,
    }
    render(&Welcome {
        kind: "welcome",
        epoch: &position.epoch,
        seq: position.seq,
        server: "linegate",
        version,
        keep_alive_s,
    })
}

/// `gap`: what was asked for is gone; a snapshot follows.
pub(super) fn gap(id: Option<&Value>, requested: &Position, oldest: &Position) -> Bytes {
    #[derive(Serialize)]
    struct Place<'a> {
        epoch: &'a str,
        seq: u64,
    }
    #[derive(Serialize)]
    struct Gap<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        requested: Place<'a>,
        oldest: Place<'a>,
    }
    let place = |position: &'_ Position| (position.epoch.clone(), position.seq);
    let ((requested_epoch, requested_seq), (oldest_epoch, oldest_seq)) = (place(requested), place(oldest));
    render(&Gap {
        kind: "gap",
        id,
        requested: Place { epoch: &requested_epoch, seq: requested_seq },
        oldest: Place { epoch: &oldest_epoch, seq: oldest_seq },
    })
}

/// `error`: a frame of the client was refused.
pub(super) fn error(id: Option<&Value>, problem: &Problem) -> Bytes {
    #[derive(Serialize)]
    struct Refusal<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        id: Option<&'a Value>,
        code: &'a str,
        detail: &'a str,
        hint: &'a str,
        status: u16,
        errors: &'a [super::problem::FieldProblem],
    }
    let body = problem.body();
    render(&Refusal {
        kind: "error",
        id,
        code: &body.code,
        detail: &body.detail,
        hint: &body.hint,
        status: body.status,
        errors: &body.errors,
    })
}

/// `response`: what the REST API answered. `body` is JSON already.
pub(super) fn response(id: Option<&Value>, status: u16, headers: &[(String, String)], body: &[u8]) -> Bytes {
    let mut out = b"{\"type\":\"response\",\"id\":".to_vec();
    out.extend_from_slice(&id.map_or(Bytes::from_static(b"null"), render));
    out.extend_from_slice(b",\"status\":");
    write_number(&mut out, u64::from(status));
    out.extend_from_slice(b",\"headers\":{");
    for (index, (name, value)) in headers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(&mut out, name);
        out.push(b':');
        write_text(&mut out, value);
    }
    out.extend_from_slice(b"},\"body\":");
    out.extend_from_slice(if body.is_empty() { b"null" } else { body });
    out.push(b'}');
    out.into()
}

/// `snapshot` in pieces, each of which ends between two objects.
pub(super) fn snapshot(id: Option<&Value>, epoch: &str, view: &View, filter: &Filter) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut out = b"{\"type\":\"snapshot\"".to_vec();
    if let Some(id) = id {
        out.extend_from_slice(b",\"id\":");
        out.extend_from_slice(&render(id));
    }
    out.extend_from_slice(b",\"epoch\":");
    write_text(&mut out, epoch);
    out.extend_from_slice(b",\"as_of_seq\":");
    write_number(&mut out, view.seq);
    let mut list = |out: &mut Vec<u8>, name: &str, items: &mut dyn Iterator<Item = &Bytes>| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":[");
        for (index, json) in items.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(json);
            if out.len() >= PIECE {
                pieces.push(Bytes::from(std::mem::take(out)));
            }
        }
        out.push(b']');
    };
    let pbxs = view.pbxs.iter().filter(|(id, _)| filter.passes_pbx(id)).map(|(_, json)| json);
    list(&mut out, "pbxs", &mut { pbxs });
    let lines = view.lines.values().filter(|line| filter.passes_line(&line.value.id, &line.value.pbx_id));
    list(&mut out, "lines", &mut lines.map(|line| &line.json));
    let calls = view.calls.values().filter(|call| filter.passes_line(&call.value.line_id, &call.value.pbx_id));
    list(&mut out, "calls", &mut calls.map(|call| &call.json));
    out.push(b'}');
    pieces.push(out.into());
    pieces
}
