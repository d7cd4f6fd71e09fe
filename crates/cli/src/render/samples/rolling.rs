//! Fixed API values of maintenance, recreations, pools and schedules.

use super::{UUID, problem};
use diecast_api::operator::{
    maintenance::MaintenanceView,
    pool::PoolView,
    recreation::{RecreationHostView, RecreationView},
    schedule::ScheduleList,
    template::{BlockerView, PlanView, TemplateView},
};
use serde_json::{from_value, json};

pub(crate) fn maintenance() -> MaintenanceView {
    from_value(json!({
        "id": UUID, "template": "win11", "status": "Maintenance", "provider": "kvm-a", "base": 2,
        "author": "admin", "since": "2026-01-01T00:02:00Z", "power": "Running", "addresses": ["10.0.20.99"],
        "guest_agent": true, "console": true, "attempts": 1, "next_attempt_at": null, "problem": null
    }))
    .unwrap()
}

pub(crate) fn broken_maintenance() -> MaintenanceView {
    MaintenanceView {
        power: None,
        addresses: vec![],
        guest_agent: false,
        console: false,
        problem: Some(problem(
            "M0004",
            "somebody has removed the working copy's machine from kvm-a",
            "define and start it again with `diecast maintenance start`",
        )),
        ..maintenance()
    }
}

/// A template in maintenance, or on its way into or out of it.
pub(crate) fn in_maintenance(status: &str) -> TemplateView {
    let maintenance = MaintenanceView { status: status.into(), ..maintenance() };
    TemplateView {
        status: status.into(),
        maintenance: Some(maintenance),
        warnings: vec![],
        ..super::template()
    }
}

/// A template that is being left, with how far its publication is.
pub(crate) fn leaving(phase: &str, percent: f64) -> TemplateView {
    TemplateView {
        publication: from_value(json!({
            "provider": "kvm-a", "source": "working copy of v2", "phase": phase, "percent": percent,
            "bytes_done": (percent * 1e6) as u64, "bytes_total": 100_000_000, "attempts": 1,
            "next_attempt_at": null, "code": null, "cause": null, "hint": null
        }))
        .unwrap(),
        ..in_maintenance("Leaving maintenance")
    }
}

fn host(
    name: &str,
    provider: &str,
    state: &str,
    wave: Option<u32>,
    note: Option<&str>,
) -> RecreationHostView {
    RecreationHostView {
        host: name.into(),
        provider: provider.into(),
        state: state.into(),
        wave,
        note: note.map(str::to_owned),
    }
}

/// In its second wave, with a provider that does not answer.
pub(crate) fn recreation() -> RecreationView {
    let mut view: RecreationView = from_value(json!({
        "id": UUID, "template": "win11", "version": 2, "stage": "Running", "wave": 2, "waves": 4,
        "begins_at": "2026-01-01T00:05:00Z", "deadline": "2026-01-01T22:00:00Z", "author": "admin",
        "created_at": "2026-01-01T00:04:00Z", "ended_at": null, "note": null,
        "total": 6, "passed": 1, "running": 2, "waiting": 2, "failed": 1, "rolled_back": 0,
        "silent": [], "hosts": []
    }))
    .unwrap();
    view.hosts = vec![
        host("desk-001", "kvm-a", "passed", Some(1), None),
        host("desk-002", "kvm-a", "begun", Some(2), Some("its guest agent has not answered yet")),
        host("desk-003", "kvm-a", "healthy", Some(2), None),
        host("desk-004", "kvm-a", "waiting", None, Some("in use by anna")),
        host("desk-005", "kvm-b", "waiting", None, Some("kvm-b does not answer")),
        host("desk-006", "kvm-a", "failed", Some(2), Some("H0001 the overlay could not be made")),
    ];
    view
}

/// Two providers are silent, and nobody has decided.
pub(crate) fn waiting_recreation() -> RecreationView {
    let silent = |name: &str, since: &str, hosts: u32| {
        json!({"provider": name, "since": since, "hosts": hosts, "problem": {"code": "P0001",
            "cause": format!("{name} has stopped answering"), "hint": "check that the machine runs"}})
    };
    let silent =
        json!([silent("kvm-b", "2025-12-31T22:10:00Z", 1), silent("kvm-c", "2026-01-01T00:07:00Z", 4)]);
    RecreationView {
        stage: "Awaiting decision".into(),
        wave: 0,
        note: Some("2 providers do not answer".into()),
        deadline: None,
        passed: 0,
        running: 0,
        waiting: 6,
        failed: 0,
        silent: from_value(silent).unwrap(),
        hosts: vec![],
        ..recreation()
    }
}

pub(crate) fn stopped_recreation() -> RecreationView {
    RecreationView {
        stage: "Stopped".into(),
        note: Some("2 of 3 hosts of wave 2 failed, 0 are borne: the wave is rolled back".into()),
        ended_at: Some("2026-01-01T00:09:00Z".into()),
        running: 0,
        waiting: 2,
        failed: 0,
        rolled_back: 3,
        hosts: vec![
            host("desk-001", "kvm-a", "passed", Some(1), None),
            host("desk-002", "kvm-a", "rolled back", Some(2), None),
        ],
        ..recreation()
    }
}

pub(crate) fn done_recreation() -> RecreationView {
    RecreationView {
        stage: "Done".into(),
        wave: 4,
        ended_at: Some("2026-01-01T00:20:00Z".into()),
        passed: 6,
        running: 0,
        waiting: 0,
        failed: 0,
        hosts: vec![],
        ..recreation()
    }
}

pub(crate) fn recreation_plan() -> PlanView {
    let silent = problem("P0001", "kvm-b has stopped answering", "check that the machine runs");
    PlanView {
        steps: vec!["recreate 25 hosts of win11 on v2 in 4 waves".into()],
        obstacles: vec![silent.clone()],
        blockers: vec![BlockerView { provider: "kvm-b".into(), problem: silent }],
        bytes_network: Some(100_663_296),
        bytes_each: None,
        hosts: (1..=25).map(|n| format!("desk-{n:03}")).collect(),
        users: vec!["anna on desk-004".into()],
    }
}

pub(crate) fn pool() -> PoolView {
    from_value(json!({
        "id": UUID, "name": "desks", "template": "win11", "pattern": "desk-{nnn}", "follows": "newest",
        "version": 2, "min": 20, "max": 20, "spare": 0, "kind": "linked", "placement": "spread", "weights": {},
        "cap": null, "providers": [], "replace_elsewhere_seconds": null,
        "setup": {"preparation": "cloud-init", "ready_when": "guest-agent"},
        "terms": {"waves": "1,10%,50%,100%", "health_seconds": 600},
        "status": "OK", "wanted": 20, "hosts": 20, "ready": 19, "in_use": 12, "outdated": 4,
        "spread": {"kvm-a": 10, "kvm-b": 10}, "problem": null, "created_at": "2025-12-31T00:00:00Z"
    }))
    .unwrap()
}

/// Larger than its providers together.
pub(crate) fn short_pool() -> PoolView {
    PoolView {
        name: "flex".into(),
        pattern: "flex-{nnn}".into(),
        follows: "production".into(),
        version: Some(1),
        min: 10,
        max: 60,
        spare: 5,
        placement: "weights".into(),
        weights: [("kvm-a".into(), 3), ("kvm-b".into(), 1)].into(),
        cap: Some(4),
        providers: vec!["kvm-a".into(), "kvm-b".into()],
        replace_elsewhere_seconds: Some(300),
        status: "Cannot fill".into(),
        wanted: 17,
        hosts: 8,
        ready: 8,
        in_use: 8,
        outdated: 0,
        spread: [("kvm-a".into(), 4), ("kvm-b".into(), 4)].into(),
        problem: Some(problem(
            "H0006",
            "kvm-a and kvm-b have 4 hosts each, and no more may be there",
            "raise --cap",
        )),
        ..pool()
    }
}

pub(crate) fn schedules() -> ScheduleList {
    from_value(json!({"next": null, "items": [
        {"id": UUID, "name": "patch-night", "action": "recreate", "selection": "template `win11`",
         "when": "0 3 * * SAT Europe/Madrid", "enabled": true, "next_at": "2026-01-03T02:00:00Z",
         "last_at": "2025-12-27T02:00:00Z", "last_outcome": "3 hosts are recreated", "last_ok": true,
         "author": "admin"},
        {"id": UUID, "name": "once", "action": "stop", "selection": "2 hosts", "when": "2025-12-31T22:00:00Z",
         "enabled": false, "next_at": null, "last_at": "2025-12-31T22:00:05Z",
         "last_outcome": "passed over: the server was down", "last_ok": false, "author": "bert"}
    ]}))
    .unwrap()
}
