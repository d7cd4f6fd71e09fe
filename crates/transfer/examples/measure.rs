//! Measures what moving a disk costs: processor time and wall time of each step, on this machine.
//!
//! ```text
//! measure publish FILE WORK          into WORK/manifest and WORK/spool
//! measure change FILE OVERLAY WORK   the same of what OVERLAY, a sparse file, has over FILE,
//!                                    of which WORK/manifest is that of FILE before and of both after
//! measure next FILE NEW WORK         the same of NEW, a plain file, as what FILE became
//! measure own FILE WORK              fills WORK/incoming from the base FILE and the spool alone,
//!                                    of which WORK/base is the manifest
//! measure serve FILE WORK            prints its address; ends when stdin does
//! measure fetch WORK ADDRESS         into WORK/incoming, then verifies
//! ```
//!
//! Over plain HTTP: what TLS costs is not in it. Other load on the machine is: run it twice.

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use diecast_domain::{provider::Source, units::ByteCount};
use diecast_transfer::{
    changes::{At, ChangedDisk, ChangesInput, Derived, Extent, publish_changes},
    depot::{Depot, DepotError, Holding},
    fetch::{FetchOrder, fetch},
    frame::FrameBytes,
    manifest::Manifest,
    patience::Patience,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    seeds::Seed,
    spool::Spool,
    verify::{Verdict, verify},
    wire::{FORM_HEADER, FRAME_ROUTE, FrameClient, LEAVES_ROUTE, leaves_of_path},
};
use std::{error::Error, fs, os::unix::fs::FileExt, path::Path, sync::Arc, time::Instant};
use tokio::{io::AsyncReadExt, sync::watch};
use tokio_util::sync::CancellationToken;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["publish", file, work] => publishing(file, Path::new(work)),
        ["change", file, overlay, work] => {
            let size = fs::metadata(overlay)?.len();
            let extents = data_of(&fs::File::open(overlay)?, size)?;
            changing(file, overlay, extents, Path::new(work))
        }
        ["next", file, new, work] => changing(file, new, changed(file, new)?, Path::new(work)),
        ["own", file, work] => filling(file, Path::new(work)).await,
        ["serve", file, work] => serving(file, Path::new(work)).await,
        ["fetch", work, address] => fetching(Path::new(work), address).await,
        _ => Err("see the head of this file".into()),
    }
}

fn publishing(file: &str, work: &Path) -> Outcome {
    fs::create_dir_all(work)?;
    let spool = Spool::open(&work.join("spool"))?;
    let disks = vec![DiskInput { name: "disk0".into(), path: file.into() }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let meter = Meter::start()?;
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new())?;
    meter.stop("publish", manifest.data_bytes())?;
    let bytes = manifest.encode();
    let (data, wire) = (manifest.data_bytes().0 as f64, manifest.wire_bytes().0 as f64);
    println!("wire {} = {:.3} of data; manifest {} bytes", manifest.wire_bytes(), wire / data, bytes.len());
    Ok(fs::write(work.join("manifest"), bytes)?)
}

fn changing(file: &str, overlay: &str, extents: Vec<Extent>, work: &Path) -> Outcome {
    let bytes = fs::read(work.join("manifest"))?;
    fs::write(work.join("base"), &bytes)?;
    let spool = Spool::open(&work.join("spool-of-changes"))?;
    let size = ByteCount(fs::metadata(overlay)?.len());
    let overlays = vec![overlay.into()];
    let disk = ChangedDisk { name: "disk0".into(), base: file.into(), overlays, size, extents };
    let input = ChangesInput { disks: vec![disk], nvram: None, profile: b"{}".to_vec() };
    let meter = Meter::start()?;
    let base = Manifest::decode(&bytes)?;
    let cancel = CancellationToken::new();
    let Derived { manifest, new_bytes, new_packed, new_differing } =
        publish_changes(&base, input, &spool, &Progress::default(), &cancel)?;
    let encoded = manifest.encode();
    meter.stop("change", new_bytes)?;
    println!("new {new_bytes}, packed {new_packed}; loose {}", manifest.loose_bytes());
    println!(
        "with {} differences of {} frames {new_differing} ({} of {} bytes); manifest {} bytes",
        manifest.differences().len(),
        manifest.frames().len(),
        new_differing.0,
        new_packed.0,
        encoded.len()
    );
    Ok(fs::write(work.join("manifest"), encoded)?)
}

/// What one plain file has otherwise than another, as an overlay's map would tell it.
fn changed(old: &str, new: &str) -> Outcome<Vec<Extent>> {
    let (old, new) = (fs::File::open(old)?, fs::File::open(new)?);
    let (before, size) = (old.metadata()?.len(), new.metadata()?.len());
    let [mut one, mut other] = [vec![0; STEP], vec![0; STEP]];
    let mut extents = Vec::new();
    for start in (0..size).step_by(STEP) {
        let length = (size - start).min(STEP as u64);
        let (one, other) = (&mut one[..length as usize], &mut other[..length as usize]);
        one.fill(0);
        old.read_exact_at(&mut one[..before.saturating_sub(start).min(length) as usize], start)?;
        new.read_exact_at(other, start)?;
        if one != other {
            let at = other.iter().any(|byte| *byte != 0).then_some(At { overlay: 0, offset: start });
            extents.push(Extent { start, length, at });
        }
    }
    Ok(extents)
}

/// What is compared at once.
const STEP: usize = 64 << 10;

/// The data of a sparse file, as an overlay's map would tell it.
fn data_of(file: &fs::File, size: u64) -> Outcome<Vec<Extent>> {
    let mut bytes = vec![0; STEP];
    let mut extents = Vec::new();
    for start in (0..size).step_by(STEP) {
        let length = (size - start).min(STEP as u64);
        file.read_exact_at(&mut bytes[..length as usize], start)?;
        if bytes[..length as usize].iter().any(|byte| *byte != 0) {
            extents.push(Extent { start, length, at: Some(At { overlay: 0, offset: start }) });
        }
    }
    Ok(extents)
}

async fn filling(file: &str, work: &Path) -> Outcome {
    let base = Arc::new(Manifest::decode(&fs::read(work.join("base"))?)?);
    let dir = work.join("held");
    fs::create_dir_all(&dir)?;
    let _ = fs::remove_file(dir.join("disk0.raw"));
    fs::hard_link(file, dir.join("disk0.raw"))?;
    let spool = Some(Arc::new(Spool::open(&work.join("spool-of-changes"))?));
    fill(work, vec![Seed { manifest: base, dir }], spool, Vec::new()).await
}

async fn serving(file: &str, work: &Path) -> Outcome {
    let dir = work.join("served");
    fs::create_dir_all(&dir)?;
    let link = dir.join("disk0.raw");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(fs::canonicalize(file)?, link)?;
    let manifest = Arc::new(Manifest::decode(&fs::read(work.join("manifest"))?)?);
    let spool = Some(Arc::new(Spool::open(&work.join("spool"))?));
    let depot = Arc::new(Depot::default());
    depot.hold(Holding { manifest: manifest.clone(), dir, spool, arriving: None, seeds: Vec::new() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let app = Router::new().route(FRAME_ROUTE, get(answer)).route(LEAVES_ROUTE, get(answer_leaves));
    let app = app.with_state(depot);
    let meter = Meter::start()?;
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        end = async { tokio::io::stdin().read(&mut [0]).await } => drop(end?),
    }
    meter.stop("serve", manifest.wire_bytes())
}

async fn answer(
    State(depot): State<Arc<Depot>>,
    UrlPath((version, frame)): UrlPath<(String, String)>,
) -> axum::response::Response {
    let (Ok(version), Ok(frame)) = (version.parse(), frame.parse()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    sent(tokio::task::spawn_blocking(move || depot.frame(&version, &frame)).await)
}

async fn answer_leaves(
    State(depot): State<Arc<Depot>>,
    UrlPath((version, leaves)): UrlPath<(String, String)>,
) -> axum::response::Response {
    let (Ok(version), Some(leaves)) = (version.parse(), leaves_of_path(&leaves)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    sent(tokio::task::spawn_blocking(move || depot.leaves(&version, &leaves)).await)
}

fn sent<E>(answer: Result<Result<FrameBytes, DepotError>, E>) -> axum::response::Response {
    match answer {
        Ok(Ok(found)) => ([(FORM_HEADER, found.form.as_str())], found.bytes).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn fetching(work: &Path, address: &str) -> Outcome {
    let source = Source {
        provider: "00000000-0000-0000-0000-000000000001".parse()?,
        name: "measured".parse()?,
        addresses: vec![address.to_owned()],
        whole: true,
        reserve: false,
        gateway: false,
        beyond: false,
    };
    fill(work, Vec::new(), None, vec![source]).await
}

async fn fill(work: &Path, seeds: Vec<Seed>, spool: Option<Arc<Spool>>, sources: Vec<Source>) -> Outcome {
    let manifest = Arc::new(Manifest::decode(&fs::read(work.join("manifest"))?)?);
    let (_list, sources) = watch::channel(sources);
    let progress = Arc::new(Progress::default());
    let order = FetchOrder {
        manifest: manifest.clone(),
        incoming: work.join("incoming"),
        seeds,
        sources,
        client: Arc::new(FrameClient::without_tls(reqwest::Client::new())),
        spool,
        arrivals: None,
        floor: ByteCount::ZERO,
        patience: Patience::default(),
        pace: Default::default(),
        links: Default::default(),
        progress: progress.clone(),
        cancel: CancellationToken::new(),
    };
    let meter = Meter::start()?;
    let fetched = fetch(order).await?;
    meter.stop("fetch", manifest.data_bytes())?;
    println!("over the network: {}", progress.view().bytes_network);
    let meter = Meter::start()?;
    let verdict = verify(&manifest, &fetched.dir, &progress, &CancellationToken::new())?;
    meter.stop("verify", manifest.data_bytes())?;
    match verdict {
        Verdict::Verified(_) => Ok(()),
        Verdict::Damaged(damage) => Err(damage.to_string().into()),
    }
}

struct Meter {
    wall: Instant,
    cpu: f64,
    read: u64,
}

impl Meter {
    fn start() -> Outcome<Self> {
        Ok(Self { wall: Instant::now(), cpu: cpu_seconds()?, read: bytes_read()? })
    }

    fn stop(self, what: &str, bytes: ByteCount) -> Outcome {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_seconds()? - self.cpu);
        let gb = bytes.0 as f64 / 1e9;
        let status = fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        let read = ByteCount(bytes_read()? - self.read);
        println!(
            "{what}: {bytes}, {wall:.2} s, {cpu:.2} CPU-s, {:.2} CPU-s per GB, {read} read, {peak}",
            cpu / gb
        );
        Ok(())
    }
}

/// What this process asked to read, cached or not.
fn bytes_read() -> Outcome<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).ok_or("no count of bytes")?;
    Ok(line.parse()?)
}

/// User and system time of this process: fields 14 and 15, in ticks of 10 ms.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
