//! What is remembered: wishes, transitions and numbers, in one SQLite file.
//!
//! ```text
//!   Store ── view()   ─► View    one consistent picture; many at a time
//!        └── change() ─► Change  the one writer; commit() or nothing
//!                          └─ every resource has its file: providers, templates, hosts, ...
//! ```
//!
//! # What it promises
//!
//! - A [`Change`] is all or nothing, and on the disk (`synchronous=FULL`) before `commit` returns.
//! - A [`View`] sees one moment: nothing of a change that was not committed when it began.
//! - What cannot be read is left as it was, and said with S0001, S0005 or S0006.
//! - Secrets are kept as hashes, but for the CA's own key and what notifications sign in and sign with.
//!   The file is readable by its owner alone.
//!
//! # What it does not do
//!
//! It knows no HTTP and no rules: it does not ask whether a change is wise. Progress is not kept
//! here, only transitions. The queries use `$1` and nothing of SQLite's own, so that PostgreSQL can
//! take the same ones later; no query is put together from text.
//!
//! Start at [`open`] for what happens at a start, then [`providers`] as the model of a resource.

mod administrators;
mod alarms;
pub mod assignments;
mod audit;
mod author;
mod change;
mod counters;
mod enrolment;
mod error;
mod events;
mod hosts;
mod idempotency;
mod ledger;
mod lock;
mod manifests;
mod members;
mod migrate;
mod notifications;
pub mod open;
mod operations;
mod pools;
mod providers;
mod recovery;
mod recreations;
mod reports;
mod schedules;
mod sessions;
mod settings;
mod sites;
mod snapshot;
mod templates;
mod tokens;
mod versions;
mod view;

pub use administrators::Administrator;
pub use audit::{AUDIT_LIFE, AuditEntry, AuditFilter};
pub use author::{Author, writing_as};
pub use change::Change;
pub use enrolment::EnrolmentToken;
pub use error::StoreError;
pub use events::{EVENTS_MAX, Event, NewEvent};
pub use idempotency::{IDEMPOTENCY_LIFE, Remembered};
pub use migrate::VERSION as SCHEMA;
pub use notifications::{NotificationState, OutgoingMessage};
pub use open::{OpenError, Store};
pub use operations::{OPERATIONS_LIFE, OperationRecord, OperationState};
pub use providers::{Contact, ProviderRecord};
pub use recovery::RecoveryRecord;
pub use recreations::RECREATIONS_LIFE;
pub use sessions::Session;
pub use sites::SiteLinkRecord;
pub use snapshot::{Snapshot, snapshot};
pub use templates::TemplateRecord;
pub use tokens::{LastUse, TokenRecord};
pub use versions::VersionRecord;
pub use view::View;

#[cfg(test)]
mod tests;
