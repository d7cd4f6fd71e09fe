//! The agent's depot over HTTPS: frames of the versions held here, for the peers that may have them.
//!
//! Who asks is known by the certificate; whether it may is in the orders. Nothing else is served.

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
use diecast_provider::layout as places;
use diecast_transfer::{
    depot::{Depot, DepotError, Holding},
    frame::FrameBytes,
    manifest::Manifest,
    spool::Spool,
    wire::{FORM_HEADER, FRAME_ROUTE, LEAVES_ROUTE, PROBE_PATH, leaves_of_path, rest_of},
};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// Frames read and packed at once, each on a thread that may block and with up to 3 MiB: more would only
/// wait for the same disk, and take the threads from the agent's own work.
const FRAMES_AT_ONCE_MAX: usize = 32;

/// The versions that are served, and the manifests read so far.
#[derive(Debug, Default)]
pub struct Depots {
    depot: Depot,
    manifests: Mutex<HashMap<Digest, Arc<Manifest>>>,
}

impl Depots {
    /// The manifest kept here, read once. None if there is none that can be read.
    pub fn manifest(&self, data: &DataDir, digest: &Digest) -> Option<Arc<Manifest>> {
        let mut manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = manifests.get(digest) {
            return Some(manifest.clone());
        }
        let bytes = fs::read(data.manifest(digest)).ok()?;
        let manifest = match Manifest::decode_as(&bytes, digest) {
            Ok(manifest) => Arc::new(manifest),
            Err(error) => {
                tracing::warn!(version = %digest, "the manifest kept here is of no use: {error}");
                return None;
            }
        };
        manifests.insert(*digest, manifest.clone());
        Some(manifest)
    }

    /// Serves what is held whole and verified, and nothing else.
    pub fn follow(&self, storage: &std::path::Path, whole: &BTreeSet<Digest>, data: &DataDir) {
        let served = self.depot.versions();
        for version in served.iter().filter(|version| !whole.contains(version)) {
            self.depot.release(version);
        }
        for version in whole.iter().filter(|version| !served.contains(version)) {
            let Some(manifest) = self.manifest(data, version) else { continue };
            let spool = Spool::open(&data.spool(version)).ok().map(Arc::new);
            let dir = places::version_dir(storage, version);
            self.depot.hold(Holding { manifest, dir, spool, complete: true });
        }
    }

    pub fn release(&self, version: &Digest) {
        self.depot.release(version);
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).remove(version);
    }
}

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
    answer(serving, peer, version, range, move |depot| depot.frame(&version, &frame)).await
}

async fn leaves(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, leaves)): Path<(String, String)>,
) -> Response {
    let (Ok(version), Some(leaves)) = (version.parse::<Digest>(), leaves_of_path(&leaves)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    answer(serving, peer, version, None, move |depot| depot.leaves(&version, &leaves)).await
}

async fn answer(
    serving: Serving,
    peer: Peer,
    version: Digest,
    range: Option<&str>,
    read: impl FnOnce(&Depot) -> Result<FrameBytes, DepotError> + Send + 'static,
) -> Response {
    let reader = peer.identity.and_then(|identity| identity.provider);
    if !reader.is_some_and(|reader| may_read(&serving.board, &version, reader)) {
        tracing::debug!(?reader, version = %version, "a frame was refused to who may not have it");
        return StatusCode::FORBIDDEN.into_response();
    }
    // Held by the work itself: a peer that hangs up frees no thread that still reads.
    let Ok(turn) = serving.turns.clone().acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let depots = serving.depots.clone();
    let work = move || {
        let _turn = turn;
        read(&depots.depot)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(frame)) => {
            let (frame, range) = rest_of(frame, range);
            let form = HeaderValue::from_static(frame.form.as_str());
            let mut response = Response::new(Body::from(frame.bytes));
            response.headers_mut().insert(FORM_HEADER, form);
            let kind = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                response.headers_mut().insert(header::CONTENT_RANGE, range);
            }
            response
        }
        Ok(Err(error)) => refuse(&serving, &error),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A leaf that lost its digest makes the replica damaged at once, wherever it was noticed.
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
