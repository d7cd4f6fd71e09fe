//! What tests of several files share: disks, publications, and depots behind HTTP that may misbehave.

use crate::{
    depot::{Depot, Holding},
    fetch::FetchOrder,
    frame::{FrameForm, Wanted},
    manifest::Manifest,
    patience::Patience,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
    swarm::{
        arrivals::After,
        claims::{self, Claimant},
    },
    wire::{
        ARRIVALS_ROUTE, BEYOND, CLAIMS_ROUTE, CLAIMS_WAIT_ROUTE, FORM_HEADER, FRAME_ROUTE, FrameClient,
        LEAVES_ROUTE, leaves_of_path, rest_of,
    },
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path as UrlPath, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use diecast_domain::{ids::ProviderId, provider::Source, units::ByteCount};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) const LEAF: u64 = crate::limits::LEAF_SIZE as u64;

/// Bytes that do not compress, and differ by seed.
pub(crate) fn noise(seed: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Bytes that compress well, each leaf another.
pub(crate) fn prose(seed: u64, length: u64) -> Vec<u8> {
    let line = |number: u64| format!("line {} of the golden machine {seed}\n", number * number);
    let mut text: Vec<u8> = (0..length / 20 + 1).flat_map(|number| line(number).into_bytes()).collect();
    text.truncate(length as usize);
    text
}

/// A sparse file with the given spans of data.
pub(crate) fn disk(path: &Path, size: u64, spans: &[(u64, Vec<u8>)]) {
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    for (offset, bytes) in spans {
        file.write_all_at(bytes, *offset).unwrap();
    }
}

/// A published version: its directory is a replica of itself.
pub(crate) struct Published {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) dir: PathBuf,
    pub(crate) spool: Arc<Spool>,
}

/// Publishes the disks `names` that lie in `dir`.
pub(crate) fn published(dir: &Path, names: &[&str], nvram: Option<Vec<u8>>) -> Published {
    let disks = names
        .iter()
        .map(|name| DiskInput { name: (*name).to_owned(), path: dir.join(format!("{name}.raw")) })
        .collect();
    let spool = Arc::new(Spool::open(&dir.join("spool")).unwrap());
    let input = PublishInput { disks, nvram, profile: b"{}".to_vec() };
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new()).unwrap();
    Published { manifest: Arc::new(manifest), dir: dir.to_owned(), spool }
}

impl Published {
    pub(crate) fn holding(&self) -> Holding {
        let (manifest, dir) = (self.manifest.clone(), self.dir.clone());
        Holding { manifest, dir, spool: Some(self.spool.clone()), arriving: None, seeds: Vec::new() }
    }
}

/// A version of two disks: text, noise, holes, repeated leaves, and a short last leaf.
pub(crate) fn golden(dir: &Path) -> Published {
    let spans = [
        (0, noise(1, 3 * LEAF)),
        (8 * LEAF, prose(2, 90 * LEAF)),
        (200 * LEAF, noise(1, LEAF)),
        (2000 * LEAF, noise(3, 20 * LEAF)),
    ];
    disk(&dir.join("disk0.raw"), 2100 * LEAF, &spans);
    disk(&dir.join("disk1.raw"), 5 * LEAF + 777, &[(LEAF, noise(1, LEAF)), (5 * LEAF, noise(9, 777))]);
    published(dir, &["disk0", "disk1"], Some(b"variables".to_vec()))
}

/// How a depot treats those who ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manner {
    Honest,
    /// Flips a bit.
    Lies,
    /// Sends more than was asked for.
    Floods,
    /// Sends half, and then nothing, with the connection open.
    Stalls,
    /// Has nothing.
    Refuses,
    /// Gives a few frames, and then nothing any more.
    Tires,
    /// Refuses every third request.
    Stumbles,
    /// Sends a byte in each twentieth of a second.
    Trickles,
    /// Thinks for half a second about each frame.
    Dawdles,
    /// Cannot rebuild the named bytes: sends the leaves.
    Leaves,
    /// Knows no claims of what still comes: an agent of an earlier release.
    Earlier,
}

/// A depot behind HTTP on this machine, for as long as this is held.
pub(crate) struct Peer {
    pub(crate) source: Source,
    pub(crate) asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub(crate) async fn serve(name: &str, manner: Manner, held: &Published) -> Self {
        let depot = Depot::default();
        let spool = held.holding().spool.filter(|_| manner != Manner::Leaves);
        depot.hold(Holding { spool, ..held.holding() });
        Self::with(name, manner, depot).await
    }

    pub(crate) async fn with(name: &str, manner: Manner, depot: Depot) -> Self {
        let depot = Arc::new(depot);
        let asked = Arc::new(AtomicUsize::new(0));
        let state = (depot, manner, asked.clone());
        let app = Router::new()
            .route(FRAME_ROUTE, get(answer))
            .route(LEAVES_ROUTE, get(answer_leaves))
            .route(ARRIVALS_ROUTE, get(answer_arrivals))
            .route(CLAIMS_ROUTE, post(answer_claims));
        let now = manner != Manner::Earlier;
        let app = if now { app.route(CLAIMS_WAIT_ROUTE, post(answer_claims_later)) } else { app };
        let app = app.with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = source(name, &listener.local_addr().unwrap().to_string());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { source, asked, task }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

type Served = (Arc<Depot>, Manner, Arc<AtomicUsize>);

async fn answer(
    State((depot, manner, asked)): State<Served>,
    UrlPath((version, frame)): UrlPath<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let number = asked.fetch_add(1, Ordering::SeqCst);
    let Ok(found) = depot.frame(&version.parse().unwrap(), &frame.parse().unwrap()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut bytes = found.bytes.to_vec();
    let mut form = found.form;
    let half = bytes.len() / 2;
    match manner {
        Manner::Tires if number >= 4 => return StatusCode::NOT_FOUND.into_response(),
        Manner::Stumbles if number % 3 == 1 => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Honest => {
            let range = headers.get("range").and_then(|value| value.to_str().ok());
            let (rest, range) = rest_of(found, range);
            let form = [(FORM_HEADER, rest.form.as_str())];
            let Some(range) = range else { return (form, rest.bytes).into_response() };
            let range = [("content-range", range)];
            return (StatusCode::PARTIAL_CONTENT, range, form, rest.bytes).into_response();
        }
        Manner::Stumbles | Manner::Tires | Manner::Earlier => {}
        Manner::Lies => bytes[half] ^= 1,
        Manner::Floods => bytes.extend(noise(0, 2 << 20)),
        Manner::Refuses => return StatusCode::NOT_FOUND.into_response(),
        Manner::Stalls => {
            bytes.truncate(half);
            let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]);
            let never = futures::StreamExt::chain(first, futures::stream::pending());
            return Body::from_stream(never).into_response();
        }
        Manner::Dawdles => tokio::time::sleep(Duration::from_millis(500)).await,
        Manner::Trickles => {
            let byte = |byte| async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok::<_, std::io::Error>(Bytes::from(vec![byte]))
            };
            return Body::from_stream(futures::StreamExt::then(futures::stream::iter(bytes), byte))
                .into_response();
        }
        Manner::Leaves => {
            let manifest = depot.frame_manifest(&version.parse().unwrap());
            let Some(frame) = manifest.frames().iter().find(|known| known.digest.hex() == frame) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            bytes = crate::frame::open(&manifest, Wanted::Frame(frame), &found, &[]).unwrap().to_vec();
            form = FrameForm::Leaves;
        }
    }
    ([(FORM_HEADER, form.as_str())], bytes).into_response()
}

async fn answer_leaves(
    State((depot, manner, asked)): State<Served>,
    UrlPath((version, leaves)): UrlPath<(String, String)>,
) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    let found = depot.leaves(&version.parse().unwrap(), &leaves_of_path(&leaves).unwrap());
    let Ok(found) = found else { return StatusCode::NOT_FOUND.into_response() };
    let mut bytes = found.bytes.to_vec();
    if manner == Manner::Lies {
        let half = bytes.len() / 2;
        bytes[half] ^= 1;
    }
    ([(FORM_HEADER, found.form.as_str())], bytes).into_response()
}

async fn answer_arrivals(
    State((depot, ..)): State<Served>,
    UrlPath((version, after)): UrlPath<(String, String)>,
) -> Response {
    let after = After::parse(&after).unwrap();
    match depot.arrivals(&version.parse().unwrap(), after, Duration::from_secs(1)).await {
        Ok(told) => told.to_bytes().into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn answer_claims(
    state: State<Served>,
    UrlPath((version, most, again)): UrlPath<(String, usize, u64)>,
    query: RawQuery,
    wanted: Bytes,
) -> Response {
    answer_claims_later(state, UrlPath((version, most, again, 0)), query, wanted).await
}

async fn answer_claims_later(
    State((depot, ..)): State<Served>,
    UrlPath((version, most, again, wait)): UrlPath<(String, usize, u64, u64)>,
    RawQuery(query): RawQuery,
    wanted: Bytes,
) -> Response {
    let (again, wait) = (Duration::from_millis(again), Duration::from_millis(wait));
    let by = Claimant { provider: None, beyond: query.as_deref() == Some(BEYOND) };
    match depot.claim(&version.parse().unwrap(), by, &wanted, most, again, wait).await {
        Ok(claimed) => claims::to_bytes(&claimed).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) fn source(name: &str, address: &str) -> Source {
    let digest = crate::leaf::digest_of(name.as_bytes());
    let id = uuid::Uuid::from_slice(&digest.as_bytes()[..16]).unwrap();
    Source {
        provider: ProviderId::from_uuid(id),
        name: name.parse().unwrap(),
        addresses: vec![address.to_owned()],
        whole: true,
        reserve: false,
        gateway: false,
        beyond: false,
    }
}

/// An order with little patience. Sources that change are given by replacing `sources`.
pub(crate) fn order(manifest: &Arc<Manifest>, incoming: &Path, sources: &[&Source]) -> FetchOrder {
    let (_, sources) = watch::channel(sources.iter().map(|source| (*source).clone()).collect());
    FetchOrder {
        manifest: manifest.clone(),
        incoming: incoming.to_owned(),
        seeds: Vec::new(),
        sources,
        client: Arc::new(FrameClient::without_tls(reqwest::Client::new())),
        spool: None,
        arrivals: None,
        floor: ByteCount::ZERO,
        patience: Patience {
            answer: Duration::from_secs(5),
            stall_window: Duration::from_millis(300),
            stall_bytes_min: 1 << 20,
            no_source: Duration::from_secs(2),
        },
        pace: Arc::default(),
        links: Arc::default(),
        progress: Arc::default(),
        cancel: CancellationToken::new(),
    }
}

/// The disks of two directories are the same to the byte.
pub(crate) fn assert_same(manifest: &Manifest, one: &Path, other: &Path) {
    for disk in manifest.disks() {
        let read = |dir: &Path| std::fs::read(dir.join(disk.file_name())).unwrap();
        assert!(read(one) == read(other), "{} differs", disk.name());
    }
}
