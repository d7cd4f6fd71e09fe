//! The agent's depot over HTTPS: frames of the versions held here, for the peers that may have them.
//!
//! Who asks is known by the certificate; whether it may is in the orders. Nothing else is served.

mod holdings;

pub use holdings::Depots;

use crate::{board::Board, data::DataDir};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use diecast_domain::{digest::Digest, ids::ProviderId};
use diecast_identity::Peer;
use diecast_transfer::{
    depot::DepotError,
    frame::FrameBytes,
    wire::{FORM_HEADER, FRAME_ROUTE, LEAVES_ROUTE, PROBE_PATH, leaves_of_path, rest_of},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Frames read and packed at once, each on a thread that may block and with up to 3 MiB: more would only
/// wait for the same disk, and take the threads from the agent's own work.
const FRAMES_AT_ONCE_MAX: usize = 32;

#[derive(Clone)]
struct Serving {
    depots: Arc<Depots>,
    board: Arc<Board>,
    data: DataDir,
    turns: Arc<Semaphore>,
}

/// The depot's routes.
pub fn routes(depots: Arc<Depots>, board: Arc<Board>, data: DataDir) -> Router {
    Router::new()
        .route(FRAME_ROUTE, get(frame))
        .route(LEAVES_ROUTE, get(leaves))
        .route(PROBE_PATH, get(async || StatusCode::NO_CONTENT))
        .with_state(Serving { depots, board, data, turns: Arc::new(Semaphore::new(FRAMES_AT_ONCE_MAX)) })
}

fn may_read(board: &Board, version: &Digest, reader: ProviderId) -> bool {
    let known = board.know();
    known.assignment.as_ref().is_some_and(|held| held.orders.may_read(version, reader))
}

async fn frame(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, frame)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (Ok(version), Ok(frame)) = (version.parse::<Digest>(), frame.parse::<Digest>()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match read(&serving, &peer, version, move |depots| depots.frame(&version, &frame)).await {
        Ok(frame) => {
            let (frame, range) = rest_of(frame, range);
            let mut response = answer(frame);
            if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                response.headers_mut().insert(header::CONTENT_RANGE, range);
            }
            response
        }
        Err(refusal) => refusal,
    }
}

async fn leaves(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, leaves)): Path<(String, String)>,
) -> Response {
    let (Ok(version), Some(leaves)) = (version.parse::<Digest>(), leaves_of_path(&leaves)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let read = read(&serving, &peer, version, move |depots| depots.leaves(&version, &leaves)).await;
    read.map_or_else(|refusal| refusal, answer)
}

/// What a peer may have, read on a thread that may block; or what it is told instead.
async fn read(
    serving: &Serving,
    peer: &Peer,
    version: Digest,
    work: impl FnOnce(&Depots) -> Result<FrameBytes, DepotError> + Send + 'static,
) -> Result<FrameBytes, Response> {
    let reader = peer.identity.as_ref().and_then(|identity| identity.provider);
    if !reader.is_some_and(|reader| may_read(&serving.board, &version, reader)) {
        tracing::debug!(?reader, version = %version, "a frame was refused to who may not have it");
        return Err(StatusCode::FORBIDDEN.into_response());
    }
    // Held by the work itself: a peer that hangs up frees no thread that still reads.
    let Ok(turn) = serving.turns.clone().acquire_owned().await else {
        return Err(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let depots = serving.depots.clone();
    let work = move || {
        let _turn = turn;
        work(&depots)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(error)) => Err(refuse(serving, &error)),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

fn answer(frame: FrameBytes) -> Response {
    let form = HeaderValue::from_static(frame.form.as_str());
    let mut response = Response::new(Body::from(frame.bytes));
    response.headers_mut().insert(FORM_HEADER, form);
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A leaf that lost its digest makes the replica damaged at once, wherever it was noticed. Of a version
/// that is served from its parts it may be another one's.
fn refuse(serving: &Serving, error: &DepotError) -> Response {
    if let DepotError::Damaged { version, .. } = error {
        serving.board.found_damaged(&serving.data, *version, error.problem());
    }
    match error {
        DepotError::NoSuchVersion { .. }
        | DepotError::NoSuchFrame { .. }
        | DepotError::NoSuchLeaves { .. }
        | DepotError::NotYet { .. } => StatusCode::NOT_FOUND,
        DepotError::Damaged { .. } | DepotError::Read { .. } | DepotError::Compress(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
    .into_response()
}
