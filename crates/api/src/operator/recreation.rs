//! Recreation: hosts moved to another version, in waves.

use super::ProblemView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a recreation is to go; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsBody {
    /// `1,10%,50%,100%`, or a number at a time: `5`. Left out: `1,10%,50%,100%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<String>,
    /// Hosts in use are waited for until then (RFC 3339); left out: until they are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Failures in one wave that are borne. Left out: 10 % of the wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures_max: Option<u32>,
    /// How long a recreated host has to show that it is well. Left out: 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_seconds: Option<u32>,
}

/// `POST /api/v1/recreations`, `?dry_run=true` for the plan alone. Which hosts: by name, or all
/// outdated ones of a template or a pool.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecreation {
    #[serde(default)]
    pub hosts: Vec<String>,
    #[serde(default)]
    pub template: Option<String>,
    #[serde(default)]
    pub pool: Option<String>,
    /// Only those that do not run the version they should. Hosts by name are recreated in any case.
    #[serde(default)]
    pub outdated: bool,
    /// To which version: a number or a tag. Left out: what each should have.
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub terms: TermsBody,
    /// When to begin (RFC 3339). Left out: now.
    #[serde(default)]
    pub at: Option<String>,
    /// `ask`, `proceed` or `later`, when a provider does not answer.
    #[serde(default)]
    pub if_unavailable: Option<String>,
}

/// `GET /api/v1/recreations/{id}`. What can be done with it: `POST .../{id}/proceed` (go on without the
/// silent providers), `POST .../{id}/cancel`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecreationView {
    pub id: String,
    pub template: String,
    pub version: u32,
    /// `Scheduled`, `Awaiting decision`, `Running`, `Stopped`, `Done`, `Cancelled`
    pub stage: String,
    /// The wave that runs, from 1 on, and how many there are.
    pub wave: u32,
    pub waves: u32,
    pub begins_at: String,
    pub deadline: Option<String>,
    pub author: String,
    pub created_at: String,
    pub ended_at: Option<String>,
    /// Why it stopped, or what it waits for.
    pub note: Option<String>,
    pub total: u32,
    pub passed: u32,
    pub running: u32,
    pub waiting: u32,
    pub failed: u32,
    pub rolled_back: u32,
    /// Providers with hosts to recreate that do not answer.
    pub silent: Vec<SilentProvider>,
    pub hosts: Vec<RecreationHostView>,
}

/// A provider that does not answer, and what to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SilentProvider {
    pub provider: String,
    /// Since when it is so.
    pub since: String,
    pub hosts: u32,
    pub problem: ProblemView,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecreationHostView {
    pub host: String,
    pub provider: String,
    /// `waiting`, `begun`, `healthy`, `failed`, `passed`, `rolled back`, `left`
    pub state: String,
    pub wave: Option<u32>,
    /// What it waits for, or why it failed.
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecreationList {
    pub items: Vec<RecreationView>,
    pub next: Option<String>,
}
