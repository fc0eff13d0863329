//! `/support-bundle`: what somebody else needs to help, with nobody in it.

use axum::body::Body;
use axum::http::{HeaderValue, Response, Uri, header};

use super::super::auth::Admin;
use super::super::dto::FileBytes;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::Refused;

/// Download a support bundle
///
/// A gzipped tar with release, settings, status of PBXs and lines, the doctor's report (made now, so it takes some seconds),
/// the protocol trace, metrics and the last lines of the log. It holds no secret; numbers, names and addresses are labels.
#[utoipa::path(get, path = "/api/v1/support-bundle", tag = "Administration", security(("bearer" = ["admin"])),
    responses((status = 200, description = "The file", content((FileBytes = "application/gzip"))), Refused))]
pub(in crate::api) async fn get_support_bundle(admin: Admin, uri: Uri) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    let mut response = Response::new(Body::from(admin.support_bundle().await?));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/gzip"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"linegate-support.tar.gz\""),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
