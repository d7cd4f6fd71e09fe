//! What would be done: the text of every dry run.

use super::{Look, bytes, listed, trouble};
use diecast_api::operator::{ProblemView, template::PlanView};

/// Names in a plan for eyes; all of them are in the document.
const NAMES_MAX: usize = 20;

pub(crate) fn show(_: Look, plan: &PlanView) -> String {
    let mut text: String = plan.steps.iter().map(|step| format!("{step}\n")).collect();
    if plan.steps.is_empty() {
        text.push_str("nothing to do\n");
    }
    match plan.bytes_network {
        None => {}
        Some(0) => text.push_str("over the network: nothing\n"),
        Some(count) => text.push_str(&format!("over the network: at most {}\n", bytes(count))),
    }
    for (what, names) in [("hosts", &plan.hosts), ("users signed in there", &plan.users)] {
        if !names.is_empty() {
            text.push_str(&format!("{what} ({}): {}\n", names.len(), listed(names, NAMES_MAX)));
        }
    }
    obstacles(plan).for_each(|obstacle| text.push_str(&trouble("in the way", obstacle)));
    for blocker in &plan.blockers {
        text.push_str(&trouble(&format!("in the way on {}", blocker.provider), &blocker.problem));
    }
    text
}

/// What stands in the way and is no single provider's.
fn obstacles(plan: &PlanView) -> impl Iterator<Item = &ProblemView> {
    let of_provider = |it: &ProblemView| plan.blockers.iter().any(|blocker| blocker.problem == *it);
    plan.obstacles.iter().filter(move |it| !of_provider(it))
}

pub(crate) fn in_the_way(plan: &PlanView) -> usize {
    obstacles(plan).count() + plan.blockers.len()
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_plan_names_its_steps_and_what_stands_in_the_way() {
        insta::assert_snapshot!(show(samples::look(None), &samples::plan()));
    }

    #[test]
    fn a_plan_of_a_recreation_names_hosts_users_and_blockers_by_provider() {
        insta::assert_snapshot!(show(samples::look(None), &samples::recreation_plan()));
    }
}
