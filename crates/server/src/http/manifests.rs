//! Routes of manifests.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Named, Raw},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use diecast_api::agent::{MANIFEST_HEADER, READS_DIFFERENCES};
use diecast_domain::digest::Digest;

pub(super) async fn put(
    State(app): State<App>,
    cx: Cx,
    Named(digest): Named,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Response, Refused> {
    Ok(match app.put_manifest(&cx, parse(&digest)?, bytes, reads_differences(&headers)).await? {
        Some(kept) => octets(kept).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

pub(super) async fn get(
    State(app): State<App>,
    cx: Cx,
    Named(digest): Named,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refused> {
    let bytes = app.manifest(&cx, parse(&digest)?, reads_differences(&headers)).await?;
    Ok(octets(bytes))
}

fn reads_differences(headers: &HeaderMap) -> bool {
    headers.get(MANIFEST_HEADER).is_some_and(|value| value == READS_DIFFERENCES)
}

fn octets(bytes: Vec<u8>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes)
}

fn parse(digest: &str) -> Result<Digest, Refused> {
    digest.parse().map_err(|error| Refused::malformed(format!("{error}")))
}
