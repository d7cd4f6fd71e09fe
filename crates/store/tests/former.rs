//! A database of the first release is opened, and everything in it is understood.
#![allow(clippy::unwrap_used)]

use diecast_domain::{assignment::Deletion, preparation::Preparation, retention::KEEP_DEFAULT};
use diecast_store::Store;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use tempfile::TempDir;

/// The schema that the first release wrote.
const SCHEMA: &str = include_str!("../migrations/0001_first.sql");

const PROVIDER: &str = "00000000-0000-0000-0000-000000000001";
const TEMPLATE: &str = "00000000-0000-0000-0000-000000000002";
const HOST: &str = "00000000-0000-0000-0000-000000000003";
const DIGEST: &str = "blake3:0101010101010101010101010101010101010101010101010101010101010101";

/// Bodies as the first release wrote them, by table. `DIGEST` and the like stand for the names above.
const ROWS: &[(&str, &str)] = &[
    (
        "INSERT INTO providers (id, name, body) VALUES ('PROVIDER', 'kvm-a', $1)",
        r#"{"id":"PROVIDER","name":"kvm-a","kind":"libvirt","settings":{"uri":"qemu:///system","storage":"default","networks":{"corp":"br20"}},"site":null,"labels":{},"created_at":7}"#,
    ),
    (
        "INSERT INTO templates (id, name, body) VALUES ('TEMPLATE', 'win11', $1)",
        r#"{"id":"TEMPLATE","name":"win11","status":"ready","concurrency":8,"current":1,"publication":{"id":"00000000-0000-0000-0000-000000000009","provider":"PROVIDER","source":{"kind":"vm","name":"golden"},"attempt":1,"next_attempt_at":null,"problem":null},"note":null,"author":"admin","created_at":8}"#,
    ),
    (
        "INSERT INTO versions (template, number, digest, body) VALUES ('TEMPLATE', 1, 'DIGEST', $1)",
        r#"{"template":"TEMPLATE","number":1,"digest":"DIGEST","size":{"virtual_bytes":3,"data_bytes":2,"packed_bytes":1},"profile":{"vcpus":2,"memory":4294967296,"machine":"q35","firmware":{"uefi":{"secure_boot":true}},"cpu_model":null,"disks":[{"name":"disk0","bus":"virtio","size":3}],"nics":[{"model":"virtio","network":"corp"}],"tpm":true,"clock_localtime":true},"warnings":["machine-id"],"note":"first","author":"admin","created_at":9}"#,
    ),
    (
        "INSERT INTO members (template, provider, body) VALUES ('TEMPLATE', 'PROVIDER', $1)",
        r#"{"desire":"hold","joined_later":false,"held":{"number":1,"digest":"DIGEST","verified_at":5},"attempt":1,"next_attempt_at":null,"problem":null,"since":5}"#,
    ),
    (
        "INSERT INTO hosts (id, name, body) VALUES ('HOST', 'desk-1', $1)",
        r#"{"id":"HOST","name":"desk-1","provider":"PROVIDER","template":"TEMPLATE","version":1,"digest":"DIGEST","kind":"linked","macs":["52:54:00:01:02:03"],"attempt":1,"next_attempt_at":null,"problem":null,"made":true,"deleting":false,"created_at":10}"#,
    ),
    (
        "INSERT INTO reports (provider, body) VALUES ('PROVIDER', $1)",
        r#"{"provider":"PROVIDER","session":"00000000-0000-0000-0000-000000000000","sequence":0,"agent_version":"0.1.0","generation":{"epoch":1,"number":4},"addresses":["10.0.0.1:7444"],"facts":null,"hypervisor_problem":null,"vms":[],"publications":[],"replicas":[{"digest":"DIGEST","phase":"ready","attempt":1,"progress":PROGRESS,"verified_at":5,"problem":null}],"hosts":[{"id":"HOST","phase":"made","attempt":1,"power":"running","addresses":["10.0.0.9"],"guest_agent":true,"guest_name":"desk-1","problem":null}],"operations":[],"unassigned":[]}"#,
    ),
    (
        "INSERT INTO assignments (provider, epoch, number, body) VALUES ('PROVIDER', 1, 4, $1)",
        r#"{"generation":{"epoch":1,"number":4},"orders":{"provider":"PROVIDER","name":"kvm-a","settings":{"uri":"qemu:///system","storage":"default","networks":{}},"publications":[],"replicas":[{"version":VERSION,"attempt":1,"go":true,"sources":[]}],"hosts":[{"id":"HOST","name":"desk-1","version":VERSION,"kind":"linked","macs":["52:54:00:01:02:03"],"attempt":1,"made":true}],"operations":[{"id":"00000000-0000-0000-0000-000000000007","act":{"kind":"stop-host","host":"HOST","force":false}}],"deletions":[{"kind":"host","host":"HOST"},{"kind":"replica","version":VERSION}],"readers":[]}}"#,
    ),
];

const VERSION: &str = r#"{"template":"TEMPLATE","name":"win11","number":1,"digest":"DIGEST"}"#;

/// Puts in what the names of constants stand for.
fn filled(text: &str) -> String {
    let progress = serde_json::to_string(&diecast_domain::replica::Progress::default()).unwrap();
    text.replace("VERSION", VERSION)
        .replace("PROGRESS", &progress)
        .replace("PROVIDER", PROVIDER)
        .replace("TEMPLATE", TEMPLATE)
        .replace("HOST", HOST)
        .replace("DIGEST", DIGEST)
}

async fn written_by_the_first_release(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE diecast_schema (version BIGINT NOT NULL)").execute(&mut db).await.unwrap();
    sqlx::raw_sql("INSERT INTO diecast_schema (version) VALUES (1)").execute(&mut db).await.unwrap();
    sqlx::raw_sql(SCHEMA).execute(&mut db).await.unwrap();
    for (statement, body) in ROWS {
        let (name, rest) = statement.split_once("VALUES (").unwrap();
        let statement = format!("{name}VALUES ({}", filled(rest));
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(filled(body)).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn what_the_first_release_remembered_is_understood() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("diecast.db");
    written_by_the_first_release(&path).await;
    let store = Store::open(&path).await.unwrap();
    let mut view = store.view().await.unwrap();

    let template = view.templates().await.unwrap().remove(0);
    assert_eq!(
        (template.current, template.keep),
        (Some(1), 0),
        "nothing is deleted unasked after an upgrade"
    );
    assert_ne!(KEEP_DEFAULT, 0);
    assert!(template.maintenance.is_none() && template.discarded.is_empty() && template.source.is_none());
    let version = view.versions().await.unwrap().remove(0);
    assert_eq!((version.parent, version.new_bytes, version.deleting), (None, None, false));
    assert!(version.tags.is_empty());
    let host = view.hosts().await.unwrap().remove(0);
    assert!(host.made && host.previous.is_none() && host.pool.is_none() && !host.delete_data);
    assert_eq!(host.incarnation, 1, "the one that stands");
    assert_eq!(host.setup.preparation, Preparation::CloudInit { user_data: None }, "as it was made");
    assert_eq!(view.members().await.unwrap().len(), 1);
    let report = view.reports().await.unwrap().remove(0);
    assert!(report.replicas[0].is_ready() && !report.replicas[0].serves);
    assert_eq!(report.hosts[0].stood(), 1, "an agent of that release names no incarnation");
    assert_eq!(report.hosts[0].users, None, "nobody can tell whether it is in use");
    let orders = view.assignments().await.unwrap().remove(0).orders;
    assert!(matches!(orders.deletions[0], Deletion::Host { data: false, .. }), "no data disk goes with it");
    assert_eq!(orders.hosts[0].incarnation, 1);
    assert!(view.pools().await.unwrap().is_empty() && view.schedules().await.unwrap().is_empty());
    assert!(view.recreations().await.unwrap().is_empty());
    drop(view);
    store.close().await;
    drop(store);
    Store::open(&path).await.expect("it is migrated once");
}
