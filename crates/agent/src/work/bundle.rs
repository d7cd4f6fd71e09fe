//! Bundles: a version written to the server, or read from it, by a connection that this agent opens.
//!
//! ```text
//!   export   depot ─► bundle::write ─► messages ═══════════════════════════════════════════════► server
//!   import   server ═══► messages ─► bundle::unpack ─► verify ─► manifest to the server ─► commit
//! ```
//!
//! An import ends like every other way here: every byte is read back before the version gets its name.
//! Killed anywhere, the next import of the same version goes on with what is there.

use super::{blocking, replica};
use crate::{
    data,
    finding::Finding,
    survey::incoming_dir,
    worker::{Ended, Job, own_trouble},
};
use bytes::Bytes;
use diecast_api::bundle::{Doing, Word};
use diecast_domain::{
    bundle::{BundleAct, Header},
    code::{Code, Problem},
    digest::Digest,
    ids::BundleId,
    units::ByteCount,
};
use diecast_transfer::{
    bundle::{self, Asked, Head, PackError, ReadError, Reader, UnpackOrder},
    depot::DepotError,
    journal, layout,
    manifest::Manifest,
    progress::Stage,
    verify::{Damage, Verdict},
};
use futures::{SinkExt, StreamExt};
use std::{
    fs,
    future::pending,
    io::{self, Read},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Messages on their way in one direction: some megabytes.
const MESSAGES_MAX: usize = 16;
/// Between two words of how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// How long the server may take to hear how it ended.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);

/// What the server passes on of the file.
enum Given {
    Bytes(Bytes),
    End,
}

/// The work, and both directions of the connection, until the work has ended: it ends soon if the
/// connection does.
pub async fn carry(job: &Job, id: BundleId) -> Ended {
    let Some(order) = job.orders.bundle(id) else { return Err(None) };
    let socket = job.site.server.bundle(id).await.map_err(Some)?;
    let cancel = job.cancel.child_token();
    let (mut sink, mut stream) = socket.split();
    let (say, mut said) = mpsc::channel::<Message>(MESSAGES_MAX);
    let (give, given) = mpsc::channel(MESSAGES_MAX);
    let inward = {
        let cancel = cancel.clone();
        async move {
            loop {
                let message = tokio::select! {
                    message = stream.next() => message,
                    () = cancel.cancelled() => None,
                };
                let given = match message {
                    Some(Ok(Message::Binary(bytes))) => Given::Bytes(bytes),
                    Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                        Ok(Word::End) => Given::End,
                        _ => continue,
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                };
                // What nobody reads is passed over: the server is told how it ended.
                let _ = give.send(given).await;
            }
            drop(give);
            cancel.cancel();
        }
    };
    let outward = async move {
        while let Some(message) = said.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    };
    let work = async move {
        let ended = match &order.act {
            BundleAct::Export { header } => export(job, header, &say, &cancel).await,
            BundleAct::Import { digest } => import(job, *digest, given, &say, &cancel).await,
        };
        let word = match &ended {
            Ok(data) => Some(Word::Carried { data: data.0 }),
            Err(problem) => problem.clone().map(|problem| Word::Refused { problem }),
        };
        if let Some(word) = word {
            let _ = say.send(in_words(&word)).await;
        }
        ended.map(drop)
    };
    let (mut inward, mut talk) = (pin!(inward), pin!(async { tokio::join!(work, outward).0 }));
    let ended = tokio::select! {
        ended = &mut talk => ended,
        () = &mut inward => return talk.await,
    };
    // Read on until the server has heard it: bytes that nobody reads would cut off what was said.
    let _ = tokio::time::timeout(FAREWELL_PATIENCE, inward).await;
    ended
}

fn in_words(word: &Word) -> Message {
    Message::text(serde_json::to_string(word).expect("plain data is always JSON"))
}

/// Says how far `job` is, again and again, while `work` runs.
async fn telling<T>(job: &Job, say: &mpsc::Sender<Message>, work: impl Future<Output = T>) -> T {
    let tell = async {
        loop {
            tokio::time::sleep(PROGRESS_INTERVAL).await;
            let view = job.progress.view();
            let doing = match view.stage {
                Stage::Reading | Stage::Publishing => Doing::Writing,
                Stage::Waiting | Stage::Checking | Stage::Copying => Doing::Copying,
                Stage::Fetching | Stage::Flushing => Doing::Unpacking,
                Stage::Verifying => Doing::Verifying,
            };
            let (done, total) = (view.bytes_done.0, view.bytes_total.0);
            if say.send(in_words(&Word::Progress { doing, done, total })).await.is_err() {
                return pending::<()>().await;
            }
        }
    };
    tokio::select! {
        ended = work => ended,
        () = tell => unreachable!("it goes on for ever"),
    }
}

async fn export(
    job: &Job,
    header: &Header,
    say: &mpsc::Sender<Message>,
    cancel: &CancellationToken,
) -> Result<ByteCount, Option<Problem>> {
    let version = header.digest;
    let manifest = replica::manifest(job, &version).await.map_err(Some)?;
    let since = match header.since {
        Some(since) => Some(manifest_of(job, &since.digest).await.map_err(Some)?),
        None => None,
    };
    let (depots, progress) = (job.site.depots.clone(), job.progress.clone());
    let (header, to, cancel) = (header.clone(), say.clone(), cancel.clone());
    let work = blocking(move || {
        let give = |asked: Asked<'_>| match asked {
            Asked::Frame(frame) => depots.frame(&version, frame),
            Asked::Leaves(ordinals) => depots.leaves(&version, ordinals),
        };
        let out = |bytes| to.blocking_send(Message::Binary(bytes)).map_err(|_| hung_up());
        bundle::write(&manifest, since.as_deref(), header, give, out, &progress, &cancel)
    });
    telling(job, say, work).await?.map_err(|error| match error {
        PackError::Depot(error) => {
            if let DepotError::Damaged { version, leaf } = &error {
                let damage = Damage { leaves: vec![leaf.clone()], ..Damage::default() };
                job.site.board.found_damaged(&job.site.data, *version, Finding::of(*version, damage));
            }
            Some(error.problem())
        }
        PackError::Out(_) | PackError::Cancelled => None,
    })
}

/// The manifest of a version that need not be here: it is not kept.
async fn manifest_of(job: &Job, digest: &Digest) -> Result<Arc<Manifest>, Problem> {
    if let Some(manifest) = job.site.depots.manifest(&job.site.data, digest) {
        return Ok(manifest);
    }
    let bytes = job.site.server.manifest(digest).await?;
    Manifest::decode_as(&bytes, digest).map(Arc::new).map_err(|error| error.problem())
}

async fn import(
    job: &Job,
    digest: Digest,
    given: mpsc::Receiver<Given>,
    say: &mpsc::Sender<Message>,
    cancel: &CancellationToken,
) -> Result<ByteCount, Option<Problem>> {
    let coming = Coming { given, rest: Bytes::new(), ended: false };
    let reader = blocking(move || Reader::begin(coming)).await?.map_err(|error| match error {
        ReadError::Bad(bad) => Some(bad.problem()),
        ReadError::Broken(_) => None,
    })?;
    let head = reader.head().clone();
    if head.header.digest != digest {
        let cause = format!("the bundle has version {}, not {}", head.header.digest.short(), digest.short());
        return Err(Some(Problem::new(Code::T0020, cause)));
    }
    let is_held = job.site.board.know().verified_at.contains_key(&digest);
    if is_held {
        // An earlier import got this far, or another template has the same content.
        let held = job.site.depots.manifest(&job.site.data, &digest);
        hand_over(job, &held.unwrap_or(head.manifest)).await?;
        return Ok(head.header.carried);
    }
    let unpacked = unpack(job, &head, reader, say, cancel).await;
    if let Err((_, true)) = &unpacked {
        forget(job, &digest);
    }
    let dir = unpacked.map_err(|(problem, _)| problem)?;
    let manifest = &head.manifest;
    match telling(job, say, replica::verify(job, manifest, &dir)).await? {
        Verdict::Verified(verified) => {
            hand_over(job, manifest).await?;
            replica::commit(job, verified).await?;
        }
        Verdict::Damaged(damage) => return Err(Some(damage.problem(&digest))),
    }
    Ok(head.header.carried)
}

/// Why it did not work out, and whether what there is of it is of no use.
type NotUnpacked = (Option<Problem>, bool);

async fn unpack(
    job: &Job,
    head: &Head,
    reader: Reader<Coming>,
    say: &mpsc::Sender<Message>,
    cancel: &CancellationToken,
) -> Result<PathBuf, NotUnpacked> {
    let digest = head.header.digest;
    let seeds = replica::seeds(job, &digest);
    bundle::lacking(head, &seeds).map_err(|error| (error.problem(), false))?;
    replica::preflight(job, &head.manifest).map_err(|problem| (Some(problem), false))?;
    let order = UnpackOrder {
        incoming: incoming_dir(&job.site.storage),
        seeds,
        spool: replica::spool(job, &head.manifest),
        floor: replica::floor(job),
        progress: job.progress.clone(),
        cancel: cancel.clone(),
    };
    let work = blocking(move || bundle::unpack(reader, &order));
    let done = telling(job, say, work).await.map_err(|problem| (problem, false))?;
    done.map_err(|error| (error.problem(), error.is_final()))
}

/// Removes what was unpacked of a bundle that is of no use, unless the version is wanted here anyway.
fn forget(job: &Job, digest: &Digest) {
    if job.orders.replica(digest).is_some() {
        return;
    }
    let dir = layout::version_dir(&incoming_dir(&job.site.storage), digest);
    for path in [journal::path(&dir), dir, job.site.data.spool(digest)] {
        if let Err(error) = data::remove(&path) {
            tracing::warn!("what a bundle left cannot be removed: {}: {error}", path.display());
        }
    }
}

/// The server has the manifest before it hears that the version is here. If it knows the content already,
/// peers know it by other frames, so those are ours too.
async fn hand_over(job: &Job, manifest: &Arc<Manifest>) -> Ended {
    let (site, digest) = (&job.site, manifest.digest());
    let bytes = manifest.encode();
    let kept = site.server.give_manifest(&digest, bytes.clone()).await.map_err(Some)?;
    if let Some(kept) = &kept {
        Manifest::decode_as(kept, &digest).map_err(|error| Some(error.problem()))?;
    }
    let bytes = kept.unwrap_or(bytes);
    let path = site.data.manifest(&digest);
    if !fs::read(&path).is_ok_and(|there| there == bytes) {
        data::write(&path, &bytes, 0o600).map_err(|error| Some(own_trouble(&error)))?;
        site.depots.release(&digest);
    }
    Ok(())
}

/// The file, as it comes. Read on a thread that may block.
struct Coming {
    given: mpsc::Receiver<Given>,
    rest: Bytes,
    ended: bool,
}

impl Read for Coming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.ended {
            match self.given.blocking_recv() {
                Some(Given::Bytes(bytes)) => self.rest = bytes,
                Some(Given::End) => self.ended = true,
                None => return Err(hung_up()),
            }
        }
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

fn hung_up() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the server hung up")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_is_told_from_a_connection_that_does() {
        let coming = |given: Vec<Given>| {
            let (give, receiver) = mpsc::channel(MESSAGES_MAX);
            given.into_iter().for_each(|it| give.try_send(it).unwrap_or_else(|_| unreachable!()));
            Coming { given: receiver, rest: Bytes::new(), ended: false }
        };
        let piece = |bytes: &'static [u8]| Given::Bytes(Bytes::from_static(bytes));
        let mut read = Vec::new();
        let whole = vec![piece(b"bun"), piece(b""), piece(b"dle"), Given::End];
        coming(whole).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"bundle");
        let broken = coming(vec![piece(b"bun")]).read_to_end(&mut read).unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::ConnectionAborted);
    }
}
