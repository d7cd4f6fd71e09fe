//! What operators send and see under `/api/v1/`. One file a noun; every list answers
//! `{"items":[...],"next":null}`, where `next` is a cursor to pass as `?after=` if there is more.

pub mod alarm;
pub mod audit;
pub mod bundle;
pub mod damage;
pub mod distribution;
pub mod event;
pub mod host;
pub mod limit;
pub mod maintenance;
pub mod notification;
pub mod operation;
pub mod pool;
pub mod provider;
pub mod recovery;
pub mod recreation;
pub mod schedule;
pub mod scrub;
pub mod session;
pub mod site;
pub mod template;
pub mod token;
pub mod vm;

use diecast_domain::code::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The base of every path here.
pub const BASE: &str = "/api/v1";

/// A failure as part of something else: the row of a list, the line of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemView {
    pub code: String,
    pub cause: String,
    pub hint: String,
}

impl From<&Problem> for ProblemView {
    fn from(problem: &Problem) -> Self {
        Self { code: problem.code.to_string(), cause: problem.cause.clone(), hint: problem.hint.clone() }
    }
}
