//! A notification as it is shown: without its secrets.

use super::Kept;
use crate::notify;
use diecast_api::{
    operator::notification::{EmailView, NotificationView, ScriptView, WebhookView},
    time::rfc3339,
};
use diecast_domain::notification::Way;

/// As anybody may see it, also whoever is handed an archive of all lists.
pub(super) fn row(kept: &Kept) -> NotificationView {
    view(kept, false)
}

/// `whole`: with the whole address of a webhook, which is often a secret itself.
pub(super) fn view((it, state): &Kept, whole: bool) -> NotificationView {
    let (mut webhook, mut email, mut script) = (None, None, None);
    match &it.way {
        Way::Webhook { url, ca, .. } => {
            let shown = if whole { url.clone() } else { notify::place(url) };
            webhook = Some(WebhookView { url: shown, own_ca: ca.is_some() });
        }
        Way::Email { to, from, host, port, tls, user, password, ca } => {
            email = Some(EmailView {
                to: to.clone(),
                from: from.clone(),
                smtp: format!("{host}:{port}"),
                tls: tls.as_str().to_owned(),
                user: user.clone(),
                has_password: password.is_some(),
                own_ca: ca.is_some(),
            });
        }
        Way::Script { name } => script = Some(ScriptView { name: name.clone() }),
    }
    let target = match &it.way {
        Way::Webhook { url, .. } => notify::place(url),
        Way::Email { to, .. } => to.join(", "),
        Way::Script { name } => name.clone(),
    };
    let sending = &state.sending;
    NotificationView {
        name: it.name.to_string(),
        way: it.way.as_str().to_owned(),
        target,
        webhook,
        email,
        script,
        kinds: it.terms.kinds.iter().map(ToString::to_string).collect(),
        severity: it.terms.severity.as_str().to_owned(),
        group_seconds: it.terms.group_seconds,
        quiet_seconds: it.terms.quiet_seconds,
        enabled: it.terms.enabled,
        last_sent_at: sending.last_sent_at.map(rfc3339),
        failing_since: sending.failing_since.map(rfc3339),
        problem: sending.problem.as_ref().map(Into::into),
        next_attempt_at: sending.next_attempt_at.map(rfc3339),
        secret: None,
        author: it.author.clone(),
        created_at: rfc3339(it.created_at),
    }
}
