//! How bytes move: a golden machine's disks become a version, and a version becomes the same files
//! on every provider.
//!
//! ```text
//!            source provider                                every other provider
//!   disks ─► publish ─► manifest ──── by way of the server ────► fetch ─► verify ─► commit
//!               │                                                  ▲        │
//!               └─► spool ─► depot ═══ frames over HTTPS (wire) ═══╝        └─ Verified: the only
//!                             ▲        from anybody who has them               door to `Ready`
//!                             └── the plain files themselves
//! ```
//!
//! A disk is cut into *leaves* of 64 KiB, each named by its BLAKE3; leaves of zeroes are only marked.
//! The [`manifest`] lists them, and its root's digest is the version's name. Leaves travel in
//! *frames* of up to 16, compressed, named by their bytes on the wire. There is no chunk store: the
//! plain file that a hypervisor runs from is what is served to peers.
//!
//! What a working copy changed becomes a version without the rest being read:
//!
//! ```text
//!            source provider                                every other provider
//!   overlay's map ─► publish_changes ─► manifest ─────────► fetch: what its base has is cloned or
//!      base's manifest ─┘  │                                  │    copied; new frames come
//!                          └─► spool ─► depot ════════════════╝
//!                 base's plain files ────┘ (from parts)
//! ```
//!
//! Its digest is that of the same content published anew. Frames of the base that are still whole
//! are taken over; leaves whose frame went stale are *loose*, and asked for one by one. New frames have a
//! *difference* where that is smaller: compressed with what they replace, for who holds the base.
//!
//! # Promises
//!
//! - No byte counts as present before its digest matched: on arrival, after decoding, when copied
//!   from another version, and once more when all is read back. Only a clone of another version's file,
//!   and what the [`journal`] of an interrupted transfer says, are taken at their word until then: that
//!   costs no reading.
//! - Nothing but [`verify::verify`] makes a [`verify::Verified`], and [`commit::commit`] takes nothing else.
//! - A process killed at any instruction loses at most the frames in flight, and reads nothing durable
//!   again but to verify it. A journal that does not fit its files is refused, and all is read.
//! - The same bytes give the same digest, whatever the holes, the threads, the compression.
//! - Whatever a peer or a manifest claims, memory and disk stay within the numbers of [`limits`].
//! - A depot hands out no byte that it did not just check.
//!
//! # What it does not do
//!
//! It knows no store, no API, no hypervisor, and nothing of templates. It opens no port and decides
//! nobody's rights: the agent serves [`depot::Depot`] under the paths of [`wire`]. It does not say
//! who may ask whom: it is handed sources. It does not read qcow2: it is handed plain files,
//! and of an overlay the map of where its bytes lie.
//!
//! # Where to read next
//!
//! [`fetch`] for the transfer, [`swarm`] for what receivers do for each other, [`publish`] for the reading of a golden machine, [`changes`] for that of
//! a working copy, `docs/format.md` for the bytes, [`limits`] for every number.

pub mod assemble;
pub mod bundle;
pub mod changes;
mod clone;
pub mod commit;
pub mod depot;
#[cfg(test)]
mod differences_tests;
mod direct;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
mod durable;
pub mod fetch;
pub mod frame;
mod gather;
pub mod journal;
pub mod layout;
pub mod leaf;
pub mod limits;
pub mod manifest;
pub mod pace;
pub mod parts;
pub mod patience;
mod present;
pub mod progress;
pub mod publish;
pub mod record;
mod references;
#[cfg(test)]
mod released_tests;
mod scan;
pub mod scrub;
pub mod seeds;
mod sources;
pub mod spool;
pub mod swarm;
mod sys;
#[cfg(test)]
mod testing;
pub mod totals;
mod unspool;
pub mod verify;
pub mod wire;

pub use clone::bytes_to_write;
pub use sys::free_space;

use diecast_domain::code::{Code, Problem};
use std::{error::Error, io};

/// What the administrator is told of a write that failed: a full disk is not a broken one.
fn write_problem(error: &dyn Error, source: Option<&(dyn Error + 'static)>) -> Problem {
    let cause = source.map(|source| format!(": {source}")).unwrap_or_default();
    let kind = source.and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    let code = match kind {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Code::T0003,
        _ => Code::T0004,
    };
    Problem::new(code, format!("the transfer {error}{cause}"))
}
