//! A template's working copy.

use super::{Look, or_nothing, sheet, time, trouble, version, yes_no};
use diecast_api::operator::maintenance::MaintenanceView;

pub(crate) fn show(look: Look, maintenance: &MaintenanceView) -> String {
    let since = &maintenance.since;
    let next = maintenance.next_attempt_at.as_deref().map(|at| time::until(look.now, at)).unwrap_or_default();
    let pairs = [
        ("Template", maintenance.template.clone()),
        ("Status", maintenance.status.clone()),
        ("Working copy of", version::number(maintenance.base)),
        ("Provider", maintenance.provider.clone()),
        ("Opened by", maintenance.author.clone()),
        ("Since", format!("{} ({})", time::instant(since), time::ago(look.now, since))),
        ("Power", or_nothing(maintenance.power.as_ref())),
        ("Addresses", maintenance.addresses.join(", ")),
        ("Guest agent answers", yes_no(maintenance.guest_agent)),
        ("Screen can be reached", yes_no(maintenance.console)),
        ("Attempts", maintenance.attempts.to_string()),
        ("Next attempt", next),
    ];
    let mut text = sheet::details(look, &pairs);
    if let Some(problem) = &maintenance.problem {
        text.push_str(&format!("\n{}", trouble(&maintenance.template, problem)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_working_copy_that_runs() {
        insta::assert_snapshot!(show(samples::look(None), &samples::maintenance()));
    }

    #[test]
    fn a_working_copy_whose_machine_is_gone_says_what_to_do() {
        insta::assert_snapshot!(show(samples::look(None), &samples::broken_maintenance()));
    }
}
