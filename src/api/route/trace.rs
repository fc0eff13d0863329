//! `/trace`: the last messages between the gateway and its PBXs.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};

use super::super::auth::{Admin, Reader};
use super::super::dto::{FileBytes, TraceNumbers, TracePage};
use super::super::page::{self, Page};
use super::super::problem::Problem;
use super::super::query::{Params, wrong};
use super::super::schema::{NotHere, Refused, Unknown};
use super::json_bytes;
use crate::domain::{CallId, LineId, PbxId, Timestamp};
use crate::service::trace::TraceQuery;

/// Read the protocol trace
///
/// The last messages of each PBX with what clients asked and were told meanwhile, oldest first: with `call` the ladder of
/// one call (API, CSTA, SIP). Credentials are never in it. Numbers, names and addresses are labels, the same for the same
/// number; `numbers=full` shows them to an admin. A token that is limited to lines sees messages of their sessions.
#[utoipa::path(get, path = "/api/v1/trace", tag = "Administration", security(("bearer" = ["read"])),
    params(("call" = Option<String>, Query, description = "Only what concerns this call, also one that has ended"),
           ("line" = Option<String>, Query, description = "Only of this line's sessions"),
           ("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("since" = Option<Timestamp>, Query, description = "Only from this time on"),
           ("numbers" = Option<TraceNumbers>, Query, description = "`full` needs scope admin; labels without it"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of steps", body = TracePage), Refused, Unknown, NotHere))]
pub(in crate::api) async fn get_trace(reader: Reader, uri: Uri) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    let numbers: Option<TraceNumbers> = params.word("numbers", "labels, full")?;
    let query = query(&mut params)?;
    params.finish()?;
    let no_cursor = || wrong("cursor", "A cursor is a `next_cursor` of this list, unchanged.");
    let after = page.after().map(|key| key.parse().map_err(|_| no_cursor())).transpose()?;
    let query = TraceQuery { after, limit: page.limit(), full: numbers == Some(TraceNumbers::Full), ..query };
    let (items, has_more) = reader.trace(query).await?;
    let last = items.last().filter(|_| has_more).map(|item| item.seq.to_string());
    let items: Vec<Vec<u8>> =
        items.iter().map(serde_json::to_vec).collect::<Result<_, _>>().map_err(Problem::internal)?;
    Ok(json_bytes(StatusCode::OK, page::list(items.iter().map(Vec::as_slice), last.as_deref())))
}

/// Download the SIP messages of the trace as a capture
///
/// A pcap file for Wireshark: the SIP messages with their CSTA in TCP segments under made-up Ethernet, IP and TCP headers.
/// Credentials are blanked; numbers and names are in it.
#[utoipa::path(get, path = "/api/v1/trace.pcap", tag = "Administration", security(("bearer" = ["admin"])),
    params(("call" = Option<String>, Query, description = "Only what concerns this call, also one that has ended"),
           ("line" = Option<String>, Query, description = "Only of this line's sessions"),
           ("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("since" = Option<Timestamp>, Query, description = "Only from this time on")),
    responses((status = 200, description = "The file", content((FileBytes = "application/vnd.tcpdump.pcap"))), Refused, Unknown, NotHere))]
pub(in crate::api) async fn get_capture(admin: Admin, uri: Uri) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&uri)?;
    let query = query(&mut params)?;
    params.finish()?;
    let mut response = Response::new(Body::from(admin.capture(query).await?));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/vnd.tcpdump.pcap"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"linegate.pcap\""),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn query(params: &mut Params) -> Result<TraceQuery, Problem> {
    let id = "An id as the API shows it.";
    let call = params.take("call").map(|text| CallId::parse(&text).map_err(|_| wrong("call", id))).transpose()?;
    let line = params.take("line").map(|text| LineId::parse(&text).map_err(|_| wrong("line", id))).transpose()?;
    let pbx = params.take("pbx").map(|text| PbxId::parse(&text).map_err(|_| wrong("pbx", id))).transpose()?;
    Ok(TraceQuery { call, line, pbx, since: params.time("since")?, ..TraceQuery::default() })
}
