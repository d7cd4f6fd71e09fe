//! Disks of every kind, made and judged by QEMU's own tools.

use super::{chain, export, lock::ImageLock};
use crate::source::{ImageFormat, SourceDisk, unwatched};
use diecast_domain::code::{Code, Problem};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn tool(program: &str, args: &[&str], dir: &Path) -> Output {
    let output = Command::new(program).args(args).current_dir(dir).env("LC_ALL", "C").output();
    output.unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn run(dir: &Path, line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let output = tool(words[0], &words[1..], dir);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Writes a pattern through QEMU: `io(dir, "qcow2", "a.qcow2", &["write -P 7 0 64k"])`.
fn io(dir: &Path, format: &str, image: &str, commands: &[&str]) {
    let mut args = vec!["-f", format];
    for command in commands {
        args.extend(["-c", command]);
    }
    args.push(image);
    let output = tool("qemu-io", &args, dir);
    assert!(output.status.success(), "{image}: {}", String::from_utf8_lossy(&output.stdout));
}

fn disk(path: PathBuf, chain: &chain::Chain) -> SourceDisk {
    SourceDisk {
        slot: "disk0".into(),
        path,
        format: chain.format,
        chain: chain.files.clone(),
        formats: chain.formats.clone(),
        virtual_size: chain.virtual_size,
        data_estimate: chain.data_estimate,
    }
}

/// Reads the disk as a golden machine's would be, and lets `qemu-img compare` judge the copy.
async fn export_and_compare(dir: &Path, image: &str, format: ImageFormat) -> chain::Chain {
    let path = dir.join(image);
    let chain = chain::open("the test", &path, format).await.unwrap();
    let to = dir.join("exported.raw");
    export::export(&disk(path, &chain), &to, &unwatched()).await.unwrap();
    run(dir, &format!("qemu-img compare -f {format} -F raw {image} exported.raw"));
    assert_eq!(std::fs::metadata(&to).unwrap().len(), chain.virtual_size.0);
    chain
}

async fn refusal(dir: &Path, image: &str, format: ImageFormat) -> Problem {
    let refused = chain::open("the test", &dir.join(image), format).await.unwrap_err();
    assert!(refused.cause.starts_with("the test: "), "{refused}");
    refused
}

fn three_deep(dir: &Path) {
    run(dir, "qemu-img create -q -f raw base.raw 8M");
    io(dir, "raw", "base.raw", &["write -P 1 0 2M", "write -P 9 5M 1M"]);
    run(dir, "qemu-img create -q -f qcow2 -b base.raw -F raw middle.qcow2");
    io(dir, "qcow2", "middle.qcow2", &["write -P 2 1M 1M", "write -z 5M 512k"]);
    run(dir, "qemu-img create -q -f qcow2 -b middle.qcow2 -F qcow2 top.qcow2 12M");
    io(dir, "qcow2", "top.qcow2", &["write -P 3 1536k 64k", "write -P 4 11M 64k"]);
}

#[tokio::test]
async fn a_resized_overlay_three_deep_with_zeroes_over_data_reads_as_the_guest_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    three_deep(dir.path());
    let chain = export_and_compare(dir.path(), "top.qcow2", ImageFormat::Qcow2).await;
    assert_eq!(chain.files.len(), 3);
    assert_eq!(chain.files[2], dir.path().join("base.raw"));
    assert_eq!(chain.virtual_size.0, 12 << 20);
    assert!(chain.data_estimate.0 < 6 << 20, "holes and zeroes cost nothing");
}

#[tokio::test]
async fn compressed_clusters_and_a_snapshot_inside_give_the_active_state() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run(dir, "qemu-img create -q -f raw plain.raw 4M");
    io(dir, "raw", "plain.raw", &["write -P 5 0 3M"]);
    run(dir, "qemu-img convert -c -f raw -O qcow2 plain.raw packed.qcow2");
    run(dir, "qemu-img snapshot -c before packed.qcow2");
    io(dir, "qcow2", "packed.qcow2", &["write -P 6 1M 1M"]);
    export_and_compare(dir, "packed.qcow2", ImageFormat::Qcow2).await;
    io(dir, "raw", "exported.raw", &["read -P 6 1M 1M", "read -P 5 2M 1M"]);
}

#[tokio::test]
async fn raw_vmdk_and_vhdx_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run(dir, "qemu-img create -q -f raw plain.raw 4M");
    io(dir, "raw", "plain.raw", &["write -P 5 1M 1M"]);
    export_and_compare(dir, "plain.raw", ImageFormat::Raw).await;
    for format in [ImageFormat::Vmdk, ImageFormat::Vhdx] {
        run(dir, &format!("qemu-img convert -f raw -O {format} plain.raw other.{format}"));
        export_and_compare(dir, &format!("other.{format}"), format).await;
    }
    run(dir, "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized plain.raw so.vmdk");
    export_and_compare(dir, "so.vmdk", ImageFormat::Vmdk).await;
    run(dir, "qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat plain.raw flat.vmdk");
    let refused = refusal(dir, "flat.vmdk", ImageFormat::Vmdk).await;
    assert_eq!(refused.code, Code::V0009, "its data are in another file");
}

#[tokio::test]
async fn a_chain_that_points_nowhere_or_in_a_circle_or_too_deep_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    three_deep(dir);
    run(dir, "qemu-img rebase -u -f qcow2 -b top.qcow2 -F qcow2 middle.qcow2");
    assert_eq!(refusal(dir, "top.qcow2", ImageFormat::Qcow2).await.code, Code::V0006);
    std::fs::remove_file(dir.join("middle.qcow2")).unwrap();
    let gone = refusal(dir, "top.qcow2", ImageFormat::Qcow2).await;
    assert_eq!(gone.code, Code::V0006);
    assert!(gone.cause.contains("middle.qcow2"), "{gone}");
    assert_eq!(refusal(dir, "never.qcow2", ImageFormat::Qcow2).await.code, Code::V0002);
    for n in 1..=chain::CHAIN_DEPTH_MAX {
        let below = if n == 1 { "base.raw -F raw".into() } else { format!("c{}.q -F qcow2", n - 1) };
        run(dir, &format!("qemu-img create -q -f qcow2 -b {below} c{n}.q 8M"));
    }
    let last = format!("c{}.q", chain::CHAIN_DEPTH_MAX);
    assert_eq!(refusal(dir, &last, ImageFormat::Qcow2).await.code, Code::V0006);
}

#[tokio::test]
async fn encrypted_images_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Made once by `qemu-img create` and kept without their keys: it measures how fast this machine derives a
    // key before it makes one, and fails for good where processor time is counted too coarsely for that.
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/image/samples");
    for image in ["luks.raw", "luks.qcow2"] {
        run(dir, &format!("zstd -dq {}/{image}.zst -o {image}", samples.display()));
        run(dir, &format!("qemu-img info {image}"));
    }
    assert_eq!(refusal(dir, "luks.raw", ImageFormat::Raw).await.code, Code::V0005);
    assert_eq!(refusal(dir, "luks.qcow2", ImageFormat::Qcow2).await.code, Code::V0005);
}

#[tokio::test]
async fn corrupt_images_are_refused_whether_head_or_tables_are_broken() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run(dir, "qemu-img create -q -f qcow2 tables.qcow2 64M");
    io(dir, "qcow2", "tables.qcow2", &["write -P 1 0 1M"]);
    std::fs::copy(dir.join("tables.qcow2"), dir.join("head.qcow2")).unwrap();
    let patch = |name: &str, at: u64, bytes: &[u8]| {
        let file = std::fs::OpenOptions::new().write(true).open(dir.join(name)).unwrap();
        file.write_all_at(bytes, at).unwrap();
    };
    patch("tables.qcow2", 0x10000, &[0; 8]);
    assert_eq!(refusal(dir, "tables.qcow2", ImageFormat::Qcow2).await.code, Code::V0004);
    // A table of refcounts that points beyond the end: `check` gives up with an input/output error.
    std::fs::copy(dir.join("head.qcow2"), dir.join("away.qcow2")).unwrap();
    patch("away.qcow2", 0x10000, &[0xff; 0x40000]);
    assert_eq!(refusal(dir, "away.qcow2", ImageFormat::Qcow2).await.code, Code::V0004);
    patch("head.qcow2", 20, &[0xff; 4]);
    assert_eq!(refusal(dir, "head.qcow2", ImageFormat::Qcow2).await.code, Code::V0004);
    std::fs::write(dir.join("not.qcow2"), b"hello").unwrap();
    assert_eq!(refusal(dir, "not.qcow2", ImageFormat::Qcow2).await.code, Code::V0004);
}

#[tokio::test]
async fn what_reaches_outside_is_refused_before_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run(dir, "qemu-img create -q -f qcow2 -o data_file=data.raw outside.qcow2 1M");
    assert_eq!(refusal(dir, "outside.qcow2", ImageFormat::Qcow2).await.code, Code::V0009);
    run(dir, "qemu-img create -q -f qcow2 remote.qcow2 1M");
    for outside in ["nbd:127.0.0.1:1", "json:{\"driver\":\"null-co\"}"] {
        run(dir, &format!("qemu-img rebase -u -f qcow2 -F raw -b {outside} remote.qcow2"));
        assert_eq!(refusal(dir, "remote.qcow2", ImageFormat::Qcow2).await.code, Code::V0009);
    }
    std::os::unix::fs::symlink("/dev/null", dir.join("device.raw")).unwrap();
    assert_eq!(refusal(dir, "device.raw", ImageFormat::Raw).await.code, Code::V0008);
}

#[tokio::test]
async fn while_it_is_held_a_writer_is_refused_and_readers_pass() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    three_deep(dir);
    let held = chain::open("the test", &dir.join("top.qcow2"), ImageFormat::Qcow2).await.unwrap();
    for (image, format) in [("top.qcow2", "qcow2"), ("middle.qcow2", "qcow2"), ("base.raw", "raw")] {
        let write = ["-f", format, "-c", "write -P 8 0 64k", image];
        let writer = tool("qemu-io", &write, dir);
        assert!(!writer.status.success(), "{image}: a writer passed");
        assert!(String::from_utf8_lossy(&writer.stderr).contains("lock"), "{image}");
    }
    let resize = tool("qemu-img", &["resize", "-f", "raw", "base.raw", "9M"], dir);
    assert!(!resize.status.success(), "a resize passed");
    run(dir, "qemu-img info -f qcow2 top.qcow2");
    run(dir, "qemu-io -r -f qcow2 -c map top.qcow2");
    run(dir, "qemu-img convert -f qcow2 -O raw top.qcow2 copy.raw");
    drop(held);
    io(dir, "raw", "base.raw", &["write -P 8 0 64k"]);
}

#[tokio::test]
async fn a_disk_that_qemu_writes_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    three_deep(dir);
    let mut writer = Command::new("qemu-io")
        .args(["-f", "qcow2", "top.qcow2"])
        .current_dir(dir)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It shows its prompt once the image is open.
    std::io::Read::read_exact(writer.stdout.as_mut().unwrap(), &mut [0; 8]).unwrap();
    let refused = refusal(dir, "top.qcow2", ImageFormat::Qcow2).await;
    assert!(ImageLock::take(&dir.join("top.qcow2")).is_err());
    assert_eq!(refused.code, Code::V0003);
    assert!(refused.cause.contains("qemu-io"), "it is named: {refused}");
    drop(writer.stdin.take());
    writer.wait().unwrap();
    assert!(chain::open("x", &dir.join("top.qcow2"), ImageFormat::Qcow2).await.is_ok());
}

#[tokio::test]
async fn an_export_that_is_given_up_ends_its_child() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run(dir, "qemu-img create -q -f qcow2 big.qcow2 4G");
    io(dir, "qcow2", "big.qcow2", &["write -P 1 0 256M"]);
    let path = dir.join("big.qcow2");
    let chain = chain::open("x", &path, ImageFormat::Qcow2).await.unwrap();
    let (disk, to, progress) = (disk(path, &chain), dir.join("part.raw"), unwatched());
    let begun =
        tokio::time::timeout(std::time::Duration::from_millis(20), export::export(&disk, &to, &progress));
    assert!(begun.await.is_err(), "it takes longer than that");
    // A killed child is gone as soon as the runtime looks; its target is then nobody's.
    for _ in 0..500 {
        if super::users::writer_of(&to).is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("qemu-img goes on");
}
