//! What rolling out is remembered by: tags, versions that go, recreations, pools, schedules.
#![allow(clippy::unwrap_used)]

use diecast_domain::{
    digest::Digest,
    host::HostKind,
    ids::{PoolId, RecreationId, ScheduleId, TemplateId},
    pool::{Follow, Placement, Pool},
    profile::{Firmware, HardwareProfile, MachineType},
    recreation::{Recreation, Stage, Terms},
    schedule::{Action, Schedule, Selection, When},
    site::SiteLink,
    template::{TemplateStatus, VersionSize},
    units::{ByteCount, Timestamp},
};
use diecast_store::{Store, TemplateRecord, VersionRecord};
use tempfile::TempDir;
use uuid::Uuid;

const TEMPLATE: TemplateId = TemplateId::from_uuid(Uuid::from_u128(2));

fn template() -> TemplateRecord {
    TemplateRecord {
        id: TEMPLATE,
        name: "win11".parse().unwrap(),
        status: TemplateStatus::Ready,
        concurrency: 8,
        limit: None,
        host_defaults: Default::default(),
        current: Some(1),
        publication: None,
        note: None,
        author: "admin".into(),
        created_at: Timestamp(8),
        maintenance: None,
        discarded: Vec::new(),
        source: None,
        numbered: 2,
        keep: 5,
    }
}

fn version(number: u32) -> VersionRecord {
    VersionRecord {
        template: TEMPLATE,
        number,
        digest: Digest::from_bytes([number as u8; 32]),
        size: VersionSize::default(),
        profile: HardwareProfile {
            vcpus: 1,
            memory: ByteCount::mib(256),
            machine: MachineType::Q35,
            firmware: Firmware::Bios,
            cpu_model: None,
            disks: Vec::new(),
            nics: Vec::new(),
            tpm: false,
            clock_localtime: false,
        },
        warnings: Vec::new(),
        note: None,
        author: "admin".into(),
        created_at: Timestamp(9),
        parent: number.checked_sub(1).filter(|parent| *parent > 0),
        new_bytes: Some(ByteCount(64 << 10)),
        trimming: None,
        tags: Default::default(),
        deleting: false,
    }
}

fn recreation(number: u128, stage: Stage, created_at: Timestamp) -> Recreation {
    Recreation {
        id: RecreationId::from_uuid(Uuid::from_u128(number)),
        template: TEMPLATE,
        version: 2,
        digest: Digest::from_bytes([2; 32]),
        terms: Terms::default(),
        stage,
        wave: 0,
        hosts: Default::default(),
        refresh: false,
        proceed: false,
        later_if_silent: false,
        chosen: false,
        cancelling: false,
        begins_at: created_at,
        author: "admin".into(),
        created_at,
        note: None,
        ended_at: None,
    }
}

async fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("diecast.db")).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_version_keeps_what_is_said_of_it_and_goes_with_its_manifest() {
    let (_folder, store) = store().await;
    let mut change = store.change().await.unwrap();
    change.put_template(&template()).await.unwrap();
    for number in 1..=2 {
        change.add_version(&version(number)).await.unwrap();
        change.put_manifest(version(number).digest, b"manifest").await.unwrap();
    }
    let mut tagged = version(1);
    tagged.tags.insert("production".parse().unwrap());
    change.put_version(&tagged).await.unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.versions().await.unwrap(), [tagged, version(2)]);
    drop(view);
    let mut change = store.change().await.unwrap();
    change.delete_version(TEMPLATE, 1).await.unwrap();
    change.sweep_manifests().await.unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.versions().await.unwrap(), [version(2)]);
    assert!(!view.has_manifest(version(1).digest).await.unwrap());
    assert!(view.has_manifest(version(2).digest).await.unwrap());
}

#[tokio::test]
async fn recreations_that_run_are_found_and_those_long_over_forgotten() {
    let (_folder, store) = store().await;
    let mut change = store.change().await.unwrap();
    let runs = recreation(1, Stage::Running, Timestamp(10));
    let over = recreation(2, Stage::Done, Timestamp(20));
    for recreation in [&runs, &over, &recreation(3, Stage::Running, Timestamp(30))] {
        change.put_recreation(recreation).await.unwrap();
    }
    let ended = recreation(3, Stage::Cancelled, Timestamp(30));
    change.put_recreation(&ended).await.unwrap();
    assert_eq!(change.recreations_running().await.unwrap(), std::slice::from_ref(&runs));
    assert_eq!(change.recreations().await.unwrap(), [ended.clone(), over, runs.clone()], "newest first");
    change.sweep_recreations(Timestamp(25)).await.unwrap();
    assert_eq!(change.recreations().await.unwrap(), [ended, runs], "one that runs is never forgotten");
}

#[tokio::test]
async fn the_limit_of_a_site_link_is_written_over_and_taken_away() {
    let (_folder, store) = store().await;
    let link = SiteLink::new("madrid", "berlin").unwrap();
    let mut change = store.change().await.unwrap();
    for limit in ["2Mbit/s", "8Mbit/s"] {
        change.put_site_link(&link, Some(&limit.parse().unwrap())).await.unwrap();
    }
    let [record] = &change.site_links().await.unwrap()[..] else { panic!("there is one") };
    assert_eq!((record.link(), record.limit.to_string()), (Some(link.clone()), "8Mbit/s".into()));
    change.put_site_link(&link, None).await.unwrap();
    assert!(change.site_links().await.unwrap().is_empty());
}

#[tokio::test]
async fn pools_and_schedules_are_written_over_and_deleted() {
    let (_folder, store) = store().await;
    let mut pool = Pool {
        id: PoolId::from_uuid(Uuid::from_u128(5)),
        name: "desks".parse().unwrap(),
        template: TEMPLATE,
        follow: Follow::Tag("production".parse().unwrap()),
        min: 1,
        max: 4,
        spare: 1,
        pattern: "desk-{nnn}".parse().unwrap(),
        kind: HostKind::Linked,
        placement: Placement::default(),
        setup: Default::default(),
        replace_elsewhere: Some(300),
        terms: Terms::default(),
        problem: None,
        deleting: false,
        delete_data: false,
        created_at: Timestamp(11),
    };
    let mut schedule = Schedule {
        id: ScheduleId::from_uuid(Uuid::from_u128(6)),
        name: "nightly".parse().unwrap(),
        action: Action::Recreate { terms: Terms::default() },
        selection: Selection::Pool(pool.id),
        when: When::Cron { expression: "0 3 * * SAT".into(), zone: "Europe/Madrid".into() },
        enabled: true,
        next_at: Some(Timestamp(99)),
        last: None,
        author: "admin".into(),
        created_at: Timestamp(12),
    };
    let mut change = store.change().await.unwrap();
    change.put_pool(&pool).await.unwrap();
    change.put_schedule(&schedule).await.unwrap();
    (pool.max, schedule.enabled) = (8, false);
    change.put_pool(&pool).await.unwrap();
    change.put_schedule(&schedule).await.unwrap();
    assert_eq!(change.pools().await.unwrap(), std::slice::from_ref(&pool));
    assert_eq!(change.schedules().await.unwrap(), std::slice::from_ref(&schedule));
    change.delete_pool(pool.id).await.unwrap();
    change.delete_schedule(schedule.id).await.unwrap();
    assert!(change.pools().await.unwrap().is_empty() && change.schedules().await.unwrap().is_empty());
}
