//! `/lines/export` and `/lines/import`: lists of lines as text, CSV or JSON.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::{Admin, Reader};
use super::super::extract::{parse_json_list, read_body};
use super::super::problem::Problem;
use super::super::query::{Params, wrong};
use super::super::schema::{Configuring, Refused, Unknown};
use super::super::state::ApiState;
use super::{json, json_bytes};
use crate::domain::PbxId;
use crate::domain::line_list::{self, ListError, ListedLine};
use crate::service::gateway::Imported;

type Answer = Result<Response<Body>, Problem>;

/// A line of a list as JSON.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ListedLineBody {
    /// Its number.
    #[schema(example = "201")]
    number: String,
    /// Its name.
    #[serde(default)]
    name: String,
    /// MAC of its phone in any notation; `null` for an extension mobility user.
    #[serde(default)]
    device_id: Option<String>,
    /// Numbers of its further buttons.
    #[serde(default)]
    buttons: Vec<String>,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Csv,
    Json,
}

impl Form {
    fn of(media_type: &str) -> Option<Self> {
        match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/plain" | "text/*" | "*/*" | "" => Some(Self::Text),
            "text/csv" => Some(Self::Csv),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn wanted(headers: &HeaderMap) -> Result<Self, Problem> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accept.split(',').find_map(Self::of).ok_or_else(|| {
            Problem::new("not_acceptable", "A list of lines is not to be had in this form.")
                .hint("Accept text/plain, text/csv or application/json.")
        })
    }
}

/// Export the lines
///
/// One line each: `number;name;device-ID;button;button…`, sorted by number, at least three `;`. With `Accept: text/csv` or
/// `application/json` the same in these forms.
#[utoipa::path(get, path = "/api/v1/lines/export", tag = "Lines", security(("bearer" = ["read"])),
    params(("pbx" = Option<PbxId>, Query, description = "Only of this PBX")),
    responses((status = 200, description = "The list", content((String = "text/plain"), (String = "text/csv"), (Vec<ListedLineBody> = "application/json"))), Refused))]
pub(in crate::api) async fn export_lines(reader: Reader, headers: HeaderMap, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let pbx = params.take("pbx");
    params.finish()?;
    let form = Form::wanted(&headers)?;
    let seen = reader.seen();
    let mut lines: Vec<ListedLine> = seen
        .lines()
        .filter(|(line, _)| pbx.as_ref().is_none_or(|pbx| line.pbx_id.as_str() == pbx))
        .map(|(line, _)| ListedLine {
            number: line.number.clone(),
            name: line.name.clone(),
            device_id: line.device_id.clone(),
            buttons: line.addresses.iter().skip(1).map(|address| address.number.clone()).collect(),
        })
        .collect();
    let (text, media_type) = match form {
        Form::Text => (line_list::write(&mut lines), "text/plain; charset=utf-8"),
        Form::Csv => (line_list::write_csv(&mut lines), "text/csv; charset=utf-8"),
        Form::Json => {
            lines.sort();
            let lines: Vec<ListedLineBody> = lines.into_iter().map(ListedLineBody::from).collect();
            return json(StatusCode::OK, &lines);
        }
    };
    let mut response = json_bytes(StatusCode::OK, text);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// Import lines
///
/// All or nothing: a list with a mistake changes nothing, and each mistake is named with its line. Lines that the list does
/// not name stay. Text may be UTF-8, UTF-16 or Windows-1252, with the line ends of any system.
#[utoipa::path(post, path = "/api/v1/lines/import", tag = "Lines", security(("bearer" = ["admin"])),
    request_body(content((String = "text/plain"), (String = "text/csv"), (Vec<ListedLineBody> = "application/json"))),
    params(("pbx" = PbxId, Query, description = "The PBX that the lines belong to"),
           ("dry_run" = Option<bool>, Query, description = "Only look what would change")),
    responses((status = 200, description = "What changed, or would change", body = Imported), Refused, Unknown, Configuring))]
pub(in crate::api) async fn import_lines(
    admin: Admin,
    State(state): State<ApiState>,
    uri: Uri,
    request: Request,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let pbx = params.take("pbx").ok_or_else(|| wrong("pbx", "Name the PBX that the lines belong to."))?;
    let dry_run = params.parse::<bool>("dry_run", "true or false.")?.unwrap_or(false);
    params.finish()?;
    let pbx = PbxId::parse(&pbx).map_err(|_| wrong("pbx", "This is no id of a PBX."))?;
    admin.seen().pbx(&pbx)?;
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = Form::of(given).ok_or_else(|| {
        Problem::new("unsupported_media_type", "A list of lines is not understood in this form.")
            .hint("Send text/plain, text/csv or application/json.")
    })?;
    let body = read_body(request, state.settings().body_time).await?;
    let lines = match form {
        Form::Text => line_list::read(&line_list::text_of(&body)).map_err(mistakes)?,
        Form::Csv => line_list::read_csv(&line_list::text_of(&body)).map_err(mistakes)?,
        Form::Json => {
            let lines: Vec<ListedLineBody> = parse_json_list(&body)?;
            (1..).zip(lines.into_iter().map(ListedLine::from)).collect()
        }
    };
    json(StatusCode::OK, &admin.import_lines(&pbx, lines, dry_run).await?)
}

fn mistakes(errors: Vec<ListError>) -> Problem {
    let problem = Problem::new("invalid_value", "The list cannot be read; nothing was changed.")
        .hint("One line each: number;name;device-ID;button;button, or a table with the columns number, name, device_id, buttons.");
    errors.into_iter().fold(problem, |problem, error| problem.line(error.line, error.detail))
}

impl From<ListedLine> for ListedLineBody {
    fn from(line: ListedLine) -> Self {
        Self { number: line.number, name: line.name, device_id: line.device_id, buttons: line.buttons }
    }
}

impl From<ListedLineBody> for ListedLine {
    fn from(line: ListedLineBody) -> Self {
        Self { number: line.number, name: line.name, device_id: line.device_id, buttons: line.buttons }
    }
}
