//! What any kind of provider must hold to, as one story that its tests tell.
//!
//! A template of one tiny disk is put into the pool, registered twice, made into a linked and a full
//! host, each twice; they are started, found, stopped and deleted, and nothing is left behind.

use crate::{
    capability::{HostSpec, Provider, Stop, TemplateCopy},
    layout,
};
use diecast_domain::{
    code::Code,
    digest::Digest,
    host::HostKind,
    ids::HostId,
    preparation::Preparation,
    profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType},
    provider::Power,
    units::ByteCount,
};
use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};
use uuid::Uuid;

/// What the template's disk holds: nothing that boots, which a machine may start all the same.
const DISK: ByteCount = ByteCount::mib(4);

/// Panics with what was promised and not held.
pub async fn check(provider: &dyn Provider, pool: &str) {
    let facts = provider.facts().await.expect("a provider knows itself");
    assert!(facts.storages.iter().any(|storage| storage.name == pool), "the pool is shown");
    assert!(facts.cpu.count > 0 && facts.memory.0 > 0, "it has processors and memory");
    for line in provider.check(pool, &BTreeMap::new(), Some(ByteCount::mib(64))).await {
        assert!(line.ok, "{}: {}", line.name, line.detail);
    }
    let missing = provider.storage_dir("no-such-pool").await.expect_err("there is no such pool");
    assert_eq!(missing.code, Code::P0003, "{missing}");

    let storage = provider.storage_dir(pool).await.expect("the pool can be used");
    let definitions = storage.join(format!("definitions-{}", Uuid::new_v4()));
    let copy = template(&storage, definitions);
    registering_is_idempotent(provider, pool, &copy).await;
    for kind in [HostKind::Linked, HostKind::Full] {
        a_host_lives_and_leaves_nothing(provider, pool, &copy, kind).await;
    }
    provider.unregister(pool, &copy).await.expect("it was registered");
    provider.unregister(pool, &copy).await.expect("twice is once");
    assert!(!provider.registered(pool, &copy).await.expect("it can be asked"));
    assert!(copy.dir.join("disk0.raw").exists(), "the version's files stay");
    fs::remove_dir_all(&copy.dir).expect("the version can be removed");
    fs::remove_dir_all(&copy.definitions).expect("the definitions can be removed");
}

fn template(storage: &Path, definitions: std::path::PathBuf) -> TemplateCopy {
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(one.as_bytes());
    bytes[16..].copy_from_slice(two.as_bytes());
    let digest = Digest::from_bytes(bytes);
    let dir = layout::version_dir(storage, &digest);
    fs::create_dir(&dir).expect("a version's directory can be made");
    let disk = dir.join(layout::disk_file("disk0"));
    let file = fs::File::create(&disk).expect("a disk can be written");
    file.set_len(DISK.0).expect("a disk can be written");
    let mut permissions = file.metadata().expect("it is open").permissions();
    permissions.set_readonly(true);
    file.set_permissions(permissions).expect("it is ours");
    let profile = HardwareProfile {
        vcpus: 1,
        memory: ByteCount::mib(64),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: vec![DiskSlot { name: "disk0".to_owned(), bus: DiskBus::Virtio, size: DISK }],
        nics: Vec::new(),
        tpm: false,
        clock_localtime: false,
    };
    let name = format!("conformance-{}", &one.simple().to_string()[..8]);
    let template = name.parse().expect("it is a label");
    TemplateCopy { template, number: 1, digest, profile, dir, definitions }
}

async fn registering_is_idempotent(provider: &dyn Provider, pool: &str, copy: &TemplateCopy) {
    assert!(!provider.registered(pool, copy).await.expect("it can be asked"));
    provider.register(pool, copy).await.expect("it can be registered");
    provider.register(pool, copy).await.expect("twice is once");
    assert!(provider.registered(pool, copy).await.expect("it can be asked"));
}

async fn a_host_lives_and_leaves_nothing(
    provider: &dyn Provider,
    pool: &str,
    copy: &TemplateCopy,
    kind: HostKind,
) {
    let id = Uuid::new_v4();
    let spec = HostSpec {
        id: HostId::from_uuid(id),
        name: format!("c-{}", &id.simple().to_string()[..8]).parse().expect("it is a label"),
        template: copy.template.clone(),
        number: copy.number,
        digest: copy.digest,
        kind,
        macs: Vec::new(),
        incarnation: 1,
        preparation: Preparation::default(),
        data_disk: None,
    };
    let networks = BTreeMap::new();
    for _ in 0..2 {
        let made = provider.create_host(pool, &spec, &copy.profile, &networks, &copy.dir).await;
        made.expect("a host can be made, twice");
    }
    let power = async || {
        let hosts = provider.hosts().await.expect("hosts can be listed");
        hosts.into_iter().find(|host| host.id == spec.id).map(|host| {
            assert_eq!((host.name.as_str(), host.digest), (spec.name.as_str(), spec.digest));
            host.power
        })
    };
    assert_eq!(power().await, Some(Power::Off), "making a host does not start it");
    let base = copy.dir.join("disk0.raw");
    let owner = || fs::metadata(&base).map(|meta| (meta.uid(), meta.mode())).expect("it stays");
    let before = owner();
    provider.start_host(spec.id).await.expect("a host can be started");
    provider.start_host(spec.id).await.expect("twice is once");
    assert_eq!(power().await, Some(Power::Running));
    assert_eq!(owner(), before, "a version's file is never given away");
    let vms = provider.vms().await.expect("machines can be listed");
    assert!(vms.iter().any(|vm| vm.uuid == id && vm.managed), "a host is a managed machine");
    let running = provider.open_machine(spec.name.as_str()).await.expect_err("it runs");
    assert_eq!(running.code, Code::V0001, "{running}");
    provider.stop_host(spec.id, Stop::Force).await.expect("a host can be stopped");
    provider.stop_host(spec.id, Stop::Force).await.expect("twice is once");
    assert_eq!(power().await, Some(Power::Off));
    assert_eq!(owner(), before, "nor when its host stops");
    provider.start_host(spec.id).await.expect("a host can be started again");
    provider.delete_host(pool, spec.id, false).await.expect("a running host can be deleted");
    provider.delete_host(pool, spec.id, false).await.expect("twice is once");
    assert_eq!(power().await, None, "it is gone");
    let storage = provider.storage_dir(pool).await.expect("the pool can be used");
    assert!(!layout::host_dir(&storage, spec.id).exists(), "with its files");
    let gone = provider.start_host(spec.id).await.expect_err("it is gone");
    assert_eq!(gone.code, Code::H0005, "{gone}");
}
