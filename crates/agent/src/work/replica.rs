//! Bringing a version here, whole: preflight, transfer, verification, its final name, registration.

use super::blocking;
use crate::{
    board::TaskPhase,
    clock, data,
    finding::Finding,
    paces,
    survey::incoming_dir,
    worker::{Ended, Job, Site, disk_trouble, own_trouble},
};
use diecast_domain::{
    agent::Object,
    assignment::{Orders, ReplicaOrder},
    code::{Code, Problem},
    digest::Digest,
    preflight::{self, Needs},
    profile::HardwareProfile,
    replica::Phase,
    units::ByteCount,
};
use diecast_provider::{HoldTemplates, TemplateCopy, layout as places};
use diecast_transfer::{
    commit::{self, CommitError},
    fetch::{self, FetchOrder},
    journal, layout,
    manifest::{Disk, Manifest},
    patience::Patience,
    seeds::Seed,
    spool::Spool,
    totals,
    verify::{self, Damage, Verdict, Verified},
};
use std::{path::Path, sync::Arc, time::Duration};

/// How often a finished copy that does not match is mended before the attempt counts as failed.
const MENDINGS_MAX: usize = 2;

/// How long a mending waits for somebody to appear who has what is damaged, when nobody is known.
const ALONE_PATIENCE: Duration = Duration::from_secs(2);

/// What a spool leaves free where the agent keeps its own files: often the system's disk, and what the
/// agent must write down there are a few kilobytes.
const SPOOL_ROOM_MIN: ByteCount = ByteCount::gib(2);

/// Everything up to the hypervisor's sight of it.
pub async fn fill(job: &Job, digest: Digest) -> Ended {
    let manifest = manifest(job, &digest).await.map_err(Some)?;
    preflight(job, &manifest).map_err(Some)?;
    job.phase(TaskPhase::Replica(Phase::Transferring));
    let mut order = order(job, &manifest);
    let incoming = layout::version_dir(&order.incoming, &digest);
    let (spool, seeds) = (order.spool.clone(), order.seeds.clone());
    let arriving = job.site.depots.hold_arriving(&manifest, &incoming, spool, seeds);
    order.arrivals = Some(arriving.arrivals());
    let fetched = fetch::fetch(order.clone()).await.map_err(|error| error.problem())?;
    let mut mendings = 0;
    let verified = loop {
        job.phase(TaskPhase::Replica(Phase::Verifying));
        match verify(job, &manifest, &fetched.dir).await? {
            Verdict::Verified(verified) => break verified,
            Verdict::Damaged(damage) if mendings < MENDINGS_MAX => {
                mendings += 1;
                tracing::warn!(version = %digest, "what was written does not read back: {damage}");
                job.phase(TaskPhase::Replica(Phase::Transferring));
                mend_in(job, &order, &fetched.dir, &damage).await?;
            }
            Verdict::Damaged(damage) => return Err(Some(damage.problem(&digest))),
        }
    };
    commit(job, verified).await?;
    let dir = places::version_dir(&job.site.storage, &digest);
    arriving.completed(&manifest, dir, order.spool.clone(), order.seeds);
    totals::add_holes(manifest.size().saturating_sub(manifest.data_bytes()).0);
    register(job, digest).await
}

/// Reads a version that is here under its final name, and repairs in place what does not match.
/// Hosts that stand on it go on running.
pub async fn mend(job: &Job, digest: Digest) -> Ended {
    let manifest = manifest(job, &digest).await.map_err(Some)?;
    let dir = places::version_dir(&job.site.storage, &digest);
    let order = order(job, &manifest);
    // What is known already is mended first: if nobody has it, reading all the rest helps nobody.
    let known = job.site.board.know().damaged.get(&digest).map(|finding| finding.damage.clone());
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        let still = look_there(&manifest, &dir, known).await?;
        if !still.is_empty() {
            mend_here(job, &order, &dir, still).await?;
        }
    }
    for round in 0..=MENDINGS_MAX {
        job.phase(TaskPhase::Replica(Phase::Verifying));
        let verdict = verify(job, &manifest, &dir).await.inspect_err(|problem| {
            let Some(problem) = problem else { return };
            let finding = Finding::unread(digest, problem.clone());
            job.site.board.found_damaged(&job.site.data, digest, finding);
        });
        match verdict? {
            Verdict::Verified(verified) => {
                let verified = blocking(move || commit::protect(&verified).map(|()| verified)).await?;
                record(job, &verified.map_err(|error| Some(error.problem()))?)?;
                job.site.board.is_whole(&job.site.data, digest);
                return register(job, digest).await;
            }
            Verdict::Damaged(damage) if round == MENDINGS_MAX => {
                let problem = damage.changed_problem(&digest);
                job.site.board.found_damaged(&job.site.data, digest, Finding::of(digest, damage));
                return Err(Some(problem));
            }
            Verdict::Damaged(damage) => mend_here(job, &order, &dir, damage).await?,
        }
    }
    Ok(())
}

/// What of `known` is still so.
async fn look_there(manifest: &Arc<Manifest>, dir: &Path, known: Damage) -> Result<Damage, Option<Problem>> {
    let (manifest, dir) = (manifest.clone(), dir.to_owned());
    let still = blocking(move || verify::look_again(&manifest, &dir, &known)).await?;
    still.map_err(|error| error.problem())
}

/// Mends a version under its final name. What is damaged and nowhere else is told as that.
async fn mend_here(job: &Job, order: &FetchOrder, dir: &Path, damage: Damage) -> Ended {
    let digest = order.manifest.digest();
    let (board, data) = (&job.site.board, &job.site.data);
    board.found_damaged(data, digest, Finding::of(digest, damage.clone()));
    job.phase(TaskPhase::Replica(Phase::Transferring));
    let mut order = order.clone();
    if job.sources.borrow().is_empty() {
        order.patience.no_source = ALONE_PATIENCE;
    }
    let mended = mend_in(job, &order, dir, &damage).await;
    let nobody = matches!(&mended, Err(Some(problem)) if problem.code == Code::T0010);
    let alone = nobody && job.sources.borrow().is_empty();
    board.is_last_copy(data, digest, alone);
    if alone { Err(Some(damage.last_copy_problem(&digest))) } else { mended }
}

async fn mend_in(job: &Job, order: &FetchOrder, dir: &Path, damage: &Damage) -> Ended {
    let mended = fetch::mend(order.clone(), dir, damage).await.map_err(|error| error.problem());
    job.site.board.nudge();
    mended.map(|_| ())
}

/// Makes a version that is here, verified, visible to the hypervisor.
pub async fn register(job: &Job, digest: Digest) -> Ended {
    job.phase(TaskPhase::Replica(Phase::Registering));
    let Some(order) = job.orders.replica(&digest) else { return Err(None) };
    let manifest = manifest(job, &digest).await.map_err(Some)?;
    let copy = copy_of(&job.site, order, &manifest).map_err(Some)?;
    job.site.hypervisor.register(job.pool(), &copy).await.map_err(Some)?;
    job.site.board.know().registered.insert(digest);
    Ok(())
}

fn copy_of(site: &Site, order: &ReplicaOrder, manifest: &Manifest) -> Result<TemplateCopy, Problem> {
    let digest = order.version.digest;
    Ok(TemplateCopy {
        template: order.version.name.clone(),
        number: order.version.number,
        digest,
        profile: profile(manifest)?,
        dir: places::version_dir(&site.storage, &digest),
        definitions: site.data.definitions(),
    })
}

/// Asks the hypervisor whether it still sees what is called ready. What it has lost is registered anew
/// by the next decision.
pub async fn look_again(site: Site, orders: Orders) {
    for order in &orders.replicas {
        let digest = order.version.digest;
        let calm = {
            let known = site.board.know();
            known.registered.contains(&digest) && !known.tasks.contains_key(&Object::Replica(digest))
        };
        let manifest = site.depots.manifest(&site.data, &digest).filter(|_| calm);
        let Some(Ok(copy)) = manifest.map(|manifest| copy_of(&site, order, &manifest)) else { continue };
        let seen = site.hypervisor.registered(&site.provider_settings.storage, &copy).await;
        if seen == Ok(false) {
            tracing::warn!(version = %digest, "the hypervisor has lost sight of a template; it is shown anew");
            site.board.know().registered.remove(&digest);
            site.board.nudge();
        }
    }
}

/// The version's manifest: the one kept here, else the server's.
pub async fn manifest(job: &Job, digest: &Digest) -> Result<Arc<Manifest>, Problem> {
    if let Some(manifest) = job.site.depots.manifest(&job.site.data, digest) {
        return Ok(manifest);
    }
    let bytes = job.site.server.manifest(digest).await?;
    let manifest = Manifest::decode_as(&bytes, digest).map_err(|error| error.problem())?;
    data::write(&job.site.data.manifest(digest), &bytes, 0o600).map_err(|error| own_trouble(&error))?;
    Ok(Arc::new(manifest))
}

/// The hardware profile in a manifest, which is as much from outside as all of it.
pub fn profile(manifest: &Manifest) -> Result<HardwareProfile, Problem> {
    let refused = |what: &dyn std::fmt::Display| {
        Problem::new(Code::T0007, format!("the hardware profile in the manifest was refused: {what}"))
    };
    let profile: HardwareProfile =
        serde_json::from_slice(manifest.profile()).map_err(|error| refused(&error))?;
    profile.check(manifest.disks().iter().map(Disk::name)).map_err(|bad| refused(&bad))?;
    Ok(profile)
}

pub fn preflight(job: &Job, manifest: &Manifest) -> Result<(), Problem> {
    let facts = job.site.board.know().hypervisor.facts.clone();
    let facts = facts.ok_or_else(|| Problem::new(Code::P0002, "the hypervisor has not answered yet"))?;
    let profile = profile(manifest)?;
    let there = already_there(&layout::version_dir(&incoming_dir(&job.site.storage), &manifest.digest()));
    let bytes =
        diecast_transfer::bytes_to_write(manifest, &seeds(job, &manifest.digest()), &job.site.storage);
    let needs = Needs { profile: &profile, bytes: bytes.saturating_sub(there), floor: floor(job) };
    let mut obstacles =
        preflight::obstacles(&job.site.name, &facts, &job.site.provider_settings, &needs).into_iter();
    let Some(mut first) = obstacles.next() else { return Ok(()) };
    for other in obstacles {
        first.cause = format!("{}; {}", first.cause, other.cause);
    }
    Err(first)
}

/// What must stay free in the pool, by its whole size.
pub fn floor(job: &Job) -> ByteCount {
    let known = job.site.board.know();
    let storages = known.hypervisor.facts.iter().flat_map(|facts| &facts.storages);
    let ours = storages.into_iter().find(|storage| storage.name == job.site.provider_settings.storage);
    preflight::floor(ours.map_or(ByteCount::ZERO, |storage| storage.capacity), job.site.settings.floor)
}

/// What an interrupted transfer left, by the space that it takes.
fn already_there(dir: &Path) -> ByteCount {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else { return ByteCount::ZERO };
    let blocks = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.blocks()));
    ByteCount(blocks.sum::<u64>() * 512)
}

pub fn order(job: &Job, manifest: &Arc<Manifest>) -> FetchOrder {
    let site = &job.site;
    let limits = paces::limits(&site.board);
    let fetching = site.board.paces.of_transfer(manifest.digest(), &limits, clock::now());
    FetchOrder {
        manifest: manifest.clone(),
        incoming: incoming_dir(&site.storage),
        seeds: seeds(job, &manifest.digest()),
        sources: job.sources.clone(),
        client: site.frames.clone(),
        spool: spool(job, manifest),
        arrivals: None,
        floor: floor(job),
        patience: Patience::default(),
        pace: fetching.pace,
        links: fetching.links,
        progress: job.progress.clone(),
        cancel: job.cancel.clone(),
    }
}

/// The cache of frames. What it has is used in any case: a version published here from a working copy may
/// be nowhere else yet. It grows only if that would not fill the file system of the agent's own folder.
pub fn spool(job: &Job, manifest: &Manifest) -> Option<Arc<Spool>> {
    let path = job.site.data.spool(&manifest.digest());
    let spool = Spool::open(&path).ok()?;
    let free = diecast_transfer::free_space(&path).ok()?;
    let fits = spool_fits(free, spool.size(), manifest.wire_bytes());
    Some(Arc::new(if fits { spool } else { spool.sealed() }))
}

fn spool_fits(free: ByteCount, held: ByteCount, whole: ByteCount) -> bool {
    free >= whole.saturating_sub(held) + SPOOL_ROOM_MIN
}

/// Every other version that is whole here: what it shares is not fetched.
pub fn seeds(job: &Job, but: &Digest) -> Vec<Seed> {
    let held: Vec<Digest> = {
        let known = job.site.board.know();
        known.verified_at.keys().filter(|digest| *digest != but).copied().collect()
    };
    let seed = |digest: Digest| {
        let manifest = job.site.depots.manifest(&job.site.data, &digest)?;
        Some(Seed { manifest, dir: places::version_dir(&job.site.storage, &digest) })
    };
    held.into_iter().filter_map(seed).collect()
}

pub async fn verify(job: &Job, manifest: &Arc<Manifest>, dir: &Path) -> Result<Verdict, Option<Problem>> {
    let (manifest, dir) = (manifest.clone(), dir.to_owned());
    let (progress, cancel) = (job.progress.clone(), job.cancel.clone());
    let verdict = blocking(move || verify::verify(&manifest, &dir, &progress, &cancel)).await?;
    verdict.map_err(|error| error.problem())
}

/// Gives what was verified its final name, and writes down when.
pub async fn commit(job: &Job, verified: Verified) -> Ended {
    let versions = places::versions_dir(&job.site.storage);
    let (verified, committed) = blocking(move || {
        let committed = commit::commit(&verified, &versions);
        (verified, committed)
    })
    .await?;
    match committed {
        Ok(_) => record(job, &verified),
        // An earlier life got this far; what lies there is verified where it is.
        Err(CommitError::Exists { .. }) => {
            for path in [journal::path(verified.dir()), verified.dir().to_owned()] {
                data::remove(&path).map_err(|error| Some(disk_trouble("remove", &path, &error)))?;
            }
            Ok(())
        }
        Err(error) => Err(Some(error.problem())),
    }
}

/// Writes down what was verified and when: `Ready` is never said without it.
pub fn record(job: &Job, verified: &Verified) -> Ended {
    let digest = verified.version();
    let record = verified.record(crate::clock::now());
    fail::fail_point!("agent::before-record");
    record.save(&job.site.data.verified(&digest)).map_err(|error| Some(own_trouble(&error.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_of_frames_never_fills_the_disk_that_the_agent_writes_its_own_files_to() {
        let gib = ByteCount::gib;
        assert!(spool_fits(gib(10), gib(0), gib(8)));
        assert!(!spool_fits(gib(10), gib(0), gib(9)));
        assert!(spool_fits(gib(3), gib(8), gib(9)), "what is there already is not counted again");
        assert!(!spool_fits(gib(1), gib(9), gib(9)), "there is no room for anything");
    }
}
