//! What every released schema held is there after an upgrade, and understood: nothing is lost, and nothing
//! is done twice.
#![allow(clippy::unwrap_used)]

use diecast_domain::{recreation::Stage, units::Timestamp};
use diecast_store::{RecoveryRecord, SCHEMA, Store, snapshot};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The steps that were released, and what each was then, as FNV-1a: one that is edited later would not
/// run where it ran already.
const RELEASED: [(&str, u64); 2] = [
    (include_str!("../migrations/0001_first.sql"), 0xf4d0_cf86_24fa_8eb5),
    (include_str!("../migrations/0002_rolling_out.sql"), 0x1654_5757_2488_7ec2),
];

/// What a server of schema 2 had.
const CONTENT: &str = include_str!("released/schema2.sql");

/// A database as the release with schema 2 left it.
async fn of_schema_2(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("diecast.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE diecast_schema (version BIGINT NOT NULL)").execute(&mut db).await.unwrap();
    sqlx::raw_sql("INSERT INTO diecast_schema (version) VALUES (2)").execute(&mut db).await.unwrap();
    for (step, _) in RELEASED {
        sqlx::raw_sql(step).execute(&mut db).await.unwrap();
    }
    sqlx::raw_sql(CONTENT).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    path
}

async fn schema_of(path: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_scalar("SELECT version FROM diecast_schema").fetch_one(&mut db).await.unwrap()
}

#[test]
fn a_step_that_was_released_is_never_edited() {
    let fnv = |text: &str| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    for (number, (step, was)) in RELEASED.iter().enumerate() {
        assert_eq!(fnv(step), *was, "migration {} was edited after it was released", number + 1);
    }
    assert!(SCHEMA > RELEASED.len() as i64 - 1, "every released step is known here");
}

#[tokio::test]
async fn what_a_server_of_schema_2_knew_is_known_after_the_upgrade() {
    let folder = TempDir::new().unwrap();
    let path = of_schema_2(&folder).await;
    let store = Store::open(&path).await.unwrap();
    assert_eq!(schema_of(&path).await, SCHEMA);
    let mut view = store.view().await.unwrap();
    let names: Vec<String> =
        view.providers().await.unwrap().iter().map(|provider| provider.name.to_string()).collect();
    assert_eq!(names, ["kvm-01", "kvm-02", "kvm-03"]);
    assert_eq!(view.contacts().await.unwrap().len(), 3);
    assert!(view.contacts().await.unwrap().iter().all(|contact| !contact.certificates.is_empty()));
    let template = view.templates().await.unwrap().remove(0);
    assert_eq!((template.name.as_str(), template.current, template.keep), ("win11", Some(2), 5));
    assert!(template.maintenance.is_none() && template.limit.is_none());
    let versions = view.versions().await.unwrap();
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(versions[1].parent, Some(1));
    assert!(versions[1].tags.iter().any(|tag| tag.as_str() == "production"));
    for version in &versions {
        assert!(view.has_manifest(version.digest).await.unwrap());
    }
    assert_eq!(view.members().await.unwrap().len(), 3);
    let hosts = view.hosts().await.unwrap();
    assert_eq!(hosts.len(), 5);
    assert_eq!(hosts.iter().filter(|host| host.pool.is_some()).count(), 3);
    let recreation = view.recreations_running().await.unwrap().remove(0);
    assert!(recreation.hosts.len() == 5 && recreation.stage != Stage::Done);
    assert_eq!(view.pools().await.unwrap()[0].name.as_str(), "office");
    assert_eq!(view.schedules().await.unwrap()[0].name.as_str(), "nightly");
    assert_eq!((view.reports().await.unwrap().len(), view.assignments().await.unwrap().len()), (3, 3));
    assert_eq!(view.last_event().await.unwrap(), 37);
    assert_eq!(view.epoch().await.unwrap(), 1);
    assert_eq!(view.recovery().await.unwrap(), None, "it was never restored");
    assert!(view.administrator("admin").await.unwrap().is_some());
    drop(view);
    store.close().await;
    drop(store);
    Store::open(&path).await.expect("it is migrated once");
}

#[tokio::test]
async fn a_snapshot_is_of_one_moment_and_changes_no_schema() {
    let folder = TempDir::new().unwrap();
    let path = of_schema_2(&folder).await;
    let copy = folder.path().join("copy.db");
    let found = snapshot(&path, &copy).await.unwrap();
    assert_eq!(found.schema, 2);
    assert_eq!((schema_of(&path).await, schema_of(&copy).await), (2, 2), "an older server goes on");
    assert_eq!(found.authority.as_deref(), Some("the authority's certificate"));
    // While a server has it open and is in the middle of a change.
    let store = Store::open(&path).await.unwrap();
    let mut change = store.change().await.unwrap();
    change.put_setting("half", "done").await.unwrap();
    let during = folder.path().join("during.db");
    snapshot(&path, &during).await.unwrap();
    change.commit().await.unwrap();
    let copied = Store::open(&during).await.unwrap();
    assert_eq!(copied.view().await.unwrap().setting("half").await.unwrap(), None);
    assert!(snapshot(&path, &during).await.is_err(), "nothing is written over");
}

#[tokio::test]
async fn a_restored_store_forgets_what_was_passing_and_is_of_an_epoch_nobody_heard_of() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&of_schema_2(&folder).await).await.unwrap();
    let record = |seconds: i64| RecoveryRecord {
        backup_made_at: Timestamp(1),
        restored_at: Timestamp(1000 * seconds),
        finished_at: None,
    };
    let mut change = store.change().await.unwrap();
    change.begin_recovery(&record(1_800_000_000)).await.unwrap();
    change.commit().await.unwrap();
    let mut view = store.view().await.unwrap();
    assert_eq!(view.epoch().await.unwrap(), 1_800_000_000, "newer than the same backup restored before");
    assert!(view.reports().await.unwrap().is_empty() && view.assignments().await.unwrap().is_empty());
    assert!(view.operations_waiting().await.unwrap().is_empty());
    assert_eq!(view.hosts().await.unwrap().len(), 5, "no wish is forgotten");
    assert!(view.open_recovery().await.unwrap().is_some());
    drop(view);
    // A clock that went back does not take the epoch back.
    let mut change = store.change().await.unwrap();
    change.begin_recovery(&record(5)).await.unwrap();
    assert_eq!(change.epoch().await.unwrap(), 1_800_000_001);
    // What no version has yet is handed in, and is kept.
    let digest = diecast_domain::digest::Digest::from_bytes([9; 32]);
    change.put_manifest(digest, b"of a version to adopt").await.unwrap();
    change.sweep_manifests().await.unwrap();
    assert!(change.has_manifest(digest).await.unwrap());
    change.put_recovery(&RecoveryRecord { finished_at: Some(Timestamp(9)), ..record(5) }).await.unwrap();
    change.sweep_manifests().await.unwrap();
    assert!(!change.has_manifest(digest).await.unwrap());
}
