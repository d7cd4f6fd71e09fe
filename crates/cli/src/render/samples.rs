//! Fixed API values that the snapshots are made from.

mod rolling;
mod told;

pub(crate) use rolling::*;
pub(crate) use told::*;

use super::Look;
use diecast_api::operator::{
    ProblemView,
    audit::AuditList,
    distribution::{DistributionRow, DistributionSummary, DistributionView, SavedView, SourceView},
    event::EventList,
    host::HostView,
    operation::OperationView,
    provider::ProviderView,
    site::SiteList,
    template::{PlanView, TemplateView, VersionList},
    token::TokenList,
    vm::VmList,
};
use serde_json::{from_value, json};

const DIGEST: &str = "blake3:3f9a0c21b7de4455aa00112233445566778899aabbccddeeff00112233445566";
const UUID: &str = "0190a5b2-0000-7000-8000-000000000001";

pub(crate) fn look(width: Option<u16>) -> Look {
    Look { width, colour: false, now: "2026-01-01T00:10:00Z".parse().unwrap() }
}

fn problem(code: &str, cause: &str, hint: &str) -> ProblemView {
    ProblemView { code: code.into(), cause: cause.into(), hint: hint.into() }
}

pub(crate) fn row(provider: &str, state: &str, progress: &str, phase: &str, percent: f64) -> DistributionRow {
    let total: u64 = 2_576_980_377;
    DistributionRow {
        provider: provider.into(),
        state: state.into(),
        progress: progress.into(),
        phase: Some(phase.into()),
        percent,
        bytes_done: (total as f64 * percent / 100.0) as u64,
        bytes_total: total,
        bytes_network: (total as f64 * percent / 200.0) as u64,
        saved: None,
        bytes_per_second: 0,
        seconds_left: None,
        limited: None,
        sources: Vec::new(),
        damaged: Vec::new(),
        version: None,
        verified_at: None,
        since: "2026-01-01T00:06:55Z".into(),
        attempts: 1,
        next_attempt_at: None,
        code: None,
        cause: None,
        hint: None,
    }
}

fn source(provider: &str, bytes: u64, bytes_per_second: u64) -> SourceView {
    SourceView { provider: provider.into(), bytes, bytes_per_second }
}

pub(crate) fn distribution() -> DistributionView {
    let ready = row("kvm-a", "Ready", "OK", "ready", 100.0);
    let mut moving = row("kvm-b", "Needs update", "Distributing", "transferring", 41.7);
    (moving.bytes_per_second, moving.seconds_left) = (117_440_512, Some(12));
    moving.sources = vec![source("kvm-a", 429_496_730, 92_274_688), source("kvm-e", 107_840_000, 25_165_824)];
    moving.saved = Some(SavedView {
        holes: 18_897_856_102,
        there: 322_122_547,
        compression: 214_748_364,
        differences: 85_983_232,
    });
    let mut full = row("kvm-c", "Needs update", "Failed to distribute", "failed", 60.2);
    (full.attempts, full.next_attempt_at) = (2, Some("2026-01-01T00:10:40Z".into()));
    full.code = Some("T0003".into());
    full.cause = Some("the disk of kvm-c is full: 12.0 MiB free, 1.02 GiB more needed".into());
    full.hint = Some("free space on the provider; the transfer goes on from where it stopped".into());
    let mut silent = row("kvm-d", "Not available", "Failed to distribute", "", 0.0);
    (silent.phase, silent.bytes_total) = (None, 0);
    silent.code = Some("P0001".into());
    silent.cause = Some("kvm-d has stopped answering".into());
    silent.hint = Some("check that the machine runs".into());
    DistributionView {
        template: "win11".into(),
        version: Some(2),
        digest: Some(DIGEST.into()),
        distribution: "Distributing".into(),
        summary: summary("Distributing", "Distributing (2 failed, 1 of 4 ready)", 4, 1, 2),
        verified_at: None,
        providers: vec![ready, moving, full, silent],
    }
}

fn summary(word: &str, text: &str, total: u32, ready: u32, failed: u32) -> DistributionSummary {
    DistributionSummary {
        word: word.into(),
        text: text.into(),
        total,
        ready,
        failed,
        not_available: 0,
        removal_pending: 0,
    }
}

pub(crate) fn settled() -> DistributionView {
    let ready = |name| row(name, "Ready", "OK", "ready", 100.0);
    DistributionView {
        distribution: "OK".into(),
        summary: summary("OK", "OK", 2, 2, 0),
        providers: vec![ready("kvm-a"), ready("kvm-b")],
        ..distribution()
    }
}

pub(crate) fn failed() -> DistributionView {
    DistributionView {
        distribution: "Failed to distribute".into(),
        summary: summary("Failed to distribute", "Failed to distribute (1 failed, 0 of 1 ready)", 1, 0, 1),
        providers: vec![distribution().providers[2].clone()],
        ..distribution()
    }
}

pub(crate) fn provider() -> ProviderView {
    from_value(json!({
        "id": UUID, "name": "kvm-a", "kind": "libvirt", "uri": "qemu:///system", "storage": "default",
        "networks": {"corp": "br20"}, "site": "berlin", "labels": {"tier": "prod"},
        "state": "Available", "since": "2026-01-01T00:00:00Z", "problem": null, "agent_version": "0.1.0",
        "addresses": ["10.0.0.1:7444"], "templates": 2, "hosts": 10,
        "certificate_expires_at": "2026-04-01T00:00:00Z", "unassigned": [],
        "facts": {
            "hypervisor": "QEMU 7.2.22, libvirt 9.0.0", "cpu_model": "EPYC", "cpu_count": 64,
            "memory_bytes": 274_877_906_944_u64, "hardware_acceleration": true, "firmware": ["bios", "uefi"],
            "storages": [{"name": "default", "path": "/var/lib/libvirt/images", "active": true,
                "capacity_bytes": 1_099_511_627_776_u64, "free_bytes": 549_755_813_888_u64}],
            "networks": [{"name": "br20", "kind": "bridge", "active": true},
                {"name": "default", "kind": "network", "active": false}]
        }
    }))
    .unwrap()
}

pub(crate) fn silent_provider() -> ProviderView {
    ProviderView {
        name: "kvm-b".into(),
        state: "Not available".into(),
        problem: Some(problem("P0001", "kvm-b has stopped answering", "check that the machine runs")),
        facts: None,
        site: None,
        ..provider()
    }
}

pub(crate) fn vms() -> VmList {
    from_value(json!({"next": null, "items": [
        {"name": "golden", "uuid": UUID, "power": "Off", "vcpus": 2, "memory_bytes": 4_294_967_296_u64,
         "disks": [{"target": "vda", "path": "/img/golden.qcow2", "format": "qcow2"}], "managed": false,
         "obstacle": null},
        {"name": "db", "uuid": UUID, "power": "Running", "vcpus": 8, "memory_bytes": 34_359_738_368_u64,
         "disks": [], "managed": false,
         "obstacle": {"code": "V0001", "cause": "`db` is running", "hint": "shut it down, then try again"}}
    ]}))
    .unwrap()
}

pub(crate) fn template() -> TemplateView {
    from_value(json!({
        "id": UUID, "name": "win11", "status": "Ready", "maintenance": null, "keep": 5, "outdated": 4, "problem": null, "version": 2, "digest": DIGEST,
        "distribution": distribution().summary, "concurrency": 4, "hosts": 10,
        "created_at": "2025-12-31T00:00:00Z",
        "size": {"virtual_bytes": 68_719_476_736_u64, "data_bytes": 9_771_050_598_u64, "packed_bytes": 4_509_715_660_u64},
        "hardware": {"vcpus": 2, "memory_bytes": 4_294_967_296_u64, "machine": "q35", "firmware": "uefi",
            "disks": ["virtio 64.0 GiB"], "nics": ["virtio on corp"]},
        "host_defaults": {"kind": "full", "name": "desk-{nnn}", "setup": {"ready_when": "address"}},
        "publication": null, "warnings": ["the machine-id is filled: hosts will share it"]
    }))
    .unwrap()
}

pub(crate) fn failed_template() -> TemplateView {
    TemplateView {
        name: "deb12".into(),
        status: "Failed".into(),
        version: None,
        digest: None,
        size: None,
        hardware: None,
        warnings: vec![],
        publication: from_value(json!({
            "provider": "kvm-a", "source": "VM `golden`", "phase": "failed", "percent": 0.0,
            "bytes_done": 0, "bytes_total": 0, "attempts": 3, "next_attempt_at": "2026-01-01T00:11:20Z",
            "code": "V0001", "cause": "`golden` is running", "hint": "shut it down, then try again"
        }))
        .unwrap(),
        ..template()
    }
}

pub(crate) fn versions() -> VersionList {
    let size = template().size;
    from_value(json!({"next": null, "items": [
        {"number": 2, "digest": DIGEST, "current": true, "note": "January patches", "author": "admin",
         "created_at": "2026-01-01T00:00:00Z", "size": size, "held_by": ["kvm-a"], "tags": ["pre-production"],
         "parent": 1, "new_bytes": 100_663_296_u64, "new_percent": 1.03, "hosts": 0, "status": "current",
         "kept_because": ["current", "tagged"]},
        {"number": 1, "digest": DIGEST.replace("3f", "00"), "current": false, "note": null, "author": "admin",
         "created_at": "2025-12-31T00:00:00Z", "size": size,
         "held_by": ["kvm-a", "kvm-b", "kvm-c", "kvm-d", "kvm-e"], "tags": ["production"], "parent": null,
         "new_bytes": null, "new_percent": null, "hosts": 10, "status": "held",
         "kept_because": ["tagged", "10 hosts", "one of the 5 newest"]}
    ]}))
    .unwrap()
}

pub(crate) fn host() -> HostView {
    from_value(json!({
        "id": UUID, "name": "desk-001", "template": "win11", "provider": "kvm-a", "kind": "linked",
        "version": 1, "outdated": true, "in_use": "yes", "users": ["anna"], "pool": "desks", "incarnation": 2,
        "setup": {"preparation": "cloud-init", "data_disk_bytes": 21_474_836_480_u64, "ready_when": "guest-agent"},
        "status": "Ready", "power": "Running",
        "addresses": ["10.0.20.11", "fe80::1"], "macs": ["52:54:00:00:00:01"], "guest_agent": true,
        "guest_name": "desk-001", "created_at": "2026-01-01T00:00:00Z", "attempts": 1,
        "next_attempt_at": null, "problem": null
    }))
    .unwrap()
}

pub(crate) fn failed_host() -> HostView {
    HostView {
        name: "desk-002".into(),
        status: "Failed to create".into(),
        power: None,
        addresses: vec![],
        guest_agent: false,
        outdated: false,
        in_use: "no".into(),
        users: vec![],
        pool: None,
        incarnation: 1,
        problem: Some(problem("H0001", "the overlay of desk-002 could not be made", "read the cause")),
        ..host()
    }
}

pub(crate) fn check() -> OperationView {
    from_value(json!({
        "id": UUID, "kind": "check", "provider": "kvm-a", "object": null, "state": "failed",
        "created_at": "2026-01-01T00:00:00Z",
        "lines": [
            {"name": "libvirt", "ok": true, "detail": "QEMU 7.2.22, libvirt 9.0.0", "hint": null},
            {"name": "overlay", "ok": false, "detail": "QEMU's user cannot read /srv/pool",
             "hint": "chmod o+x /srv"}
        ],
        "problem": {"code": "P0014", "cause": "QEMU's user cannot read the storage of kvm-a",
            "hint": "give the storage directory search permission for everyone (`chmod o+x`)"}
    }))
    .unwrap()
}

pub(crate) fn plan() -> PlanView {
    PlanView {
        steps: vec!["publish VM `golden` on kvm-a as version 1".into(), "send 4.20 GiB to kvm-b".into()],
        obstacles: vec![problem("P0004", "kvm-b has 1.00 GiB free, 9.10 GiB needed", "free some space")],
        blockers: vec![],
        bytes_network: None,
        bytes_each: None,
        hosts: vec![],
        users: vec![],
    }
}

pub(crate) fn events() -> EventList {
    from_value(json!({"next": null, "items": [
        {"id": 1, "at": "2026-01-01T00:00:00Z", "kind": "template.created", "object": "template",
         "name": "win11", "actor": "admin", "message": "`win11` is being made from VM `golden`", "code": null},
        {"id": 2, "at": "2026-01-01T00:01:00Z", "kind": "replica.failed", "object": "template",
         "name": "win11", "actor": "diecast", "message": "the disk of kvm-c is full", "code": "T0003"}
    ]}))
    .unwrap()
}

pub(crate) fn tokens() -> TokenList {
    from_value(json!({"items": [
        {"name": "ci", "role": "administrator", "author": "admin", "created_at": "2025-12-01T00:00:00Z",
            "expires_at": "2026-03-01T00:00:00Z", "expired": false,
            "last_used_at": "2026-01-01T00:00:00Z", "last_used_from": "10.0.0.7"},
        {"name": "grafana", "role": "viewer", "author": "admin", "created_at": "2025-12-01T00:00:00Z",
            "expires_at": null, "expired": false, "last_used_at": null, "last_used_from": null},
        {"name": "old", "role": "viewer", "author": "token:ci", "created_at": "2025-10-01T00:00:00Z",
            "expires_at": "2025-12-30T00:00:00Z", "expired": true,
            "last_used_at": "2025-12-29T00:00:00Z", "last_used_from": "fd00::7"},
    ], "next": null}))
    .unwrap()
}

pub(crate) fn audit() -> AuditList {
    let entry = |id: i64, action: &str, object: &str, name: &str, message: &str| {
        json!({"id": id, "at": "2026-01-01T00:00:00Z", "who": "admin", "from": "10.0.0.7", "request": UUID,
            "call": "PATCH /api/v1/providers/kvm-a", "action": action, "object": object, "name": name,
            "message": message, "before": null, "after": null, "refused": null})
    };
    let mut changed = entry(3, "provider.changed", "provider", "kvm-a", "provider kvm-a was changed");
    changed["before"] = json!({"name": "kvm-a", "site": null, "settings": {"storage": "default"}});
    changed["after"] = json!({"name": "kvm-a", "site": "berlin", "settings": {"storage": "fast"}});
    let mut made = entry(2, "host.created", "host", "desk-001", "host `desk-001` is to be made on kvm-a");
    made["after"] = json!({"name": "desk-001"});
    let mut refused = entry(1, "server.refused", "server", "", "the user name or the password is wrong");
    (refused["refused"], refused["who"]) = (json!("A0008"), json!("(unknown)"));
    from_value(json!({"items": [changed, made, refused], "next": null})).unwrap()
}

pub(crate) fn sites() -> SiteList {
    let link = |site: &str, other: &str, rates: (u64, u64)| {
        json!({
            "site": site, "other": other, "limit": "2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s",
            "limited": {
                "text": "limited to 2 Mbit/s by site link berlin-madrid until 18:00 Europe/Madrid",
                "bytes_per_second": 250_000, "by": "site link berlin-madrid", "until": "2026-01-01T17:00:00Z"
            },
            "receiving_bytes_per_second": rates.0, "sending_bytes_per_second": rates.1
        })
    };
    let free = json!({
        "site": "berlin", "other": "rome", "limit": null, "limited": null,
        "receiving_bytes_per_second": 0, "sending_bytes_per_second": 9_000_000
    });
    let back = json!({
        "site": "rome", "other": "berlin", "limit": null, "limited": null,
        "receiving_bytes_per_second": 9_000_000, "sending_bytes_per_second": 0
    });
    from_value(json!({"items": [
        {"name": "berlin", "providers": ["kvm-a", "kvm-b"], "links": [link("berlin", "madrid", (0, 240_000)), free]},
        {"name": "madrid", "providers": ["kvm-c"], "links": [link("madrid", "berlin", (240_000, 0))]},
        {"name": "rome", "providers": ["kvm-d"], "links": [back]}
    ], "next": null}))
    .unwrap()
}
