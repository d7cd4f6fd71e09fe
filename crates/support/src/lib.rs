//! What leaves the house: one archive with everything that helps somebody else to find out what is wrong, and
//! nothing that opens a door.
//!
//! ```text
//!   states, logs, versions ──► Archive ──► Redactor ──► FILE.tar.zst, with contents.txt on top
//! ```
//!
//! **How it is cut.** [`archive`] gathers and writes, [`redact`] takes out: what has a name that secrets have, and
//! what looks like one wherever it stands. [`command`] asks the programs of the system, and waits for none of them
//! for long. The server's side is gathered by the command line over the API, the agent's by the agent's own program.
//!
//! **Promises.** Nothing gets into the archive but through the redactor. What could not be had is named with the
//! reason. The archive is there whole or not at all, readable by its owner, and overwrites nothing.
//!
//! **What it does not do.** It sends nothing to anybody, and knows neither the API nor the agent.

pub mod archive;
pub mod command;
pub mod redact;

pub use archive::Archive;
pub use redact::Redactor;
