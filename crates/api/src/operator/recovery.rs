//! After a restore: what differs between the backup and the providers, and what becomes of it.

use super::ProblemView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/recovery`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryView {
    /// The server was restored, and nothing is deleted or begun until somebody finishes this.
    pub open: bool,
    /// What the server knows was true then; absent if it was never restored.
    pub backup_made_at: Option<String>,
    pub restored_at: Option<String>,
    pub finished_at: Option<String>,
    pub providers: Vec<RecoveryProviderView>,
    pub items: Vec<FindingView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryProviderView {
    pub id: String,
    pub name: String,
    /// False: it enrolled after the backup, and can be adopted.
    pub known: bool,
    pub answers: bool,
    /// It has said what it was told before the restore.
    pub told: bool,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// `version`, `member`, `host`, `working copy`, `unnamed`: there, and not known. `host gone`,
    /// `version gone`: known, and not there.
    pub kind: String,
    pub name: String,
    /// Where.
    pub providers: Vec<String>,
    /// What it is, and what adopting it does.
    pub detail: String,
    /// `recovery adopt` takes it over.
    pub adoptable: bool,
    pub problem: Option<ProblemView>,
}

/// `POST /api/v1/recovery/adopt`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// What these hold; a provider that is not known is adopted itself first.
    #[serde(default)]
    pub providers: Vec<String>,
    /// What all hold, and all that call.
    #[serde(default)]
    pub all: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdoptedView {
    /// What was adopted, a sentence each.
    pub adopted: Vec<String>,
    /// What is on its way: ask again in a moment.
    pub waiting: Vec<String>,
    /// What cannot be adopted, and why.
    pub refused: Vec<FindingView>,
}

/// `POST /api/v1/recovery/finish`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// Although something is not adopted, or somebody has not answered.
    #[serde(default)]
    pub force: bool,
}
