//! Notifications: whom they tell, of what, and how the sending stands.

use super::{Look, NOTHING, sheet, time, trouble, yes_no};
use diecast_api::operator::notification::{NotificationList, NotificationTest, NotificationView};

pub(crate) fn list(look: Look, list: &NotificationList) -> String {
    let row = |it: &NotificationView| {
        vec![it.name.clone(), it.way.clone(), it.target.clone(), of_what(it), sending(look, it)]
    };
    let header = ["NAME", "WAY", "TELLS", "OF", "SENDING"];
    let mut text = sheet::table(look, &header, list.items.iter().map(row).collect());
    for it in &list.items {
        if let Some(problem) = &it.problem {
            text.push('\n');
            text.push_str(&trouble(&it.name, problem));
        }
    }
    text
}

/// `critical: provider-lost, storage-low`
fn of_what(it: &NotificationView) -> String {
    let kinds = if it.kinds.is_empty() { "all".to_owned() } else { it.kinds.join(", ") };
    if it.severity == "warning" { kinds } else { format!("{}: {kinds}", it.severity) }
}

fn sending(look: Look, it: &NotificationView) -> String {
    if !it.enabled {
        return "rests".to_owned();
    }
    if let Some(since) = &it.failing_since {
        let again = it.next_attempt_at.as_deref().map(|at| format!(", again {}", time::until(look.now, at)));
        return format!("FAILING for {}{}", time::lasting(look.now, since), again.unwrap_or_default());
    }
    let sent = it.last_sent_at.as_deref().map(|at| format!("last {}", time::ago(look.now, at)));
    sent.unwrap_or_else(|| NOTHING.to_owned())
}

pub(crate) fn show(look: Look, it: &NotificationView) -> String {
    let mut pairs = vec![("Name", it.name.clone()), ("Way", it.way.clone())];
    let own_ca = |own: bool| if own { "an authority of its own" } else { "" }.to_owned();
    if let Some(webhook) = &it.webhook {
        pairs.extend([("Address", webhook.url.clone()), ("Trusts", own_ca(webhook.own_ca))]);
    }
    if let Some(email) = &it.email {
        pairs.extend([
            ("To", email.to.join(", ")),
            ("From", email.from.clone()),
            ("Mail server", format!("{} ({})", email.smtp, email.tls)),
            ("User", email.user.clone().unwrap_or_default()),
            ("Trusts", own_ca(email.own_ca)),
        ]);
    }
    if let Some(script) = &it.script {
        pairs.push(("Script", script.name.clone()));
    }
    pairs.extend([
        ("Of", of_what(it)),
        ("Together within", time::span(it.group_seconds.into())),
        ("Quiet for", time::span(it.quiet_seconds.into())),
        ("Enabled", yes_no(it.enabled)),
        ("Sending", sending(look, it)),
        ("Author", it.author.clone()),
    ]);
    let mut text = sheet::details(look, &pairs);
    if let Some(problem) = &it.problem {
        text.push('\n');
        text.push_str(&trouble(&it.name, problem));
    }
    text
}

pub(crate) fn tested(_: Look, name: &str, tested: &NotificationTest) -> String {
    match &tested.problem {
        None => format!("taken: {}\n", tested.detail),
        Some(problem) => trouble(name, problem),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn notifications_say_whom_they_tell_and_how_the_sending_stands() {
        insta::assert_snapshot!(list(samples::look(None), &samples::notifications()));
    }

    #[test]
    fn one_notification_shows_no_secret() {
        insta::assert_snapshot!(show(samples::look(None), &samples::notifications().items[1]));
    }

    #[test]
    fn a_test_says_what_came_of_it() {
        let problem = samples::notifications().items[1].problem.clone();
        let failed = NotificationTest { delivered: false, detail: String::new(), problem };
        let taken = NotificationTest { delivered: true, detail: "250 OK".into(), problem: None };
        let text = [&taken, &failed].map(|it| tested(samples::look(None), "night", it)).concat();
        insta::assert_snapshot!(text);
    }
}
