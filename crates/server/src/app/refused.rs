//! What a use case answers when it does not do what was asked.

use diecast_domain::{
    code::{Code, Problem},
    names::BadName,
    wishes::Refusal,
};
use diecast_store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    /// What stands in the way, one line each.
    pub(crate) blockers: Vec<String>,
    /// In place of the code's own HTTP status.
    pub(crate) status: Option<u16>,
    /// Seconds after which trying again makes sense.
    pub(crate) retry_after: Option<u64>,
}

impl Refused {
    pub(crate) fn new(code: Code, cause: impl Into<String>) -> Self {
        Problem::new(code, cause).into()
    }

    pub(crate) fn malformed(cause: impl Into<String>) -> Self {
        Self::new(Code::A0001, cause)
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// For what nobody foresaw: logged here, once, with all its causes.
    pub(crate) fn unforeseen(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        tracing::error!(error = format!("{error:#}"), "a request failed for an unforeseen reason");
        Self::new(Code::S0004, "the server could not do it for a reason of its own")
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, blockers: Vec::new(), status: None, retry_after: None }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        if error.is_full() {
            tracing::error!(error = %error, "the disk of the server's database is full");
            return Self::new(Code::S0009, "the server's disk is full, so nothing of it was done");
        }
        Self::unforeseen(error)
    }
}

impl From<BadName> for Refused {
    fn from(error: BadName) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let blockers = match &refusal {
            Refusal::HostsDepend { hosts } => hosts.iter().map(|name| format!("host {name}")).collect(),
            Refusal::OnLists { templates, .. } | Refusal::HoldsThere { templates, .. } => {
                templates.iter().map(|name| format!("template {name}")).collect()
            }
            Refusal::PoolsDepend { pools } => pools.iter().map(|name| format!("pool {name}")).collect(),
            Refusal::VersionNeeded { why, .. } => why.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self { blockers, ..refusal.problem().into() }
    }
}
