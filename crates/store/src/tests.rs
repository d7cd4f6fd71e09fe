//! What the store promises, told as stories.

use super::*;
use diecast_domain::{
    assignment::Orders,
    code::Code,
    digest::Digest,
    distribution::Member,
    host::{Host, HostKind, MacAddress},
    ids::{HostId, ProviderId, TemplateId},
    profile::{Firmware, HardwareProfile, MachineType},
    provider::{ProviderKind, ProviderSettings, ProviderState},
    template::{TemplateStatus, VersionSize},
    units::{ByteCount, Timestamp},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use uuid::Uuid;

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = TempDir::new().unwrap();
    Place { path: folder.path().join("diecast.db"), _folder: folder }
}

async fn open(place: &Place) -> Store {
    Store::open(&place.path).await.unwrap()
}

fn provider(number: u128, name: &str) -> ProviderRecord {
    ProviderRecord {
        id: ProviderId::from_uuid(Uuid::from_u128(number)),
        name: name.parse().unwrap(),
        kind: ProviderKind::Libvirt,
        settings: ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: [("corp".into(), "br20".into())].into(),
        },
        site: Some("cupboard".into()),
        labels: [("rack".into(), "1".into())].into(),
        created_at: Timestamp(7),
        scrub: Default::default(),
        limit: None,
    }
}

fn template(number: u128, name: &str) -> TemplateRecord {
    TemplateRecord {
        maintenance: None,
        discarded: Vec::new(),
        keep: 0,
        source: None,
        numbered: 0,
        id: TemplateId::from_uuid(Uuid::from_u128(number)),
        name: name.parse().unwrap(),
        status: TemplateStatus::Creating,
        concurrency: 8,
        limit: None,
        host_defaults: Default::default(),
        current: None,
        publication: None,
        note: None,
        author: "admin".into(),
        created_at: Timestamp(8),
    }
}

fn version(template: TemplateId, number: u32) -> VersionRecord {
    VersionRecord {
        parent: None,
        new_bytes: None,
        trimming: None,
        tags: Default::default(),
        deleting: false,
        template,
        number,
        digest: Digest::from_bytes([number as u8; 32]),
        size: VersionSize::default(),
        profile: HardwareProfile {
            vcpus: 2,
            memory: ByteCount::gib(4),
            machine: MachineType::Q35,
            firmware: Firmware::Uefi { secure_boot: true },
            cpu_model: None,
            disks: Vec::new(),
            nics: Vec::new(),
            tpm: true,
            clock_localtime: true,
        },
        warnings: vec!["machine-id".into()],
        note: Some("first".into()),
        author: "admin".into(),
        created_at: Timestamp(9),
    }
}

fn host(template: TemplateId, provider: ProviderId) -> Host {
    Host {
        id: HostId::from_uuid(Uuid::from_u128(50)),
        name: "desk-1".parse().unwrap(),
        provider,
        template,
        version: 1,
        digest: Digest::from_bytes([1; 32]),
        kind: HostKind::Linked,
        macs: vec![MacAddress::from_draw([1, 2, 3])],
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        made: false,
        deleting: false,
        delete_data: false,
        created_at: Timestamp(10),
        setup: Default::default(),
        pool: None,
        incarnation: 1,
        restores: None,
        previous: None,
    }
}

#[tokio::test]
async fn what_was_committed_is_read_back_after_a_restart() {
    let place = place();
    let (kvm, win) = (provider(1, "kvm-a"), template(2, "win11"));
    let (first, desk) = (version(win.id, 1), host(win.id, kvm.id));
    let contact = Contact {
        provider: kvm.id,
        state: ProviderState::Available,
        since: Timestamp(3),
        certificates: vec!["abc".into()],
        certificate_expires_at: Some(Timestamp(99)),
    };
    let member = Member::new(true, Timestamp(4));
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    change.put_provider(&kvm).await.unwrap();
    change.put_contact(&contact).await.unwrap();
    change.put_template(&win).await.unwrap();
    change.add_version(&first).await.unwrap();
    change.put_member(win.id, kvm.id, &member).await.unwrap();
    change.add_host(&desk).await.unwrap();
    change.put_manifest(first.digest, &[5; 40]).await.unwrap();
    change.put_setting("colour", "blue").await.unwrap();
    change.commit().await.unwrap();
    store.close().await;
    drop(store);

    let store = open(&place).await;
    let mut view = store.view().await.unwrap();
    assert_eq!(view.providers().await.unwrap(), std::slice::from_ref(&kvm));
    assert_eq!(view.provider_named("kvm-a").await.unwrap(), Some(kvm.clone()));
    assert_eq!(view.contacts().await.unwrap(), [contact]);
    assert_eq!(view.templates().await.unwrap(), std::slice::from_ref(&win));
    assert_eq!(view.versions().await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(view.members().await.unwrap(), [(win.id, kvm.id, member)]);
    assert_eq!(view.hosts().await.unwrap(), std::slice::from_ref(&desk));
    assert!(view.is_mac_taken(desk.macs[0]).await.unwrap());
    assert_eq!(view.manifest(first.digest).await.unwrap(), Some(vec![5; 40]));
    assert_eq!(view.setting("colour").await.unwrap().as_deref(), Some("blue"));
}

#[tokio::test]
async fn a_change_that_is_not_committed_never_was_and_nobody_saw_it() {
    let place = place();
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    change.put_provider(&provider(1, "kvm-a")).await.unwrap();
    assert_eq!(change.providers().await.unwrap().len(), 1, "it sees itself");
    assert!(store.view().await.unwrap().providers().await.unwrap().is_empty());
    drop(change);
    assert!(store.view().await.unwrap().providers().await.unwrap().is_empty());
    let mut change = store.change().await.unwrap();
    change.put_provider(&provider(1, "kvm-a")).await.unwrap();
    let mut before = store.view().await.unwrap();
    assert!(before.providers().await.unwrap().is_empty());
    change.commit().await.unwrap();
    assert!(before.providers().await.unwrap().is_empty(), "a view sees one moment");
    assert_eq!(store.view().await.unwrap().providers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_of_one_name_are_refused() {
    let place = place();
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    change.put_provider(&provider(1, "kvm-a")).await.unwrap();
    assert!(change.put_provider(&provider(2, "kvm-a")).await.is_err());
}

#[tokio::test]
async fn what_belongs_to_a_provider_goes_with_it() {
    let place = place();
    let store = open(&place).await;
    let (kvm, win) = (provider(1, "kvm-a"), template(2, "win11"));
    let mut change = store.change().await.unwrap();
    change.put_provider(&kvm).await.unwrap();
    change.put_template(&win).await.unwrap();
    change.put_member(win.id, kvm.id, &Member::new(false, Timestamp(0))).await.unwrap();
    let orders = Orders::none(kvm.id, kvm.name.clone(), kvm.settings.clone());
    change.assign(orders).await.unwrap();
    change.delete_provider(kvm.id).await.unwrap();
    assert!(change.members().await.unwrap().is_empty());
    assert!(change.assignments().await.unwrap().is_empty());
    assert_eq!(change.templates().await.unwrap().len(), 1);
}

#[tokio::test]
async fn generations_rise_and_an_epoch_is_above_all_before_it() {
    let place = place();
    let store = open(&place).await;
    let kvm = provider(1, "kvm-a");
    let orders = Orders::none(kvm.id, kvm.name.clone(), kvm.settings.clone());
    let mut change = store.change().await.unwrap();
    change.put_provider(&kvm).await.unwrap();
    let first = change.assign(orders.clone()).await.unwrap();
    let second = change.assign(orders.clone()).await.unwrap();
    change.put_epoch(2).await.unwrap();
    let third = change.assign(orders.clone()).await.unwrap();
    assert!(first < second && second < third);
    let stored = change.assignment(kvm.id).await.unwrap().unwrap();
    assert_eq!((stored.generation, stored.orders), (third, orders));
}

#[tokio::test]
async fn manifests_of_no_version_are_swept() {
    let place = place();
    let store = open(&place).await;
    let win = template(2, "win11");
    let mut change = store.change().await.unwrap();
    change.put_template(&win).await.unwrap();
    let kept = version(win.id, 1);
    change.add_version(&kept).await.unwrap();
    let stray = Digest::from_bytes([9; 32]);
    change.put_manifest(kept.digest, b"kept").await.unwrap();
    change.put_manifest(stray, b"stray").await.unwrap();
    change.sweep_manifests().await.unwrap();
    assert!(change.has_manifest(kept.digest).await.unwrap());
    assert!(!change.has_manifest(stray).await.unwrap());
    change.delete_template(win.id).await.unwrap();
    assert!(change.versions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_manifest_larger_than_a_row_comes_back_whole() {
    let place = place();
    let store = open(&place).await;
    let bytes: Vec<u8> = (0..(17 << 20)).map(|at: u32| (at % 251) as u8).collect();
    let digest = Digest::from_bytes([1; 32]);
    let mut change = store.change().await.unwrap();
    change.put_manifest(digest, &bytes).await.unwrap();
    assert_eq!(change.manifest(digest).await.unwrap(), Some(bytes));
}

#[tokio::test]
async fn events_are_numbered_and_the_oldest_go() {
    let place = place();
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    let event = NewEvent {
        at: Timestamp(1),
        kind: "provider.lost".into(),
        object: "provider".into(),
        name: "kvm-a".into(),
        actor: "diecast".into(),
        message: "kvm-a has stopped answering".into(),
        code: Some(Code::P0001),
    };
    for number in 1..=EVENTS_MAX + 5 {
        assert_eq!(change.add_event(&event).await.unwrap(), number);
    }
    assert_eq!(change.first_event().await.unwrap(), 6);
    assert_eq!(change.last_event().await.unwrap(), EVENTS_MAX + 5);
    let page = change.events_after(9, 2).await.unwrap();
    assert_eq!(page.iter().map(|event| event.id).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(page[0].what, event);
}

#[tokio::test]
async fn tokens_sessions_and_keys_are_kept_by_hash_and_forgotten_in_time() {
    let place = place();
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    let kvm = provider(1, "kvm-a");
    change.put_provider(&kvm).await.unwrap();
    let token = EnrolmentToken { provider: kvm.id, expires_at: Timestamp(5), used_by: None };
    change.put_enrolment_token("old", &token).await.unwrap();
    change.put_enrolment_token("new", &token).await.unwrap();
    assert_eq!(change.enrolment_token("old").await.unwrap(), None, "one token a provider");
    assert_eq!(change.enrolment_token("new").await.unwrap(), Some(token));

    let session = |at: i64| Session {
        administrator: "admin".into(),
        note: None,
        created_at: Timestamp(at),
        expires_at: Timestamp(at + 10),
    };
    change.add_session("first", &session(0)).await.unwrap();
    change.add_session("second", &session(100)).await.unwrap();
    assert_eq!(change.session("first").await.unwrap(), None, "it was over");
    assert_eq!(change.session("second").await.unwrap(), Some(session(100)));
    change.delete_sessions_of("admin").await.unwrap();
    assert_eq!(change.session("second").await.unwrap(), None);

    let what = Remembered { request: "r".into(), result: "win11".into() };
    change.remember("admin", "k", &what, Timestamp(0)).await.unwrap();
    assert_eq!(change.remembered("admin", "k").await.unwrap(), Some(what.clone()));
    assert_eq!(change.remembered("other", "k").await.unwrap(), None, "a key is its owner's");
    let later = Timestamp(0) + IDEMPOTENCY_LIFE + std::time::Duration::from_secs(1);
    change.remember("admin", "k2", &what, later).await.unwrap();
    assert_eq!(change.remembered("admin", "k").await.unwrap(), None);
}

async fn refused(path: &Path) -> OpenError {
    Store::open(path).await.expect_err("it cannot be opened")
}

#[tokio::test]
async fn what_is_no_database_is_left_as_it_was() {
    let place = place();
    fs::write(&place.path, b"my thesis").unwrap();
    assert_eq!(refused(&place.path).await.problem().code, Code::S0001);
    assert_eq!(fs::read(&place.path).unwrap(), b"my thesis");
}

#[tokio::test]
async fn a_damaged_database_is_left_as_it_was() {
    let place = place();
    let store = open(&place).await;
    for number in 0..50 {
        let mut change = store.change().await.unwrap();
        change.put_provider(&provider(number + 1, &format!("kvm-{number}"))).await.unwrap();
        change.commit().await.unwrap();
    }
    store.close().await;
    drop(store);
    let mut bytes = fs::read(&place.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xff);
    fs::write(&place.path, &bytes).unwrap();
    assert_eq!(refused(&place.path).await.problem().code, Code::S0001);
    assert_eq!(fs::read(&place.path).unwrap(), bytes);
    // Cut short, as by a disk that was full.
    bytes.truncate(5000);
    fs::write(&place.path, &bytes).unwrap();
    assert_eq!(refused(&place.path).await.problem().code, Code::S0001);
}

#[tokio::test]
async fn a_change_that_sqlite_itself_took_back_holds_up_none_after_it() {
    let place = place();
    let store = open(&place).await;
    // As it does when the disk is full.
    let mut change = store.change().await.unwrap();
    sqlx::query("ROLLBACK").execute(change.db()).await.unwrap();
    change.commit().await.unwrap_err();
    for name in ["kvm-a", "kvm-b"] {
        let mut change = store.change().await.unwrap();
        change.put_provider(&provider(1, name)).await.unwrap();
        change.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_from_other_trouble() {
    let place = place();
    let store = open(&place).await;
    let mut change = store.change().await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(change.db()).await.unwrap();
    let mut error = None;
    for number in 0..500 {
        error = change.put_provider(&provider(number + 1, &format!("kvm-{number}"))).await.err();
        if error.is_some() {
            break;
        }
    }
    assert!(error.unwrap().is_full());
    drop(change);
    let mut change = store.change().await.unwrap();
    let error = sqlx::query("nonsense").execute(change.db()).await.map_err(crate::error::doing("understand"));
    assert!(!error.unwrap_err().is_full());
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone() {
    let place = place();
    open(&place).await.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    let newer = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE diecast_schema SET version = 999").execute(&newer).await.unwrap();
    newer.close().await;
    assert_eq!(refused(&place.path).await.problem().code, Code::S0005);
}

#[tokio::test]
async fn one_process_a_database() {
    let place = place();
    let store = open(&place).await;
    assert_eq!(refused(&place.path).await.problem().code, Code::S0006);
    let beside = Store::open_beside(&place.path).await.unwrap();
    let mut change = beside.change().await.unwrap();
    let administrator = Administrator { name: "admin".into(), password_hash: "hash".into() };
    change.put_administrator(&administrator).await.unwrap();
    change.commit().await.unwrap();
    assert!(store.view().await.unwrap().administrator("admin").await.unwrap() == Some(administrator));
}

#[tokio::test]
async fn migrations_run_once() {
    let place = place();
    for _ in 0..3 {
        let store = open(&place).await;
        store.close().await;
    }
    let store = open(&place).await;
    assert_eq!(store.view().await.unwrap().last_event().await.unwrap(), 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let problem = refused(Path::new("/nonexistent/diecast.db")).await.problem();
    assert_eq!(problem.code, Code::S0003);
}

#[tokio::test]
async fn a_database_whose_last_process_is_just_going_is_opened_once_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diecast.db");
    let held = crate::lock::take(&path.with_extension("lock")).unwrap().unwrap();
    let opening = tokio::spawn(async move { Store::open(&path).await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!opening.is_finished());
    drop(held);
    opening.await.unwrap().unwrap();
}
