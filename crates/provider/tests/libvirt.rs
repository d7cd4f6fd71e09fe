//! Stories on a real libvirtd: DIECAST_TEST_LIBVIRT_URI says where it is, and its pool `default`
//! is used (DIECAST_TEST_LIBVIRT_POOL names another).

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use diecast_domain::{
    code::Code,
    digest::Digest,
    host::HostKind,
    ids::{HostId, MaintenanceId},
    preparation::Preparation,
    profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType},
    units::ByteCount,
};
use diecast_provider::{
    Extent, HoldTemplates, HostSpec, Inspect, Libvirt, MaintainTemplates, ReadMachines, RunHosts, SelfCheck,
    WorkingCopySpec, conformance, layout, source::unwatched,
};
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};
use uuid::Uuid;

fn uri() -> String {
    std::env::var("DIECAST_TEST_LIBVIRT_URI")
        .expect("DIECAST_TEST_LIBVIRT_URI names the libvirtd to test against")
}

fn pool() -> String {
    std::env::var("DIECAST_TEST_LIBVIRT_POOL").unwrap_or_else(|_| "default".to_owned())
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
}

fn virsh(args: &[&str]) {
    let uri = uri();
    run("virsh", &[&["-q", "-c", &uri], args].concat());
}

/// A machine that is undefined at the end, however the story ends.
struct Golden {
    name: String,
}

impl Golden {
    fn define(dir: &Path, os: &str, disks: &str) -> Self {
        let name = format!("golden-{}", uuid::Uuid::new_v4().simple());
        let xml = format!(
            "<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory>{os}
             <devices>{disks}</devices></domain>"
        );
        let file = dir.join("golden.xml");
        std::fs::write(&file, xml).unwrap();
        virsh(&["define", file.to_str().unwrap()]);
        Self { name }
    }
}

impl Drop for Golden {
    fn drop(&mut self) {
        for words in [&["destroy"][..], &["undefine", "--nvram"]] {
            let mut virsh = Command::new("virsh");
            // One that was never started cannot be stopped.
            let _ = virsh.args(["-q", "-c", &uri()]).args(words).arg(&self.name).output();
        }
    }
}

const BIOS: &str = "<os><type arch='x86_64' machine='q35'>hvm</type></os>";

fn disk(path: &Path, format: &str, target: &str) -> String {
    let path = path.display();
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='{format}'/>
         <source file='{path}'/><target dev='{target}' bus='virtio'/></disk>"
    )
}

#[tokio::test]
async fn libvirt_conforms() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    conformance::check(&provider, &pool()).await;
}

#[tokio::test]
async fn a_golden_machine_of_two_disks_is_read_and_left_as_it_was() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let storage = provider.storage_dir(&pool()).await.unwrap();
    let dir = tempfile::tempdir_in(storage.parent().unwrap()).unwrap();
    run("chmod", &["755", dir.path().to_str().unwrap()]);
    let (base, top, second) =
        (dir.path().join("b.raw"), dir.path().join("t.qcow2"), dir.path().join("s.raw"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    run("qemu-img", &["create", "-q", "-f", "raw", &text(&base), "8M"]);
    run("qemu-io", &["-f", "raw", "-c", "write -P 1 0 2M", &text(&base)]);
    let create = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", &text(&base), &text(&top)];
    run("qemu-img", &create);
    run("qemu-io", &["-f", "qcow2", "-c", "write -P 2 1M 64k", &text(&top)]);
    run("qemu-img", &["create", "-q", "-f", "raw", &text(&second), "1M"]);
    let disks = disk(&top, "qcow2", "vda") + &disk(&second, "raw", "vdb");
    let golden = Golden::define(dir.path(), BIOS, &disks);

    let machine = provider.open_machine(&golden.name).await.unwrap();
    assert_eq!(machine.profile.machine, MachineType::Q35);
    assert_eq!(machine.profile.firmware, Firmware::Bios);
    assert_eq!(machine.disks.len(), 2);
    assert_eq!(machine.disks[0].chain, [top.clone(), base.clone()]);
    for read in &machine.disks {
        let to = dir.path().join("out.raw");
        provider.export_disk(read, &to, &unwatched()).await.unwrap();
        let compare = ["compare", "-f", read.format.as_str(), "-F", "raw"];
        run("qemu-img", &[&compare[..], &[&text(&read.path), &text(&to)]].concat());
    }
    let start = || Command::new("virsh").args(["-q", "-c", &uri(), "start", &golden.name]).output();
    let refused = start().unwrap();
    assert!(!refused.status.success(), "QEMU could write while the disks were read");
    provider.still_the_same(&machine).await.unwrap();
    drop(machine);

    let started = start().unwrap();
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    let running = provider.open_machine(&golden.name).await.unwrap_err();
    assert_eq!(running.code, Code::V0001, "{running}");
    virsh(&["suspend", &golden.name]);
    assert_eq!(provider.open_machine(&golden.name).await.unwrap_err().code, Code::V0001);
    let shown = provider.vms().await.unwrap().into_iter().find(|vm| vm.name == golden.name);
    assert_eq!(shown.unwrap().obstacle.unwrap().code, Code::V0001);
    virsh(&["destroy", &golden.name]);

    let machine = provider.open_machine(&golden.name).await.unwrap();
    std::fs::OpenOptions::new().append(true).open(&second).unwrap().set_len(2 << 20).unwrap();
    assert_eq!(provider.still_the_same(&machine).await.unwrap_err().code, Code::V0007);
    drop(machine);
    std::fs::remove_file(&second).unwrap();
    assert_eq!(provider.open_machine(&golden.name).await.unwrap_err().code, Code::V0002);
    let missing = provider.open_machine("no-such-machine").await.unwrap_err();
    assert_eq!(missing.code, Code::V0002, "{missing}");
}

#[tokio::test]
async fn an_image_of_no_machine_is_read_only_where_that_is_allowed() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let image = outside.path().join("a.qcow2");
    let path = image.to_str().unwrap();
    run("qemu-img", &["create", "-q", "-f", "qcow2", path, "4M"]);
    let allowed = [inside.path().to_owned()];
    let link = inside.path().join("link.qcow2");
    std::os::unix::fs::symlink(&image, &link).unwrap();
    for way in [&image, &link, &inside.path().join("../a.qcow2")] {
        let refused = provider.open_image(way, &allowed).await.unwrap_err();
        assert_eq!(refused.code, Code::V0010, "{refused}");
    }
    let overlay = inside.path().join("overlay.qcow2");
    let create = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", path];
    run("qemu-img", &[&create[..], &[overlay.to_str().unwrap()]].concat());
    let refused = provider.open_image(&overlay, &allowed).await.unwrap_err();
    assert_eq!(refused.code, Code::V0009, "{refused}");
    let plain = inside.path().join("plain.qcow2");
    std::fs::rename(&image, &plain).unwrap();
    let machine = provider.open_image(&plain, &allowed).await.unwrap();
    assert_eq!((machine.name.as_str(), machine.disks.len()), ("plain", 1));
}

#[tokio::test]
async fn what_is_no_qemu_driver_and_what_is_not_there_are_told_apart() {
    let other = Libvirt::connect("test:///default").await.err().unwrap();
    assert_eq!(other.code, Code::P0010, "{other}");
    let nobody = Libvirt::connect("qemu+unix:///system?socket=/no/such/socket").await;
    assert_eq!(nobody.err().unwrap().code, Code::P0002);
}

#[tokio::test]
async fn facts_name_what_guests_can_be_given() {
    let facts = Libvirt::connect(&uri()).await.unwrap().facts().await.unwrap();
    assert!(facts.hypervisor.starts_with("QEMU "), "{}", facts.hypervisor);
    assert!(facts.cpu.guest_models.iter().any(|model| model == "qemu64"));
    assert!(facts.firmware.bios && facts.firmware.uefi, "OVMF is installed");
}

/// Beside the conformance story, because it closes the pool for everybody else meanwhile.
#[tokio::test]
async fn storage_that_qemus_user_cannot_pass_is_found_by_the_check() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let (name, path) = (format!("closed-{}", uuid::Uuid::new_v4().simple()), dir.path().to_str().unwrap());
    run("chmod", &["700", path]);
    virsh(&["pool-create-as", &name, "dir", "--target", path]);
    let lines = provider.check(&name, &Default::default(), None).await;
    virsh(&["pool-destroy", &name]);
    let bad = lines.iter().find(|line| line.name == "guest on the storage").unwrap();
    assert!(!bad.ok && bad.detail.starts_with("P0014"), "{}", bad.detail);
    assert!(bad.hint.as_deref().unwrap().contains(path), "{:?}", bad.hint);
}

/// A file system that knows no second names, in an image; gone at the end.
struct Exfat {
    work: tempfile::TempDir,
    device: String,
}

impl Exfat {
    fn mount() -> Self {
        let work = tempfile::tempdir_in("/var/tmp").unwrap();
        let image = work.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
        run("mkfs.exfat", &[image.to_str().unwrap()]);
        let made = Command::new("losetup").args(["--find", "--show"]).arg(&image).output().unwrap();
        let mounted = Self { work, device: String::from_utf8(made.stdout).unwrap().trim().to_owned() };
        std::fs::create_dir(mounted.dir()).unwrap();
        run("mount.exfat-fuse", &[&mounted.device, mounted.dir().to_str().unwrap()]);
        mounted
    }

    fn dir(&self) -> PathBuf {
        self.work.path().join("pool")
    }
}

impl Drop for Exfat {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.dir()).status();
        let _ = Command::new("losetup").args(["--detach", &self.device]).status();
    }
}

#[tokio::test]
async fn a_pool_on_a_file_system_without_hard_links_is_refused_before_anything_lies_there() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let exfat = Exfat::mount();
    let name = format!("exfat-{}", uuid::Uuid::new_v4().simple());
    let dir = exfat.dir();
    virsh(&["pool-create-as", &name, "dir", "--target", dir.to_str().unwrap()]);
    let refused = [provider.storage_dir(&name).await, provider.storage_dir(&name).await];
    let lines = provider.check(&name, &Default::default(), None).await;
    virsh(&["pool-destroy", &name]);
    for refused in refused {
        let problem = refused.unwrap_err();
        assert_eq!(problem.code, Code::P0017, "{problem}");
        assert!(problem.cause.contains(&name) && problem.cause.contains(dir.to_str().unwrap()), "{problem}");
    }
    let storage = lines.iter().find(|line| line.name == "storage").unwrap();
    assert!(!storage.ok && storage.detail.contains("P0017"), "{}", storage.detail);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
}

/// A version of one disk that is all ones, and a host or working copy of which may be made.
struct Version {
    digest: Digest,
    profile: HardwareProfile,
    dir: PathBuf,
}

const BASE: ByteCount = ByteCount::mib(8);
const LEAF: u64 = 64 << 10;
const MIB: u64 = 1 << 20;

impl Version {
    async fn lay_down(provider: &Libvirt) -> Self {
        let storage = provider.storage_dir(&pool()).await.unwrap();
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        let digest = Digest::from_bytes(bytes);
        let dir = layout::version_dir(&storage, &digest);
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("disk0.raw"), vec![1; BASE.0 as usize]).unwrap();
        run("chmod", &["444", dir.join("disk0.raw").to_str().unwrap()]);
        let profile = HardwareProfile {
            vcpus: 1,
            memory: ByteCount::mib(64),
            machine: MachineType::Q35,
            firmware: Firmware::Bios,
            cpu_model: None,
            disks: vec![DiskSlot { name: "disk0".into(), bus: DiskBus::Virtio, size: BASE }],
            nics: Vec::new(),
            tpm: false,
            clock_localtime: false,
        };
        Self { digest, profile, dir }
    }

    fn host(&self, prefix: &str) -> HostSpec {
        HostSpec {
            id: HostId::from_uuid(Uuid::new_v4()),
            name: unique(prefix).parse().unwrap(),
            template: unique("story").parse().unwrap(),
            number: 1,
            digest: self.digest,
            kind: HostKind::Linked,
            macs: Vec::new(),
            incarnation: 1,
            preparation: Preparation::default(),
            data_disk: None,
        }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        // The story has ended one way or the other.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", &Uuid::new_v4().simple().to_string()[..8])
}

#[tokio::test]
async fn what_was_written_into_a_working_copy_is_told_to_the_cluster() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let version = Version::lay_down(&provider).await;
    let spec = WorkingCopySpec {
        id: MaintenanceId::from_uuid(Uuid::new_v4()),
        template: unique("story").parse().unwrap(),
        number: 1,
        digest: version.digest,
        macs: Vec::new(),
    };
    let (pool, networks) = (pool(), BTreeMap::new());
    let create =
        async || provider.create_working_copy(&pool, &spec, &version.profile, &networks, &version.dir).await;
    let open = async || provider.open_changes(&pool, spec.id, &version.profile, &version.dir).await;
    create().await.unwrap();
    let storage = provider.storage_dir(&pool).await.unwrap();
    let overlay = layout::working_copy_dir(&storage, spec.id).join("disk0.qcow2");
    let text = overlay.to_str().unwrap();
    let name = format!("diecast-{}-maintenance", spec.template);

    // As QEMU writes for a guest: bytes, zeroes, a hole; and the disk grows.
    run("qemu-img", &["resize", "-q", "-f", "qcow2", text, "+1M"]);
    for write in ["write -P 7 1M 512", "write -P 8 1088k 64k", "write -z 3M 64k", "discard 5M 128k"] {
        run("qemu-io", &["-f", "qcow2", "-d", "unmap", "-c", write, text]);
    }
    let changes = open().await.unwrap();
    // The version goes on serving its hosts meanwhile.
    let host = version.host("served");
    provider.create_host(&pool, &host, &version.profile, &networks, &version.dir).await.unwrap();
    provider.start_host(host.id).await.unwrap();
    let disk = &changes.disks[0];
    assert_eq!(disk.virtual_size, ByteCount(BASE.0 + MIB));
    let told: Vec<_> = disk.extents.iter().map(|e| (e.start, e.length, e.at.is_none())).collect();
    let written = (MIB, 2 * LEAF, false);
    assert_eq!(told[0], written, "{told:?}");
    let zeroes: Vec<_> = told[1..].iter().filter(|(start, ..)| *start < BASE.0).copied().collect();
    assert_eq!(zeroes, [(3 * MIB, LEAF, true), (5 * MIB, 2 * LEAF, true)]);
    assert!(told[1..].iter().all(|(.., zero)| *zero), "beyond the base there is nothing: {told:?}");
    let Extent { at: Some(at), .. } = disk.extents[0] else { panic!("it has bytes") };
    let mut bytes = vec![0; 2 * LEAF as usize];
    std::fs::File::open(&disk.overlays[at.overlay]).unwrap().read_exact_at(&mut bytes, at.offset).unwrap();
    assert_eq!((bytes[0], bytes[511], bytes[512]), (7, 7, 1), "the rest of a cluster is the base's");
    assert!(bytes[LEAF as usize..].iter().all(|byte| *byte == 8));
    drop(changes);
    drop(open().await.unwrap());
    provider.delete_host(&pool, host.id, true).await.unwrap();

    // Somebody undefines the machine: nothing that was written is lost.
    virsh(&["undefine", &name]);
    let found = provider.working_copies(&pool).await.unwrap();
    let found = found.into_iter().find(|copy| copy.id == spec.id).unwrap();
    assert_eq!((found.disks, found.power), (true, None));
    assert_eq!(open().await.unwrap().disks[0].extents.len(), told.len());
    create().await.unwrap();
    assert_eq!(open().await.unwrap().disks[0].extents.len(), told.len());

    // A snapshot puts a file in the overlay's place, where what is written next would be missed.
    virsh(&["snapshot-create-as", &name, "s1", "--disk-only"]);
    let refused = open().await.unwrap_err();
    assert_eq!(refused.code, Code::M0007, "{refused}");
    assert!(refused.cause.contains("disk0.s1"), "{refused}");
    virsh(&["snapshot-delete", &name, "s1", "--metadata"]);
    virsh(&["undefine", &name]);
    create().await.unwrap();
    run("qemu-io", &["-f", "qcow2", "-c", "write -c -P 5 6M 64k", text]);
    let refused = open().await.unwrap_err();
    assert!(refused.code == Code::M0007 && refused.cause.contains("compressed"), "{refused}");

    virsh(&["undefine", &name]);
    std::fs::remove_file(&overlay).unwrap();
    assert_eq!(create().await.unwrap_err().code, Code::M0003, "an empty one would look like the work");
    assert_eq!(open().await.unwrap_err().code, Code::M0003);
    let found = provider.working_copies(&pool).await.unwrap();
    assert!(found.iter().any(|copy| copy.id == spec.id && !copy.disks));
    provider.delete_working_copy(&pool, spec.id).await.unwrap();
}

#[tokio::test]
async fn whoever_is_killed_while_disks_are_set_aside_or_brought_back_goes_on_where_it_stopped() {
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let mut version = Version::lay_down(&provider).await;
    version.profile.firmware = Firmware::Uefi { secure_boot: false };
    std::fs::write(version.dir.join(layout::NVRAM_FILE), "the version's").unwrap();
    let preparation = Preparation::Sysprep { unattend: "<a>{name}</a>".into() };
    let first = HostSpec { preparation, ..version.host("killed") };
    let second = HostSpec { incarnation: 2, ..first.clone() };
    let (pool, networks, id) = (pool(), BTreeMap::new(), first.id);
    let create = async |spec: &HostSpec| {
        provider.create_host(&pool, spec, &version.profile, &networks, &version.dir).await
    };
    let stands = async || {
        let hosts = provider.hosts().await.unwrap();
        hosts.into_iter().find(|host| host.id == id).map(|host| host.incarnation)
    };
    let storage = provider.storage_dir(&pool).await.unwrap();
    let (dir, aside) = (layout::host_dir(&storage, id), layout::aside_dir(&storage, id, 1));
    let variables = dir.join(layout::NVRAM_FILE);
    create(&first).await.unwrap();
    std::fs::write(&variables, "the host's own").unwrap();

    // Killed after the machine was undefined, before its directory was moved.
    provider.set_host_aside(&pool, id, 1).await.unwrap();
    std::fs::rename(&aside, &dir).unwrap();
    provider.set_host_aside(&pool, id, 1).await.unwrap();
    assert!(!dir.exists() && aside.exists());
    assert_eq!(std::fs::read_to_string(aside.join(layout::NVRAM_FILE)).unwrap(), "the host's own");

    // Killed while the next was made: its overlay is half there, under no name of its own.
    create(&second).await.unwrap();
    virsh(&["undefine", first.name.as_str(), "--keep-nvram"]);
    std::fs::rename(dir.join("disk0.qcow2"), dir.join(".disk0.qcow2.unfinished")).unwrap();
    create(&second).await.unwrap();
    assert_eq!(stands().await, Some(2));
    assert_eq!(std::fs::read_to_string(&variables).unwrap(), "the version's");

    // Killed after the present was removed, before what was aside was moved.
    let origin = std::fs::read_to_string(aside.join("origin")).unwrap();
    std::fs::write(aside.join("origin"), format!("{} 3\n", origin.trim_end())).unwrap();
    virsh(&["undefine", first.name.as_str(), "--nvram"]);
    std::fs::remove_dir_all(&dir).unwrap();
    provider.bring_host_back(&pool, id, 1, 3).await.unwrap();
    assert_eq!(stands().await, Some(3));
    // Killed after it was moved, before its machine was defined.
    virsh(&["undefine", first.name.as_str(), "--keep-nvram"]);
    provider.bring_host_back(&pool, id, 1, 3).await.unwrap();
    assert_eq!(stands().await, Some(3));
    assert_eq!(std::fs::read_to_string(&variables).unwrap(), "the host's own");

    // What was never whole cannot be brought back, and what stands is not given up for it.
    std::fs::create_dir(&aside).unwrap();
    std::fs::write(aside.join("origin"), origin).unwrap();
    let refused = provider.bring_host_back(&pool, id, 1, 4).await.unwrap_err();
    assert_eq!(refused.code, Code::H0001, "{refused}");
    assert_eq!(stands().await, Some(3));
    provider.delete_host(&pool, id, false).await.unwrap();
    assert!(!aside.exists() && !dir.exists() && stands().await.is_none());
}

/// How long that took is said, for whoever asks; the measure is `bench`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hosts_made_at_once_all_stand_and_are_told_apart() {
    const HOSTS: usize = 20;
    let provider = Libvirt::connect(&uri()).await.unwrap();
    let version = Version::lay_down(&provider).await;
    let user_data = "#cloud-config\nhostname: '{name}'\n".to_owned();
    let specs: Vec<_> = (0..HOSTS)
        .map(|_| HostSpec {
            preparation: Preparation::CloudInit { user_data: Some(user_data.clone()) },
            ..version.host("many")
        })
        .collect();
    let (pool, networks) = (pool(), BTreeMap::new());
    // The first question tries the processor, once for all.
    provider.facts().await.unwrap();
    let begun = std::time::Instant::now();
    let making =
        specs.iter().map(|spec| provider.create_host(&pool, spec, &version.profile, &networks, &version.dir));
    for made in join_all(making).await {
        made.unwrap();
    }
    println!("{HOSTS} linked hosts were made in {} ms", begun.elapsed().as_millis());
    let begun = std::time::Instant::now();
    let found = provider.hosts().await.unwrap();
    println!("a look took {} ms", begun.elapsed().as_millis());
    for spec in &specs {
        let host = found.iter().find(|host| host.id == spec.id).unwrap();
        assert_eq!((host.name.as_str(), host.incarnation), (spec.name.as_str(), 1));
    }
    let storage = provider.storage_dir(&pool).await.unwrap();
    for spec in &specs {
        let dir = layout::host_dir(&storage, spec.id);
        run("qemu-img", &["check", "-q", "-f", "qcow2", dir.join("disk0.qcow2").to_str().unwrap()]);
        provider.delete_host(&pool, spec.id, true).await.unwrap();
        assert!(!dir.exists());
    }
}
