//! The agent's depot over HTTPS: frames of the versions held here, for the peers that may have them.
//!
//! Who asks is known by the certificate; whether it may is in the orders. Nothing else is served.

mod asked;
mod holdings;

pub use holdings::Depots;

use crate::{board::Board, data::DataDir, finding::Finding};
use asked::Asked;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use diecast_domain::{digest::Digest, generation::Generation, ids::ProviderId};
use diecast_identity::Peer;
use diecast_transfer::{
    depot::DepotError,
    frame::FrameBytes,
    limits::LISTEN_TIME,
    pace::Pace,
    swarm::{
        arrivals::After,
        claims::{self, Claimant},
    },
    totals,
    verify::Damage,
    wire::{
        ARRIVALS_ROUTE, BEYOND, CLAIMS_ROUTE, CLAIMS_WAIT_ROUTE, FORM_HEADER, FRAME_ROUTE, LEAVES_ROUTE,
        PROBE_PATH, leaves_of_path, rest_of,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Bytes of a request for claims: a bit for each piece of 64 TiB of disk.
const CLAIM_SIZE_MAX: usize = 8 << 20;
/// Frames read and packed at once, each on a thread that may block and with up to 3 MiB: more would only
/// wait for the same disk, and take the threads from the agent's own work.
const FRAMES_AT_ONCE_MAX: usize = 32;

#[derive(Clone)]
struct Serving {
    depots: Arc<Depots>,
    board: Arc<Board>,
    data: DataDir,
    turns: Arc<Semaphore>,
    asked: Arc<Asked>,
}

/// The depot's routes.
pub fn routes(depots: Arc<Depots>, board: Arc<Board>, data: DataDir) -> Router {
    Router::new()
        .route(FRAME_ROUTE, get(frame))
        .route(LEAVES_ROUTE, get(leaves))
        .route(ARRIVALS_ROUTE, get(arrivals))
        .route(CLAIMS_ROUTE, post(claim).layer(DefaultBodyLimit::max(CLAIM_SIZE_MAX)))
        .route(CLAIMS_WAIT_ROUTE, post(claim_what_comes).layer(DefaultBodyLimit::max(CLAIM_SIZE_MAX)))
        .route(PROBE_PATH, get(async || StatusCode::NO_CONTENT))
        .with_state(Serving {
            depots,
            board,
            data,
            turns: Arc::new(Semaphore::new(FRAMES_AT_ONCE_MAX)),
            asked: Arc::default(),
        })
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
    let asker = Asker { peer, assignment: asked::assignment(&headers) };
    match read(&serving, &asker, version, move |depots| depots.frame(&version, &frame)).await {
        Ok(frame) => {
            let (frame, range) = rest_of(frame, range);
            let pace = pace_of(&serving, &asker);
            let mut response = answer(frame, pace);
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
    headers: HeaderMap,
) -> Response {
    let (Ok(version), Some(leaves)) = (version.parse::<Digest>(), leaves_of_path(&leaves)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let asker = Asker { peer, assignment: asked::assignment(&headers) };
    let read = read(&serving, &asker, version, move |depots| depots.leaves(&version, &leaves)).await;
    read.map_or_else(|refusal| refusal, |leaves| answer(leaves, pace_of(&serving, &asker)))
}

async fn arrivals(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, after)): Path<(String, String)>,
) -> Response {
    let (Ok(version), Some(after)) = (version.parse::<Digest>(), After::parse(&after)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !is_reader(&serving, &peer, &version) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match serving.depots.arrivals(&version, after, LISTEN_TIME).await {
        Ok(told) => told.to_bytes().into_response(),
        Err(error) => refuse(&serving, &error),
    }
}

async fn claim(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, most, again)): Path<(String, usize, u64)>,
    RawQuery(query): RawQuery,
    wanted: Bytes,
) -> Response {
    claimed(&serving, &peer, &version, (most, again, 0), query.as_deref(), &wanted).await
}

async fn claim_what_comes(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((version, most, again, wait)): Path<(String, usize, u64, u64)>,
    RawQuery(query): RawQuery,
    wanted: Bytes,
) -> Response {
    claimed(&serving, &peer, &version, (most, again, wait), query.as_deref(), &wanted).await
}

async fn claimed(
    serving: &Serving,
    peer: &Peer,
    version: &str,
    (most, again, wait): (usize, u64, u64),
    query: Option<&str>,
    wanted: &[u8],
) -> Response {
    let Ok(version) = version.parse::<Digest>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !is_reader(serving, peer, &version) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (again, wait) = (Duration::from_millis(again), Duration::from_millis(wait).min(LISTEN_TIME));
    let provider = peer.identity.as_ref().and_then(|identity| identity.provider);
    let by = Claimant { provider, beyond: query == Some(BEYOND) };
    match serving.depots.claim(&version, by, wanted, most, again, wait).await {
        Ok(claimed) => claims::to_bytes(&claimed).into_response(),
        Err(error) => refuse(serving, &error),
    }
}

fn is_reader(serving: &Serving, peer: &Peer, version: &Digest) -> bool {
    let reader = peer.identity.as_ref().and_then(|identity| identity.provider);
    reader.is_some_and(|reader| may_read(&serving.board, version, reader))
}

/// Who asks, and by which of its assignments.
struct Asker {
    peer: Peer,
    assignment: Option<Generation>,
}

/// What a peer may have, read on a thread that may block; or what it is told instead.
async fn read(
    serving: &Serving,
    asker: &Asker,
    version: Digest,
    work: impl FnOnce(&Depots) -> Result<FrameBytes, DepotError> + Send + 'static,
) -> Result<FrameBytes, Response> {
    let reader = asker.peer.identity.as_ref().and_then(|identity| identity.provider);
    let Some(reader) = reader.filter(|reader| may_read(&serving.board, &version, *reader)) else {
        let assignment = asker.assignment.map(tracing::field::display);
        tracing::debug!(assignment, ?reader, %version, "a frame was refused to who may not have it");
        return Err(StatusCode::FORBIDDEN.into_response());
    };
    serving.asked.note(reader, asker.assignment, version);
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

/// What holds back all that goes to one peer.
fn pace_of(serving: &Serving, asker: &Asker) -> Arc<Pace> {
    let reader = asker.peer.identity.as_ref().and_then(|identity| identity.provider);
    reader.map(|reader| serving.board.paces.of_reader(reader)).unwrap_or_default()
}

/// As fast as it goes, or in slices at their time.
fn content(bytes: Bytes, pace: Arc<Pace>) -> Body {
    if !pace.is_limited() {
        return Body::from(bytes);
    }
    let slices = futures::stream::unfold((bytes, pace), async |(mut rest, pace)| {
        if rest.is_empty() {
            return None;
        }
        let slice = pace.slice(rest.len()).await.unwrap_or(rest.len());
        let slice = rest.split_to(slice);
        Some((Ok::<_, std::convert::Infallible>(slice), (rest, pace)))
    });
    Body::from_stream(slices)
}

fn answer(frame: FrameBytes, pace: Arc<Pace>) -> Response {
    totals::add_sent(frame.bytes.len() as u64);
    let form = HeaderValue::from_static(frame.form.as_str());
    let length = HeaderValue::from(frame.bytes.len());
    let mut response = Response::new(content(frame.bytes, pace));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response.headers_mut().insert(FORM_HEADER, form);
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A leaf that lost its digest makes the replica damaged at once, wherever it was noticed. Of a version
/// that is served from its parts it may be another one's.
fn refuse(serving: &Serving, error: &DepotError) -> Response {
    if let DepotError::Damaged { version, leaf } = error {
        let damage = Damage { leaves: vec![leaf.clone()], ..Damage::default() };
        serving.board.found_damaged(&serving.data, *version, Finding::of(*version, damage));
    }
    match error {
        DepotError::NoSuchVersion { .. }
        | DepotError::NoSuchFrame { .. }
        | DepotError::NoSuchLeaves { .. }
        | DepotError::NoDifference { .. }
        | DepotError::NotYet { .. } => StatusCode::NOT_FOUND,
        DepotError::Damaged { .. } | DepotError::Read { .. } | DepotError::Compress(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
    .into_response()
}
