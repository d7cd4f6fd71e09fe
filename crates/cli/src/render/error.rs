//! Errors, as they are told and as they are handed to scripts.

use super::Look;
use diecast_api::problem::ProblemDetails;
use serde_json::{Value, json};

/// `error[T0001]: cause`, then the hint, what stands in the way, and where to read more.
pub(crate) fn text(look: Look, details: &ProblemDetails) -> String {
    let code = &details.code;
    let label = if code.is_empty() { "error".to_owned() } else { format!("error[{code}]") };
    let label = if look.colour { format!("\u{1b}[1;31m{label}\u{1b}[0m") } else { label };
    let mut text = format!("{label}: {}\n", details.detail);
    for blocker in &details.blockers {
        text.push_str(&format!("blocked by: {blocker}\n"));
    }
    if !details.hint.is_empty() {
        text.push_str(&format!("hint: {}\n", details.hint));
    }
    // What the server did not foresee is looked up in its log; everything else is told already.
    if let Some(request) = details.request.as_ref().filter(|_| code.starts_with('S')) {
        text.push_str(&format!("request: {request}\n"));
    }
    if !code.is_empty() {
        text.push_str(&format!("see: diecast explain {code}\n"));
    }
    text
}

/// The one document on stdout when a command with `--json` fails.
pub(crate) fn json(details: &ProblemDetails) -> Value {
    let code = (!details.code.is_empty()).then_some(&details.code);
    json!({"error": {
        "code": code,
        "cause": details.detail,
        "hint": details.hint,
        "blockers": details.blockers,
        "request": details.request,
    }})
}
