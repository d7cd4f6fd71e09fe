//! Diecast beside what one would use otherwise: R1 to R15, measured side by side in one run.
//!
//! ```text
//!   images/   a real Debian, then its patched, its trimmed and its rebuilt successor
//!      │
//!   world.rs  one lab: hypervisors, agents, a server, links that tc shapes, sites behind links
//!      │
//!   scenes/   what is done, with Diecast (`ours.rs`) and with every peer (`peers/`)  ──►  sample.rs
//!                                                                                          │ a line a run
//!   results.json, results.md, *.svg  ◄── outcome.rs, table.rs, plot.rs ◄── ratios.rs ◄─────┘
//! ```
//!
//! # Promises
//!
//! - The programs that are measured are those that are released, run as a user runs them, and measured
//!   from outside: by links, process tables and file systems. What only the product could say is labelled.
//! - A peer gets the input that suits it best, and the plain one. What it cannot do here, it says why.
//! - Every run is a line in `samples.jsonl` before the next begins; the rest is worked out from the lines.
//!
//! # What it does not do
//!
//! It passes and fails nothing, and knows nothing of how Diecast works inside. `./test` runs its pure parts.

pub mod args;
pub mod circumstances;
pub mod far;
pub mod images;
pub mod measure;
pub mod ours;
pub mod outcome;
pub mod outside;
pub mod peers;
pub mod plot;
pub mod ratios;
pub mod report;
pub mod sample;
pub mod scan;
pub mod scenes;
mod seek;
pub mod stats;
pub mod table;
mod tap;
pub mod world;

/// Tells whoever waits what is being done.
pub fn say(text: &str) {
    eprintln!("bench: {text}");
}
