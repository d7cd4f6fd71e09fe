//! What Prometheus is told: counters of this process, and how everything stands at this moment.
//!
//! ```text
//!   http::outside ─► requests ┐
//!   reconcile ─────► passes   ├─► counted, since the process began ─┐
//!   what happened ─► events   ┘                                     ├─► page ─► GET /metrics
//!   Picture (store, reports, clock) ─► state: read when asked ──────┘
//! ```
//!
//! **Promises.** The text is Prometheus' own format (0.0.4), which every scraper of the last ten years
//! reads and `promtool check metrics` checks; names follow its rules: `diecast_` first, base units,
//! `_total` on what only rises. What can be labelled is bounded by what an administrator set up:
//! providers and templates by name, and words of this program. No host is named, nor anything that
//! came from outside. A server that was just started says nothing of agents not heard since, instead
//! of something old.
//!
//! It decides nothing: what is not well and who is told of it is the alarms' business, and these are
//! among the numbers.
//!
//! Read next: `state.rs` for what is told of providers and templates; `docs/guides/monitoring.md` for
//! who reads it; `monitoring/` for alerts and a dashboard that use these names.

mod counted;
mod page;
mod process;
mod state;

pub(crate) use counted::{Audience, Counted};

use crate::picture::Picture;
use diecast_domain::{alarm::Alarm, units::Timestamp};
use page::Page;

/// What the text is, as scrapers ask for it.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything there is to tell, as text.
pub(crate) fn text(picture: &Picture, alarms: &[Alarm], counted: &Counted, started: Timestamp) -> String {
    let mut page = Page::default();
    state::write(&mut page, picture, started);
    state::alarms(&mut page, alarms);
    counted.write(&mut page);
    process::write(&mut page);
    page.text()
}
