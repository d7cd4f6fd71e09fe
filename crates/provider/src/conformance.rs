//! What any kind of provider must hold to, as one story that its tests tell.
//!
//! A template of one tiny disk is put into the pool, registered twice, made into a linked and a full
//! host, each twice; they are started, found, stopped, made anew, brought back and deleted, and
//! nothing is left behind but a data disk that nobody said yes for. A working copy is made, started,
//! stopped, found unchanged, and deleted.

use crate::{
    capability::{HostSpec, Provider, Stop, TemplateCopy, WorkingCopyFound, WorkingCopySpec},
    layout,
};
use diecast_domain::{
    code::Code,
    digest::Digest,
    host::HostKind,
    ids::{HostId, MaintenanceId},
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
        a_host_is_made_anew_and_brought_back(provider, pool, &copy, kind).await;
    }
    a_working_copy_lives_and_leaves_nothing(provider, pool, &copy).await;
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

fn host(copy: &TemplateCopy, kind: HostKind) -> HostSpec {
    let id = Uuid::new_v4();
    HostSpec {
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
    }
}

async fn a_host_lives_and_leaves_nothing(
    provider: &dyn Provider,
    pool: &str,
    copy: &TemplateCopy,
    kind: HostKind,
) {
    let spec = host(copy, kind);
    let id = spec.id.as_uuid();
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
    let screen = provider.screen(id).await.expect("a running host has a screen");
    assert!(screen.is_absolute(), "on a socket: {}", screen.display());
    provider.stop_host(spec.id, Stop::Force).await.expect("a host can be stopped");
    provider.stop_host(spec.id, Stop::Force).await.expect("twice is once");
    assert_eq!(power().await, Some(Power::Off));
    assert_eq!(owner(), before, "nor when its host stops");
    let dark = provider.screen(id).await.expect_err("it is off");
    assert_eq!(dark.code, Code::M0008, "{dark}");
    provider.start_host(spec.id).await.expect("a host can be started again");
    provider.delete_host(pool, spec.id, false).await.expect("a running host can be deleted");
    provider.delete_host(pool, spec.id, false).await.expect("twice is once");
    assert_eq!(power().await, None, "it is gone");
    let storage = provider.storage_dir(pool).await.expect("the pool can be used");
    assert!(!layout::host_dir(&storage, spec.id).exists(), "with its files");
    let gone = provider.start_host(spec.id).await.expect_err("it is gone");
    assert_eq!(gone.code, Code::H0005, "{gone}");
}

async fn a_host_is_made_anew_and_brought_back(
    provider: &dyn Provider,
    pool: &str,
    copy: &TemplateCopy,
    kind: HostKind,
) {
    let storage = provider.storage_dir(pool).await.expect("the pool can be used");
    let first = HostSpec { data_disk: Some(DISK), ..host(copy, kind) };
    let second = HostSpec { incarnation: 2, preparation: Preparation::None, ..first.clone() };
    let id = first.id;
    let networks = BTreeMap::new();
    let create =
        async |spec: &HostSpec| provider.create_host(pool, spec, &copy.profile, &networks, &copy.dir).await;
    let found = async || {
        let hosts = provider.hosts().await.expect("hosts can be listed");
        hosts.into_iter().find(|host| host.id == id)
    };
    let aside = async || {
        let all = provider.hosts_set_aside(pool).await.expect("what is aside can be listed");
        all.get(&id).cloned().unwrap_or_default()
    };
    let inode = |path: &Path| fs::metadata(path).map(|meta| meta.ino()).ok();
    let disk = layout::host_dir(&storage, id).join(match kind {
        HostKind::Linked => layout::overlay_file("disk0"),
        HostKind::Full => layout::disk_file("disk0"),
    });
    create(&first).await.expect("a host can be made with a data disk");
    let (disk_before, data_before) = (inode(&disk), inode(&layout::data_disk(&storage, id)));
    assert!(disk_before.is_some() && data_before.is_some(), "both its disks are there");
    create(&second).await.expect_err("while its former disks stand, there is no place for new ones");
    provider.start_host(id).await.expect("it starts");
    provider.set_host_aside(pool, id, 1).await.expect_err("a running host's disks are not moved");
    assert_eq!(found().await.expect("it stands").power, Power::Running, "and it goes on");
    provider.stop_host(id, Stop::Force).await.expect("it stops");

    for _ in 0..2 {
        provider.set_host_aside(pool, id, 1).await.expect("a host can be set aside, twice");
    }
    assert_eq!((found().await, aside().await), (None, [1].into()));
    let nothing = provider.bring_host_back(pool, id, 7, 8).await;
    nothing.expect_err("there is no seventh");
    for _ in 0..2 {
        create(&second).await.expect("it can be made anew, twice");
        provider.set_host_aside(pool, id, 1).await.expect("what is aside is aside");
    }
    let anew = found().await.expect("it stands again");
    assert_eq!((anew.incarnation, anew.name.as_str()), (2, first.name.as_str()));
    assert_ne!(inode(&disk), disk_before, "on new disks");
    assert_eq!(inode(&layout::data_disk(&storage, id)), data_before, "but its data");
    provider.start_host(id).await.expect("what was made anew starts");

    for _ in 0..2 {
        provider.bring_host_back(pool, id, 1, 3).await.expect("it can be brought back, twice");
    }
    let back = found().await.expect("it stands as before");
    assert_eq!((back.incarnation, back.power), (3, Power::Off));
    assert_eq!((inode(&disk), aside().await), (disk_before, [].into()));
    provider.start_host(id).await.expect("what was brought back starts");
    provider.stop_host(id, Stop::Force).await.expect("it stops");

    provider.set_host_aside(pool, id, 3).await.expect("it can be set aside under its new number");
    create(&HostSpec { incarnation: 4, ..first.clone() }).await.expect("and made anew once more");
    for _ in 0..2 {
        provider.delete_set_aside(pool, id, 3).await.expect("what is aside can be deleted, twice");
    }
    assert_eq!(aside().await, [].into());
    provider.set_host_aside(pool, id, 4).await.expect("it is off");
    provider.delete_host(pool, id, false).await.expect("a host can be deleted with all that is aside");
    assert_eq!((found().await, aside().await), (None, [].into()));
    assert_eq!(inode(&layout::data_disk(&storage, id)), data_before, "its data stays unasked");
    provider.delete_host(pool, id, true).await.expect("its data can be deleted afterwards");
    assert!(!layout::data_disk(&storage, id).exists(), "now it is gone");
}

async fn a_working_copy_lives_and_leaves_nothing(provider: &dyn Provider, pool: &str, copy: &TemplateCopy) {
    let spec = WorkingCopySpec {
        id: MaintenanceId::from_uuid(Uuid::new_v4()),
        template: copy.template.clone(),
        number: copy.number,
        digest: copy.digest,
        macs: Vec::new(),
    };
    let id = spec.id;
    let networks = BTreeMap::new();
    let create =
        async || provider.create_working_copy(pool, &spec, &copy.profile, &networks, &copy.dir).await;
    let found = async || {
        let copies = provider.working_copies(pool).await.expect("working copies can be listed");
        copies.into_iter().find(|copy| copy.id == id)
    };
    for _ in 0..2 {
        create().await.expect("a working copy can be made, twice");
    }
    let off = WorkingCopyFound {
        id,
        disks: true,
        power: Some(Power::Off),
        addresses: Vec::new(),
        guest_agent: false,
    };
    assert_eq!(found().await, Some(off), "making it does not start it");
    for _ in 0..2 {
        provider.start_working_copy(id).await.expect("it can be started, twice");
    }
    assert_eq!(found().await.and_then(|copy| copy.power), Some(Power::Running));
    let hosts = provider.hosts().await.expect("hosts can be listed");
    assert!(hosts.iter().all(|host| host.machine != id.as_uuid()), "it is no host");
    let vms = provider.vms().await.expect("machines can be listed");
    assert!(vms.iter().any(|vm| vm.uuid == id.as_uuid() && vm.managed), "but a managed machine");
    provider.screen(id.as_uuid()).await.expect("it can be looked at");
    let open = async || provider.open_changes(pool, id, &copy.profile, &copy.dir).await;
    assert_eq!(open().await.expect_err("it runs").code, Code::V0001);
    for _ in 0..2 {
        provider.stop_working_copy(id, Stop::Force).await.expect("it can be stopped, twice");
    }
    let changes = open().await.expect("what changed can be told");
    let [disk] = &changes.disks[..] else { panic!("it has one disk: {changes:?}") };
    assert_eq!((disk.slot.as_str(), disk.virtual_size), ("disk0", DISK));
    assert_eq!(disk.extents, [], "nothing was written");
    let refused = provider.start_working_copy(id).await;
    refused.expect_err("nobody writes while it is read");
    drop(changes);
    provider.start_working_copy(id).await.expect("afterwards somebody may");
    for _ in 0..2 {
        provider.delete_working_copy(pool, id).await.expect("a running one can be deleted, twice");
    }
    assert_eq!(found().await, None, "it is gone");
    provider.stop_working_copy(id, Stop::Force).await.expect("what is gone is stopped");
    assert_eq!(provider.start_working_copy(id).await.expect_err("it is gone").code, Code::M0004);
    let storage = provider.storage_dir(pool).await.expect("the pool can be used");
    assert!(!layout::working_copy_dir(&storage, id).exists(), "with its files");
}
