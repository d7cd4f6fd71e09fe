//! Who changed what: written with the change itself, without secrets, and for a time.
#![allow(clippy::unwrap_used)]

use diecast_domain::{
    ids::ProviderId,
    provider::{ProviderKind, ProviderSettings},
    units::Timestamp,
};
use diecast_store::{
    AuditEntry, AuditFilter, Author, NewEvent, ProviderRecord, Store, StoreError, writing_as,
};
use tempfile::TempDir;
use uuid::Uuid;

const DAY: i64 = 24 * 3600 * 1000;

fn admin(at: Timestamp) -> Author {
    Author {
        who: "admin".to_owned(),
        from: "10.0.0.7".to_owned(),
        request: Some("1".to_owned()),
        call: "PATCH /api/v1/providers/kvm-a".to_owned(),
        at,
    }
}

fn provider(site: &str) -> ProviderRecord {
    ProviderRecord {
        id: ProviderId::from_uuid(Uuid::from_u128(1)),
        name: "kvm-a".parse().unwrap(),
        kind: ProviderKind::Libvirt,
        settings: ProviderSettings {
            uri: "qemu:///system".to_owned(),
            storage: "default".to_owned(),
            networks: Default::default(),
        },
        site: Some(site.to_owned()),
        labels: Default::default(),
        created_at: Timestamp(7),
        scrub: Default::default(),
        limit: Default::default(),
    }
}

async fn write(store: &Store, record: &ProviderRecord) -> Result<(), StoreError> {
    let mut change = store.change().await?;
    change.put_provider(record).await?;
    change.commit().await
}

async fn trail(store: &Store) -> Vec<AuditEntry> {
    let mut view = store.view().await.unwrap();
    let all = view.audit_oldest(&AuditFilter::default(), 0, 1000).await.unwrap();
    all.into_iter().map(|(_, entry)| entry).collect()
}

async fn opened() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("diecast.db")).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_has_an_author_is_written_and_nothing_else() {
    let (_folder, store) = opened().await;
    write(&store, &provider("cupboard")).await.unwrap();
    assert_eq!(trail(&store).await, [], "the server itself is nobody");
    writing_as(admin(Timestamp(9)), write(&store, &provider("attic"))).await.unwrap();
    let entries = trail(&store).await;
    let [entry] = entries.as_slice() else { panic!("{entries:#?}") };
    assert_eq!((entry.who.as_str(), entry.from.as_str(), entry.at), ("admin", "10.0.0.7", Timestamp(9)));
    assert_eq!((entry.action.as_str(), entry.name.as_str()), ("provider.changed", "kvm-a"));
    assert_eq!(entry.before.as_ref().unwrap()["site"], "cupboard");
    assert_eq!(entry.after.as_ref().unwrap()["site"], "attic");
}

#[tokio::test]
async fn a_change_that_is_dropped_leaves_no_entry() {
    let (_folder, store) = opened().await;
    writing_as(admin(Timestamp(9)), async {
        let mut change = store.change().await.unwrap();
        change.put_provider(&provider("attic")).await.unwrap();
    })
    .await;
    assert_eq!(trail(&store).await, []);
}

#[tokio::test]
async fn what_is_written_twice_in_a_change_is_one_entry_from_the_first_state_to_the_last() {
    let (_folder, store) = opened().await;
    write(&store, &provider("cupboard")).await.unwrap();
    writing_as(admin(Timestamp(9)), async {
        let mut change = store.change().await.unwrap();
        change.put_provider(&provider("attic")).await.unwrap();
        change.put_provider(&provider("cellar")).await.unwrap();
        change.commit().await.unwrap();
    })
    .await;
    let entries = trail(&store).await;
    let [entry] = entries.as_slice() else { panic!("{entries:#?}") };
    assert_eq!(entry.before.as_ref().unwrap()["site"], "cupboard");
    assert_eq!(entry.after.as_ref().unwrap()["site"], "cellar");
}

#[tokio::test]
async fn an_act_that_changes_no_record_is_known_by_its_event_and_one_without_by_its_call() {
    let (_folder, store) = opened().await;
    writing_as(admin(Timestamp(9)), async {
        let mut change = store.change().await.unwrap();
        let event = NewEvent {
            at: Timestamp(9),
            kind: "host.start".to_owned(),
            object: "host".to_owned(),
            name: "desk-1".to_owned(),
            actor: "admin".to_owned(),
            message: "host `desk-1` is to start".to_owned(),
            code: None,
        };
        change.add_event(&event).await.unwrap();
        change.commit().await.unwrap();
        store.change().await.unwrap().commit().await.unwrap();
    })
    .await;
    let entries = trail(&store).await;
    let [act, call] = entries.as_slice() else { panic!("{entries:#?}") };
    assert_eq!((act.action.as_str(), act.name.as_str()), ("host.start", "desk-1"));
    assert_eq!(
        (call.action.as_str(), call.call.as_str()),
        ("server.called", "PATCH /api/v1/providers/kvm-a")
    );
}

#[tokio::test]
async fn it_is_kept_as_long_as_was_said_and_no_longer() {
    let (_folder, store) = opened().await;
    for day in [0, 100, 500] {
        let author = admin(Timestamp(day * DAY));
        writing_as(author, write(&store, &provider(&format!("day {day}")))).await.unwrap();
    }
    let sweep = async |now: i64| {
        let mut change = store.change().await.unwrap();
        let gone = change.sweep_audit(Timestamp(now)).await.unwrap();
        change.commit().await.unwrap();
        gone
    };
    assert_eq!(sweep(400 * DAY).await, 0);
    assert_eq!(sweep(401 * DAY).await, 1, "400 days, unless somebody said so");
    let mut change = store.change().await.unwrap();
    change.put_audit_days(30).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(sweep(501 * DAY).await, 1);
    let left: Vec<Timestamp> = trail(&store).await.iter().map(|entry| entry.at).collect();
    assert_eq!(left, [Timestamp(500 * DAY)]);
}
