//! One-time acts: how each ended, and what a check found line by line.

use super::{Look, or_nothing, sheet, trouble};
use diecast_api::operator::operation::OperationView;

/// Several acts, a row each; then what each found, and what is not well.
pub(crate) fn list(look: Look, operations: &[OperationView]) -> String {
    let row = |operation: &OperationView| {
        vec![
            operation.kind.clone(),
            or_nothing(operation.object.as_ref()),
            operation.provider.clone(),
            operation.state.clone(),
            operation.id.clone(),
        ]
    };
    let header = ["OPERATION", "ABOUT", "PROVIDER", "STATE", "ID"];
    let mut text = sheet::table(look, &header, operations.iter().map(row).collect());
    operations.iter().for_each(|operation| text.push_str(&findings(look, operation)));
    text
}

/// What a check looked at: `ok` or `FAILED`, what was found, what to do.
fn findings(look: Look, operation: &OperationView) -> String {
    let mut text = String::new();
    if !operation.lines.is_empty() {
        let rows = operation.lines.iter().map(|line| {
            let detail = match &line.hint {
                Some(hint) if !line.ok => format!("{} → {hint}", line.detail),
                _ => line.detail.clone(),
            };
            vec![line.name.clone(), if line.ok { "ok" } else { "FAILED" }.to_owned(), detail]
        });
        text.push_str(&format!("\n{}", sheet::table(look, &["CHECK", "RESULT", "FOUND"], rows.collect())));
    }
    if let Some(problem) = &operation.problem {
        text.push_str(&format!("\n{}", trouble(&operation.provider, problem)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_check_says_what_it_found() {
        insta::assert_snapshot!(list(samples::look(None), &[samples::check()]));
    }
}
