//! `/journal`: finished calls, and the times of which nothing is known.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};

use super::super::auth::Reader;
use super::super::dto::{BlindPage, BlindTime, JournalPage};
use super::super::page::{self, Page};
use super::super::problem::Problem;
use super::super::query::{Params, wrong};
use super::super::schema::Refused;
use super::super::table;
use super::json_bytes;
use crate::domain::{CallResult, Direction, PbxId, Timestamp, bare_number};
use crate::store::{BlindQuery, FinishedQuery};

type Answer = Result<Response<Body>, Problem>;

/// List finished calls
///
/// The final object of each call with its durations and its result, newest end first. With `Accept: text/csv` as a table;
/// the `Link` header leads to the next page of either form. What is kept, and how long, is set by `retention.call_days`.
#[utoipa::path(get, path = "/api/v1/journal", tag = "Calls", security(("bearer" = ["read"])),
    params(("since" = Option<Timestamp>, Query, description = "Only calls that ended at this time or after it"),
           ("until" = Option<Timestamp>, Query, description = "Only calls that ended before this time"),
           ("line" = Option<String>, Query, description = "Only of this line"),
           ("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("number" = Option<String>, Query, description = "Only with this number at either end, in any notation"),
           ("direction" = Option<Direction>, Query, description = "Only in this direction"),
           ("result" = Option<CallResult>, Query, description = "Only with this result"),
           ("conversation" = Option<String>, Query, description = "Only the legs of this conversation"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of finished calls", content((JournalPage = "application/json"), (String = "text/csv"))), Refused))]
pub(in crate::api) async fn list_finished_calls(reader: Reader, uri: Uri, headers: HeaderMap) -> Answer {
    let words: Vec<&str> = CallResult::ALL.iter().map(|result| result.as_str()).collect();
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    let number = params.take("number").map(|text| bare_number(&text));
    if number.as_ref().is_some_and(String::is_empty) {
        return Err(wrong("number", "A number has at least one digit."));
    }
    let wanted = FinishedQuery {
        visible: None,
        line: params.take("line"),
        pbx: params.take("pbx"),
        conversation: params.take("conversation"),
        number,
        direction: params.word::<Direction>("direction", "inbound, outbound")?.map(Direction::as_str),
        result: params.word::<CallResult>("result", &words.join(", "))?.map(CallResult::as_str),
        since: params.time("since")?.map(Timestamp::unix_ms),
        until: params.time("until")?.map(Timestamp::unix_ms),
        after: page.after().map(place).transpose()?,
        limit: one_more(&page),
    };
    params.finish()?;
    let mut found = reader.finished_calls(wanted).await?;
    let has_more = found.len() > page.limit();
    found.truncate(page.limit());
    let last = found.last().filter(|_| has_more).map(|entry| format!("{}:{}", entry.ended_at, entry.id));
    let mut response = if accepts_csv(&headers) {
        let seen = reader.seen();
        let number_of = |call: &crate::domain::Call| {
            let line = seen.lines().find(|(line, _)| line.id == call.line_id).map(|(line, _)| line);
            let address = line?.addresses.iter().find(|address| address.index == call.address);
            address.map(|address| address.number.clone())
        };
        let table = table::render(found.iter().map(|entry| entry.body.as_str()), number_of)?;
        let mut response = Response::new(Body::from(table));
        let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    } else {
        json_bytes(StatusCode::OK, page::list(found.iter().map(|entry| entry.body.as_bytes()), last.as_deref()))
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    if let Some(last) = last
        && let Ok(value) = HeaderValue::from_str(&next_page(&uri, &page::encode(&last)))
    {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

/// List the times in which a PBX was not seen
///
/// The gateway did not run, the link was down, or the PBX was switched off: that no call stands in the journal then proves
/// nothing. Newest first; the one that lasts has `until: null`.
#[utoipa::path(get, path = "/api/v1/journal/blind", tag = "Calls", security(("bearer" = ["read"])),
    params(("since" = Option<Timestamp>, Query, description = "Only what lasted at this time or after it"),
           ("until" = Option<Timestamp>, Query, description = "Only what began before this time"),
           ("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of times", body = BlindPage), Refused))]
pub(in crate::api) async fn list_blind_times(reader: Reader, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    let after = page.after().map(place).transpose()?;
    let wanted = BlindQuery {
        visible: None,
        pbx: params.take("pbx"),
        since: params.time("since")?.map(Timestamp::unix_ms),
        until: params.time("until")?.map(Timestamp::unix_ms),
        after: after
            .map(|(since, number)| number.parse().map(|number| (since, number)).map_err(|_| no_cursor()))
            .transpose()?,
        limit: one_more(&page),
    };
    params.finish()?;
    let mut found = reader.blind_times(wanted).await?;
    let has_more = found.len() > page.limit();
    found.truncate(page.limit());
    let last = found.last().filter(|_| has_more).map(|time| format!("{}:{}", time.since, time.number));
    let items = found
        .into_iter()
        .map(|time| {
            let item = BlindTime {
                pbx_id: PbxId::parse(&time.pbx_id).map_err(Problem::internal)?,
                since: Timestamp::from_unix_ms(time.since),
                until: time.until.map(Timestamp::from_unix_ms),
                cause: serde_json::from_value(time.cause.into()).map_err(Problem::internal)?,
                reason: time.reason,
            };
            serde_json::to_vec(&item).map_err(Problem::internal)
        })
        .collect::<Result<Vec<Vec<u8>>, Problem>>()?;
    Ok(json_bytes(StatusCode::OK, page::list(items.iter().map(Vec::as_slice), last.as_deref())))
}

/// One item more than the page has tells whether another page follows.
fn one_more(page: &Page) -> u32 {
    u32::try_from(page.limit()).unwrap_or(u32::MAX - 1) + 1
}

fn no_cursor() -> Problem {
    wrong("cursor", "A cursor is a `next_cursor` of this list, unchanged.")
}

/// Time and key of a cursor.
fn place(key: &str) -> Result<(i64, String), Problem> {
    let (time, id) = key.split_once(':').ok_or_else(no_cursor)?;
    Ok((time.parse().map_err(|_| no_cursor())?, id.to_owned()))
}

/// `Link` to the next page: the same question with another cursor.
fn next_page(uri: &Uri, cursor: &str) -> String {
    let mut query: String = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .flat_map(|pair| [pair, "&"])
        .collect();
    query.push_str("cursor=");
    query.push_str(cursor);
    format!("</api/v1/journal?{query}>; rel=\"next\"")
}

/// Whether a table is wanted, and JSON is not.
fn accepts_csv(headers: &HeaderMap) -> bool {
    let all: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(','))
        .collect();
    let names = |kind: &str| all.iter().any(|range| range.split(';').next().is_some_and(|one| one.trim() == kind));
    names("text/csv") && !names("application/json")
}
