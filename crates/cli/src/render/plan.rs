//! What would be done: the text of every dry run.

use super::{Look, trouble};
use diecast_api::operator::template::PlanView;

pub(crate) fn show(_: Look, plan: &PlanView) -> String {
    let mut text: String = plan.steps.iter().map(|step| format!("{step}\n")).collect();
    if plan.steps.is_empty() {
        text.push_str("nothing to do\n");
    }
    for obstacle in &plan.obstacles {
        text.push_str(&trouble("in the way", obstacle));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_plan_names_its_steps_and_what_stands_in_the_way() {
        insta::assert_snapshot!(show(samples::look(None), &samples::plan()));
    }
}
