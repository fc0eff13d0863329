//! What the database keeps, and what it keeps from others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod at_rest;
mod backup;
mod health;
mod journal;
mod rows;
mod upgrade;

use std::collections::BTreeMap;

use super::{Batch, EventRow, LineBody, LineRow, PbxRow, Secret, Store};
use crate::domain::{LineId, LineKind, LineSource, PbxId, RandomIds};
use crate::service::pbx::PbxSettings;

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), None).await.unwrap()
}

/// One event, as the journal writes it.
fn batch(seq: u64) -> Batch {
    let event = EventRow {
        seq,
        at: 1,
        event: "call.updated",
        pbx_id: None,
        line_id: None,
        call_id: None,
        frame: bytes::Bytes::from_static(b"{}"),
    };
    Batch { events: vec![event], ..Batch::default() }
}

fn pbx(name: &str) -> PbxRow {
    PbxRow {
        id: PbxId::new(&mut RandomIds),
        settings: PbxSettings { name: name.to_owned(), host: "192.0.2.10".to_owned(), ..PbxSettings::default() },
        axl_password: Some(Secret::new("canary-axl")),
        sip_password: None,
        version: 1,
    }
}

fn line(pbx: &PbxRow, number: &str, device: Option<&str>) -> LineRow {
    LineRow {
        id: LineId::new(&mut RandomIds),
        tapi_id: 0,
        pbx_id: pbx.id.clone(),
        number: number.to_owned(),
        device_id: device.map(str::to_owned),
        body: LineBody {
            has_own_name: false,
            name: "Anna".to_owned(),
            kind: LineKind::Static,
            source: LineSource::Manual,
            enabled: true,
            buttons: Vec::new(),
            labels: BTreeMap::new(),
            missing_since: None,
            in_service: None,
            cti_watch: None,
            cti_notify: None,
            host_mac: None,
            user: None,
        },
        version: 1,
    }
}
