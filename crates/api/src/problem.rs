//! Problem details (RFC 9457): the one shape of every error of the API.

use diecast_domain::code::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of [`ProblemDetails`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, in RFC 9457's members and three of our own: code, hint, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// `/api/v1/errors/T0001`: the page of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means in general.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The cause, in a sentence.
    pub detail: String,
    /// The error code, such as `T0001`; `diecast explain T0001` shows its page.
    pub code: String,
    /// One thing to do.
    pub hint: String,
    /// What stands in the way, one line each: hosts that depend on it, for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<String>,
    /// The request, as the server's log names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl From<&Problem> for ProblemDetails {
    fn from(problem: &Problem) -> Self {
        let code = problem.code;
        Self {
            kind: format!("/api/v1/errors/{code}"),
            title: code.title().to_owned(),
            status: code.http_status(),
            detail: problem.cause.clone(),
            code: code.to_string(),
            hint: problem.hint.clone(),
            blockers: Vec::new(),
            request: None,
        }
    }
}
