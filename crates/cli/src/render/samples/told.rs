//! Fixed API values of alarms and notifications.

use diecast_api::operator::{alarm::AlarmList, notification::NotificationList};
use serde_json::{from_value, json};

pub(crate) fn alarms() -> AlarmList {
    let lost = json!({
        "id": "provider-lost/1", "kind": "provider-lost", "title": "Provider lost", "severity": "critical",
        "object": "provider", "name": "kvm-b", "since": "2026-01-01T00:02:00Z", "code": "P0001",
        "cause": "kvm-b has stopped answering",
        "hint": "check that the machine runs, that diecast-agent runs on it, and that it reaches the server"
    });
    let low = json!({
        "id": "storage-low/1", "kind": "storage-low", "title": "Storage low", "severity": "warning",
        "object": "provider", "name": "kvm-a", "since": "2025-12-31T20:00:00Z", "code": "P0004",
        "cause": "kvm-a has 1.00 GiB free in `default`",
        "hint": "free some space on the provider, or remove a version nobody uses"
    });
    from_value(json!({"items": [lost, low], "next": null})).unwrap()
}

pub(crate) fn notifications() -> NotificationList {
    let terms = json!({
        "kinds": [], "severity": "warning", "group_seconds": 30, "quiet_seconds": 900, "enabled": true,
        "failing_since": null, "problem": null, "next_attempt_at": null, "last_sent_at": "2026-01-01T00:05:00Z",
        "author": "admin", "created_at": "2025-12-31T20:00:00Z"
    });
    let with = |more: serde_json::Value| {
        let mut all = terms.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let hook = with(json!({
        "name": "ops", "way": "webhook", "target": "https://hooks.example",
        "webhook": {"url": "https://hooks.example/diecast", "own_ca": false}
    }));
    let mail = with(json!({
        "name": "night", "way": "email", "target": "ops@example.org",
        "email": {"to": ["ops@example.org"], "from": "diecast@example.org", "smtp": "mail.example:587",
            "tls": "starttls", "user": "diecast", "has_password": true, "own_ca": true},
        "kinds": ["provider-lost", "last-copy-damaged"], "severity": "critical", "last_sent_at": null,
        "failing_since": "2026-01-01T00:08:00Z", "next_attempt_at": "2026-01-01T00:10:20Z",
        "problem": {"code": "N0003",
            "cause": "mail.example:587 lets `diecast` not sign in: 535 Incorrect authentication data",
            "hint": "correct them with `diecast notification set --user --password-file`"}
    }));
    let script = with(json!({
        "name": "pager", "way": "script", "target": "page-somebody", "script": {"name": "page-somebody"},
        "enabled": false
    }));
    from_value(json!({"items": [hook, mail, script], "next": null})).unwrap()
}
