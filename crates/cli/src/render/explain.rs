//! Error codes: the page of one, and the list of all.

use super::{Look, sheet};
use diecast_domain::code::Code;
use serde_json::{Value, json};

pub(crate) fn page(code: Code) -> String {
    code.page().to_owned()
}

pub(crate) fn all(look: Look) -> String {
    let rows = Code::ALL.iter().map(|code| vec![code.to_string(), code.title().to_owned()]);
    sheet::table(look, &["CODE", "WHAT IT MEANS"], rows.collect())
}

/// One code for scripts.
pub(crate) fn json(code: Code) -> Value {
    json!({
        "code": code.as_str(),
        "title": code.title(),
        "hint": code.hint(),
        "retry": code.retry(),
        "status": code.http_status(),
        "page": code.page(),
    })
}
