//! Alarms: what is not well now, since when, and what to do.

use super::{Look, sheet, time, trouble};
use diecast_api::operator::{
    ProblemView,
    alarm::{AlarmList, AlarmView},
};

pub(crate) fn list(look: Look, list: &AlarmList) -> String {
    let row = |it: &AlarmView| {
        vec![
            it.severity.clone(),
            it.title.clone(),
            it.name.clone(),
            time::ago(look.now, &it.since),
            it.code.clone(),
        ]
    };
    let header = ["SEVERITY", "ALARM", "NAME", "SINCE", "CODE"];
    let mut text = sheet::table(look, &header, list.items.iter().map(row).collect());
    for it in &list.items {
        let AlarmView { code, cause, hint, .. } = it;
        let problem = ProblemView { code: code.clone(), cause: cause.clone(), hint: hint.clone() };
        text.push('\n');
        text.push_str(&trouble(&it.name, &problem));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn alarms_say_since_when_why_and_what_to_do() {
        insta::assert_snapshot!(list(samples::look(None), &samples::alarms()));
    }
}
