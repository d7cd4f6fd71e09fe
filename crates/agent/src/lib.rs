//! What acts: the agent that looks after one provider.
//!
//! ```text
//!   server ◄── session ── report ◄──┐          ┌──► work/publication  work/host
//!      │ └───► assignment ─► board ─┴─ worker ─┼──► work/replica      work/working_copy
//!      │                       ▲   (decide)    └──► work/removal      work/operation
//!      │ hypervisor ─► watch ──┘      ▲
//!      │ disk ───────► survey ────────┘         peers ◄──► depot
//!      └─ console ◄──► a machine's screen
//! ```
//!
//! The server says what should be held and run ([`session`] takes it, the highest generation wins);
//! [`survey`] and [`watch`] say what is; `domain::agent::decide` says what to do; [`worker`] starts
//! it. Nothing remembers a plan. Killed at any instruction, the agent looks at its disk and decides
//! again.
//!
//! Promises:
//! - What it reports as ready was read back whole on this disk, and stays recorded with its time.
//! - It deletes what was ordered by name, and nothing else; what it holds unasked it reports.
//! - It reports every three seconds from a thread of its own, whatever else hangs.
//! - Its depot answers peers that the orders name, and sends no byte that it did not just check.
//!
//! It does not know the store or the server's reasons, and it never listens to anybody but its
//! server and its peers' certificates.
//!
//! Read [`worker`] first, then `work/replica.rs`.

pub mod board;
pub mod clock;
pub mod config;
pub mod console;
pub mod data;
pub mod depot;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
pub mod finding;
pub mod join;
mod load;
pub mod manual;
pub mod memory;
pub mod moving;
pub mod paces;
pub mod recovery;
pub mod renew;
pub mod report;
pub mod run;
mod scrub;
pub mod server;
pub mod service;
pub mod session;
pub mod settings;
pub mod sight;
pub mod storage;
pub mod support;
pub mod survey;
mod sweep;
pub mod watch;
mod work;
pub mod worker;
