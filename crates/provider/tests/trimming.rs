//! Stories of trimming on a real libvirtd: DIECAST_TEST_LIBVIRT_URI says where it is, and
//! DIECAST_TEST_KERNEL_ROOT where a kernel for the helper is. `scripts/with-libvirt` gives both.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use diecast_domain::{
    code::Code,
    digest::Digest,
    ids::MaintenanceId,
    profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType},
    units::ByteCount,
};
use diecast_provider::{
    HoldTemplates, Libvirt, MaintainTemplates, ReadMachines, SourceMachine, TrimDisks, TrimPlace, Trimmed,
    WorkingCopySpec, layout, source::unwatched,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};
use uuid::Uuid;

const MIB: u64 = 1 << 20;
const LEAF: u64 = 64 << 10;

/// An ext4 that lost 16 MiB and kept 3; swap space full of what was swapped out; what nobody understands.
const DISK: &str = "
    mkdir files; head -c 16M /dev/urandom > files/gone; yes kept | head -c 3M > files/kept
    truncate -s 64M ext4; mkfs.ext4 -q -b 4096 -d files ext4; debugfs -w -R 'rm gone' ext4 2> told
    head -c 16M /dev/urandom > swap; mkswap -q swap
    truncate -s 96M disk
    printf 'label: gpt\\nstart=2048,size=64M\\nsize=16M\\nsize=8M\\n' | sfdisk -q disk
    dd if=ext4 of=disk bs=1M seek=1 conv=notrunc status=none
    dd if=swap of=disk bs=1M seek=65 conv=notrunc status=none
    printf 'LUKS\\272\\276' | dd of=disk bs=1M seek=81 conv=notrunc status=none";

/// A folder that QEMU's user can pass, in the pool's own.
struct Yard {
    provider: Libvirt,
    storage: PathBuf,
    dir: tempfile::TempDir,
}

impl Yard {
    async fn new() -> Self {
        let uri =
            std::env::var("DIECAST_TEST_LIBVIRT_URI").expect("DIECAST_TEST_LIBVIRT_URI names a libvirtd");
        let provider = Libvirt::connect(&uri).await.unwrap();
        let storage = provider.storage_dir(&pool()).await.unwrap();
        let dir = tempfile::tempdir_in(storage.parent().unwrap()).unwrap();
        let yard = Self { provider, storage, dir };
        yard.run("chmod 711 .");
        yard
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, script: &str) -> String {
        let told = Command::new("sh").args(["-ec", script]).current_dir(self.dir.path()).output().unwrap();
        assert!(told.status.success(), "{script}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    }

    fn place(&self) -> TrimPlace {
        let root = std::env::var("DIECAST_TEST_KERNEL_ROOT").expect("DIECAST_TEST_KERNEL_ROOT has a kernel");
        TrimPlace { dir: self.path("trimming/of-this"), kernel_root: root.into() }
    }

    async fn open(&self, image: &str) -> SourceMachine {
        self.provider.open_image(&self.path(image), &[self.dir.path().to_owned()]).await.unwrap()
    }

    /// Trims an image and exports what is seen then; the image must be as it was.
    async fn trimmed(&self, image: &str, to: &str) -> Trimmed {
        let sum = || self.run(&format!("sha256sum {image}; stat -c '%U %a %y %z' {image}"));
        let before = sum();
        let mut machine = self.open(image).await;
        let trimmed = self.provider.trim_machine(&mut machine, &self.place()).await.unwrap();
        let disk = &machine.disks[0];
        self.provider.export_disk(disk, &self.path(to), &unwatched()).await.unwrap();
        self.provider.still_the_same(&machine).await.unwrap();
        assert_eq!(sum(), before, "the source is as it was");
        trimmed
    }

    fn told(trimmed: &Trimmed) -> Vec<String> {
        trimmed.places.iter().map(ToString::to_string).collect()
    }
}

fn pool() -> String {
    std::env::var("DIECAST_TEST_LIBVIRT_POOL").unwrap_or_else(|_| "default".to_owned())
}

fn bytes(path: &Path, at: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    fs::File::open(path).unwrap().read_exact_at(&mut bytes, at).unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_gone_what_was_kept_is_there_and_the_machine_is_as_it_was() {
    let yard = Yard::new().await;
    yard.run(DISK);
    let trimmed = yard.trimmed("disk", "out").await;
    assert_eq!(
        Yard::told(&trimmed),
        [
            "disk0 partition 1 (ext4): trimmed",
            "disk0 partition 2 (swap): trimmed",
            "disk0 partition 3 (encrypted): left alone",
        ]
    );
    assert!(trimmed.bytes.0 >= 30 * MIB, "{}", trimmed.bytes);
    // What remains is a whole file system with its file, and leaves are as they were, or zeroes.
    yard.run(
        "dd if=out of=ext4 bs=1M skip=1 count=64 status=none; e2fsck -fn ext4 2>&1
         debugfs -R 'cat kept' ext4 2> told | cmp - files/kept",
    );
    let (before, after) = (fs::read(yard.path("disk")).unwrap(), fs::read(yard.path("out")).unwrap());
    let leaves = before.chunks(LEAF as usize).zip(after.chunks(LEAF as usize));
    for (number, (before, after)) in leaves.enumerate() {
        assert!(before == after || after.iter().all(|byte| *byte == 0), "leaf {number} is something new");
    }
    assert!(
        bytes(&yard.path("out"), 66 * MIB, 8 * MIB).iter().all(|byte| *byte == 0),
        "swapped out, and nobody's"
    );
    assert_eq!(bytes(&yard.path("out"), 81 * MIB, 6), b"LUKS\xba\xbe");

    // The same again is the same version, from another format too.
    yard.run("qemu-img convert -O qcow2 -c disk disk.qcow2");
    let again = yard.trimmed("disk.qcow2", "again").await;
    assert_eq!(again.places, trimmed.places);
    yard.run("cmp out again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_replayed_on_the_overlay_and_a_guest_that_sleeps_is_let_sleep() {
    let yard = Yard::new().await;
    yard.run(DISK);
    // A transaction that made it into the journal and no further: a block of the file says something else.
    yard.run(
        "yes news | head -c 4096 > news
         block=$(debugfs -R 'bmap kept 5' ext4 2> told)
         printf 'jo\\njw -b %s news\\njc\\n' $block | debugfs -w -f - ext4 > told 2>&1
         dumpe2fs -h ext4 2> told | grep -q needs_recovery
         dd if=ext4 of=disk bs=1M seek=1 conv=notrunc status=none",
    );
    let trimmed = yard.trimmed("disk", "out").await;
    assert_eq!(Yard::told(&trimmed)[0], "disk0 partition 1 (ext4): trimmed");
    yard.run(
        "dd if=out of=after bs=1M skip=1 count=64 status=none; e2fsck -fn after 2>&1
         debugfs -R 'cat kept' after 2> told | dd bs=4096 skip=5 count=1 status=none | cmp - news",
    );

    // One that has errors is left alone, whatever the rest.
    yard.run("cp disk errors; printf '\\003' | dd of=errors bs=1 seek=$((1048576 + 1024 + 58)) conv=notrunc status=none");
    let trimmed = yard.trimmed("errors", "out").await;
    assert_eq!(Yard::told(&trimmed)[0], "disk0 partition 1 (ext4): has errors, left alone");
    assert_eq!(Yard::told(&trimmed)[1], "disk0 partition 2 (swap): trimmed");
    yard.run("cmp -n 68157440 errors out");

    yard.run("printf S1SUSPEND | dd of=disk bs=1 seek=$((65 * 1048576 + 4086)) conv=notrunc status=none");
    let trimmed = yard.trimmed("disk", "out").await;
    assert_eq!(
        Yard::told(&trimmed),
        ["disk0 partition 2 (swap): the guest is hibernated, nothing was trimmed"]
    );
    yard.run("cmp disk out");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_file_systems_and_a_whole_disk_are_trimmed_too() {
    let yard = Yard::new().await;
    yard.run(
        "mkdir files; head -c 4M /dev/urandom > files/gone
         truncate -s 320M xfs; mkfs.xfs -q xfs
         truncate -s 64M fat; mkfs.vfat -F 32 fat > told
         truncate -s 400M disk; printf 'label: dos\\nstart=2048,size=320M\\nsize=64M,type=c\\n' | sfdisk -q disk
         dd if=xfs of=disk bs=1M seek=1 conv=notrunc,sparse status=none
         head -c 64M /dev/urandom | dd of=disk bs=1M seek=321 conv=notrunc iflag=fullblock status=none
         dd if=fat of=disk bs=1M seek=321 count=4 conv=notrunc status=none",
    );
    let trimmed = yard.trimmed("disk", "out").await;
    assert_eq!(
        Yard::told(&trimmed),
        ["disk0 partition 1 (xfs): trimmed", "disk0 partition 2 (vfat): trimmed"]
    );
    assert!(trimmed.bytes.0 >= 50 * MIB, "{}", trimmed.bytes);
    yard.run("dd if=out of=xfs bs=1M skip=1 count=320 status=none; xfs_repair -n xfs 2>&1");

    yard.run("mkfs.ext4 -q -d files whole 32M; debugfs -w -R 'rm gone' whole 2> told");
    let trimmed = yard.trimmed("whole", "out").await;
    assert_eq!(Yard::told(&trimmed), ["disk0 (ext4): trimmed"]);
    assert!(trimmed.bytes.0 >= 3 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_kernel_or_with_a_helper_that_dies_nothing_is_published_and_it_is_said_why() {
    let yard = Yard::new().await;
    yard.run(DISK);
    let refused = async |place: TrimPlace| {
        let mut machine = yard.open("disk").await;
        let refused = yard.provider.trim_machine(&mut machine, &place).await.unwrap_err();
        assert_eq!(machine.disks[0].path, yard.path("disk"), "its disks are its own still");
        refused
    };
    let place = TrimPlace { kernel_root: yard.path("nothing"), ..yard.place() };
    let problem = refused(place).await;
    assert_eq!(problem.code, Code::V0011, "{problem}");
    assert!(problem.cause.contains("no kernel"), "{problem}");

    // A kernel that is none.
    let root = yard.place().kernel_root;
    yard.run(&format!(
        "mkdir root; cp -rs {0}/lib {0}/boot root; for k in root/boot/vmlinuz-*; do rm $k; head -c 1M /dev/urandom > $k; done",
        root.display()
    ));
    let problem = refused(TrimPlace { kernel_root: yard.path("root"), ..yard.place() }).await;
    assert_eq!(problem.code, Code::V0011, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_working_copy_gives_back_is_a_change_to_zeroes_and_nothing_else_is() {
    let yard = Yard::new().await;
    yard.run(DISK);
    // The version is trimmed already, but for one leaf's worth that was deleted since.
    yard.trimmed("disk", "version").await;
    let mut name = [0; 32];
    name[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    let digest = Digest::from_bytes(name);
    let dir = layout::version_dir(&yard.storage, &digest);
    fs::create_dir(&dir).unwrap();
    fs::copy(yard.path("version"), dir.join("disk0.raw")).unwrap();
    let profile = HardwareProfile {
        vcpus: 1,
        memory: ByteCount::mib(64),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: vec![DiskSlot { name: "disk0".into(), bus: DiskBus::Virtio, size: ByteCount(96 * MIB) }],
        nics: Vec::new(),
        tpm: false,
        clock_localtime: false,
    };
    let id = MaintenanceId::from_uuid(Uuid::new_v4());
    let spec = WorkingCopySpec {
        id,
        template: format!("story-{}", &Uuid::new_v4().simple().to_string()[..8]).parse().unwrap(),
        number: 1,
        digest,
        macs: Vec::new(),
    };
    let networks = BTreeMap::new();
    yard.provider.create_working_copy(&pool(), &spec, &profile, &networks, &dir).await.unwrap();
    let overlay = layout::working_copy_dir(&yard.storage, id).join("disk0.qcow2");
    // As a guest that made a file of 6 MiB and deleted it again, and wrote into a partition of its own.
    let write = |at: u64, length: u64| {
        let overlay = overlay.display();
        yard.run(&format!("qemu-io -f qcow2 -c 'write -P 9 {at} {length}' {overlay}"));
    };
    write(50 * MIB, 6 * MIB);
    write(85 * MIB, LEAF);
    let sum = || yard.run(&format!("sha256sum {}", overlay.display()));
    let before = sum();

    let mut changes = yard.provider.open_changes(&pool(), id, &profile, &dir).await.unwrap();
    let trimmed = yard.provider.trim_changes(&mut changes, &yard.place()).await.unwrap();
    assert_eq!(Yard::told(&trimmed)[0], "disk0 partition 1 (ext4): trimmed");
    assert!(trimmed.bytes.0 >= 5 * MIB, "{}", trimmed.bytes);
    let disk = &changes.disks[0];
    let data: Vec<_> = disk.extents.iter().filter(|it| it.at.is_some()).collect();
    let [own] = &data[..] else { panic!("only what is still used is a change: {data:?}") };
    assert_eq!((own.start, own.length, own.at.unwrap().overlay), (85 * MIB, LEAF, 0));
    let given: u64 = disk.extents.iter().filter(|it| it.at.is_none()).map(|it| it.length).sum();
    assert!(given >= 40 * MIB, "all that is free is said to be zeroes: {given}");
    assert_eq!(sum(), before, "the working copy is as it was");
    drop(changes);
    yard.provider.delete_working_copy(&pool(), id).await.unwrap();
    fs::remove_dir_all(&dir).unwrap();
}
