//! What is true: the words of Diecast as plain data, and its decisions as total functions.
//!
//! ```text
//!   wishes (operators)        reports (agents)            clock
//!          └──────────────┬──────────────┴──────────────────┘
//!                         ▼
//!        plan::World ─► plan::orders ─► assignment ─► agent::decide ─► steps
//!                   └─► distribution::view / status ─► the words people read
//! ```
//!
//! **Invariant:** no I/O, no async, no clock, no randomness. Time and draws are handed in, so the
//! server, the agents and the simulator run the very same code.
//! **Invariant:** `Ready` is derived in one place, [`replica::ReplicaReport::is_ready`], and reached
//! by one door, [`replica::Phase::on`].
//!
//! Data here derives `Serialize`: agents and the store keep it as it is (ADR 0002). What operators
//! see is worded anew in the `api` crate.
//!
//! Start at [`distribution`] for the words, [`plan`] for what is decided, [`agent`] for what is done.

pub mod agent;
pub mod alarm;
pub mod assignment;
pub mod bundle;
pub mod code;
pub mod damage;
pub mod digest;
pub mod distribution;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
pub mod generation;
pub mod host;
pub mod ids;
pub mod limit;
pub mod maintenance;
pub mod names;
pub mod notification;
pub mod pattern;
pub mod placement;
pub mod plan;
pub mod pool;
pub mod preflight;
pub mod preparation;
pub mod profile;
pub mod protocol;
pub mod provider;
pub mod reconcile;
pub mod recovery;
pub mod recreation;
pub mod replica;
pub mod report;
pub mod retention;
pub mod retry;
pub mod role;
pub mod schedule;
pub mod scrub;
pub mod site;
pub mod template;
#[cfg(test)]
mod testing;
pub mod trim;
pub mod units;
pub mod window;
pub mod wishes;
