//! Schedules: what is done at a time, or again and again.

use super::recreation::TermsBody;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/schedules`, `?dry_run=true` for what it would do and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSchedule {
    pub name: String,
    /// `recreate`, `start` or `stop`
    pub action: String,
    /// Which hosts: exactly one of `template`, `pool`, `hosts`.
    #[serde(default)]
    pub template: Option<String>,
    #[serde(default)]
    pub pool: Option<String>,
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Once, at this time (RFC 3339). Either this or `cron`.
    #[serde(default)]
    pub at: Option<String>,
    /// Five fields: minute, hour, day, month, weekday: `0 3 * * SAT`
    #[serde(default)]
    pub cron: Option<String>,
    /// The time zone of `cron`: `Europe/Madrid`. Left out: `UTC`.
    #[serde(default)]
    pub zone: Option<String>,
    /// Of a recreation.
    #[serde(default)]
    pub terms: TermsBody,
    /// Of a stop: cut the power instead of asking the guest.
    #[serde(default)]
    pub force: bool,
}

/// `PATCH /api/v1/schedules/{name}`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSchedule {
    #[serde(default)]
    pub enabled: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleView {
    pub id: String,
    pub name: String,
    pub action: String,
    /// ``template `win11` ``, ``pool `desks` ``, `3 hosts`
    pub selection: String,
    /// An RFC 3339 time, or the expression with its zone.
    pub when: String,
    pub enabled: bool,
    /// What will run next; absent: never again.
    pub next_at: Option<String>,
    pub last_at: Option<String>,
    /// What came of it, in a sentence.
    pub last_outcome: Option<String>,
    pub last_ok: Option<bool>,
    pub author: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScheduleList {
    pub items: Vec<ScheduleView>,
    pub next: Option<String>,
}
