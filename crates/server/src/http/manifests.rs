//! Routes of manifests.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Named, Raw},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use diecast_domain::digest::Digest;

pub(super) async fn put(
    State(app): State<App>,
    cx: Cx,
    Named(digest): Named,
    Raw(bytes): Raw,
) -> Result<Response, Refused> {
    Ok(match app.put_manifest(&cx, parse(&digest)?, bytes).await? {
        Some(kept) => octets(kept).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

pub(super) async fn get(
    State(app): State<App>,
    cx: Cx,
    Named(digest): Named,
) -> Result<impl IntoResponse, Refused> {
    let bytes = app.manifest(&cx, parse(&digest)?).await?;
    Ok(octets(bytes))
}

fn octets(bytes: Vec<u8>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes)
}

fn parse(digest: &str) -> Result<Digest, Refused> {
    digest.parse().map_err(|error| Refused::malformed(format!("{error}")))
}
