//! A whole Diecast world in one thread and in virtual time, to see what no one foresaw.
//!
//! ```text
//!        operator ─► wishes ─► SimServer ── domain::{plan, reconcile, distribution, wishes}
//!                               ▲     │
//!                       reports │     │ assignments        storm: loses, delays, repeats, cuts
//!                               │     ▼                    off, kills, flips, fills, lies,
//!                              Network                     restores an old backup
//!                               ▲     │
//!                               │     ▼
//!                     SimAgent (disk, memory) ── domain::{agent, assignment, replica, preflight}
//! ```
//!
//! The decisions are the real ones: the very functions that the server and the agents run. Only the
//! edges are simulated: [`network`], the agents' [`disk`] and memory ([`agent`], [`acts`]), the
//! server's store ([`server`]).
//!
//! **Promises checked** ([`promises`], and where the act itself happens in [`acts`]): nothing is
//! registered or called `Ready` that was not verified with every byte right; generations never go
//! back, and no agent acts on two assignments of one; nothing is deleted that was not ordered by
//! name; a host is made only from a ready replica, and once; concurrency holds; the last verified
//! replica is not ordered away; and once faults stop, every world settles.
//!
//! **Of rollouts** ([`rollout`]): nobody who may be using a host is disturbed; two incarnations never
//! stand; former disks are kept until their wave has passed, and a failed wave ends on them; a working
//! copy is kept until somebody holds what was published from it; nothing goes from under what stands
//! on it; pools come to their size, and nothing is left over.
//!
//! **What it does not do:** it moves no bytes and calls no hypervisor; `lab` does. A leaf here is
//! right, wrong or absent.
//!
//! One seed is one world for ever. `cargo run -p diecast-testkit --example replay SEED` tells its
//! whole story. Read [`sim`] next, then `tests/stories.rs`.

pub mod acts;
pub mod agent;
pub mod dice;
pub mod disk;
pub mod network;
pub mod operator;
pub mod promises;
pub mod rollout;
mod rollout_promises;
pub mod server;
pub mod sim;
pub mod storm;
pub mod story;
pub mod swarm;
pub mod telling;
mod telling_machines;

pub use sim::{Rules, Sim};
pub use story::Broken;
