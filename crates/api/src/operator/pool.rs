//! Pools: sets of hosts kept at a size.

use super::{ProblemView, host::SetupBody, recreation::TermsBody};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `POST /api/v1/pools`, `?dry_run=true` for the plan alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePool {
    pub name: String,
    pub template: String,
    /// The pattern of its hosts' names: `desk-{nnn}`
    pub pattern: String,
    #[serde(default)]
    pub settings: PoolSettings,
}

/// `PATCH /api/v1/pools/{name}`: what is left out stays. `?dry_run=true` for the plan alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolSettings {
    /// `newest`, a tag, or a version's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Both the least and the most, in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Hosts that stand ready and are used by nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spare: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<bool>,
    /// `spread`, `fill` or `weights`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<String>,
    /// With `weights`: a number for each provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<BTreeMap<String, u32>>,
    /// The most of its hosts on one provider; 0: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u32>,
    /// Where; empty: wherever the template is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<String>>,
    /// Make up elsewhere for a provider's hosts after so many seconds of its silence; 0: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace_elsewhere_seconds: Option<u32>,
    /// What its next hosts are like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupBody>,
    /// How its hosts are recreated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<TermsBody>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolView {
    pub id: String,
    pub name: String,
    pub template: String,
    pub pattern: String,
    /// `newest`, a tag or a number, as it was set.
    pub follows: String,
    /// The number that this means now.
    pub version: Option<u32>,
    pub min: u32,
    pub max: u32,
    pub spare: u32,
    /// `linked` or `full`
    pub kind: String,
    /// `spread`, `fill`, `weights`
    pub placement: String,
    pub weights: BTreeMap<String, u32>,
    pub cap: Option<u32>,
    pub providers: Vec<String>,
    pub replace_elsewhere_seconds: Option<u32>,
    pub setup: SetupBody,
    pub terms: TermsBody,
    /// `OK`, `Filling`, `Shrinking`, `Cannot fill`, `Deleting`
    pub status: String,
    /// How many there should be now.
    pub wanted: u32,
    pub hosts: u32,
    pub ready: u32,
    pub in_use: u32,
    pub outdated: u32,
    /// By provider.
    pub spread: BTreeMap<String, u32>,
    /// Why it is not at its size, if so.
    pub problem: Option<ProblemView>,
    pub created_at: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PoolList {
    pub items: Vec<PoolView>,
    pub next: Option<String>,
}
