//! What decides: takes wishes from operators, listens to agents, and tells agents what to do.
//!
//! ```text
//!   operators ──HTTPS──► http ─► app ─┐                        ┌─► SSE: events
//!   agents ──mutual TLS─►      ─► app ─┤                        │
//!                                     ├─► store: wishes ─► reconcile ─► store: orders, events
//!                     reports ─► live ┘   (one picture of all of it)  └─► told: long polls wake
//! ```
//!
//! # What it promises
//!
//! - What was answered is on the disk. Killed anywhere, it goes on from its store: every transition is
//!   one change, and every pass of the reconciler finds again what the last one did not write.
//! - Agents are never called. They ask, and are told in orders with a number; a deletion is ordered
//!   by name or not at all.
//! - Nothing is open but what must be: a bearer token or an agent's certificate that counts, decided
//!   by where a route hangs in `http`, and what they may do in `app/authorise.rs` alone.
//! - Every error is problem details with a code, a cause, one thing to do, and the request's id.
//! - What an operator is shown and what the reconciler decides by is the same `picture`.
//!
//! # What it does not do
//!
//! It decides no rule by itself: that is `domain`. It touches no hypervisor and carries no template's
//! bytes, only manifests, and what the screens of working copies say. Progress and screens live in its
//! memory and are gone with it, without harm.
//!
//! # Where to read next
//!
//! `http/mod.rs` for the routes, `app/distribution.rs` as the model of a use case, `reconcile/mod.rs`
//! for what happens by itself, `start.rs` for a start in order. The same noun has the same file name
//! in `http`, `app` and the store.

mod app;
mod args;
mod attempts;
mod backup;
mod changed;
mod clock;
mod config;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
mod first;
mod http;
mod live;
mod log;
mod metrics;
mod notify;
mod password;
mod picture;
mod reconcile;
mod relay;
mod run;
mod secret;
mod settings;
mod start;
mod strangers;
mod told;
mod uses;

pub use args::{
    BackupArgs, LogFormat, PasswordArgs, PlaceArgs, RestoreArgs, RunArgs, ServerArgs, ServerCommand,
};
pub use config::SETTINGS;
pub use run::{execute, run};
pub use settings::ServerSettings;
pub use start::{Running, start};

/// The description of the operators' API, as it is served and checked in.
pub fn openapi() -> String {
    http::openapi_text()
}
