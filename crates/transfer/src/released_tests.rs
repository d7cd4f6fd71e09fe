//! What former releases published stays readable: the manifests and frames that they wrote, kept byte by byte
//! below `tests/released`, become the same disk.
//!
//! A release that writes something else adds a folder with `UPDATE_RELEASED=1 cargo test -p diecast-transfer
//! --lib released`; those of former releases are never written again.

use crate::{
    changes::{At, ChangedDisk, ChangesInput, Extent, publish_changes},
    depot::{Depot, Holding},
    fetch::fetch,
    manifest::{Encoding, Manifest},
    progress::Progress,
    spool::Spool,
    testing::{LEAF, Manner, Peer, disk, order, published},
    verify::{Verdict, verify},
};
use std::{fs, path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/released");
/// The version, and the one derived from it by other text in the third leaf.
const NAMES: [&str; 2] = ["plain", "derived"];

/// Text that compresses well, a hole, and a short last leaf.
fn content(name: &str) -> Vec<u8> {
    let leaf = |number: u32, length: u64| -> Vec<u8> {
        let line = match (name, number) {
            ("derived", 2) => "another text in the third leaf\n".to_owned(),
            (_, number) => format!("leaf {number} of the golden machine\n"),
        };
        line.bytes().cycle().take(length as usize).collect()
    };
    let hole = vec![0; 3 * LEAF as usize];
    [leaf(0, LEAF), leaf(1, LEAF), leaf(2, LEAF), hole, leaf(6, LEAF), leaf(7, 1234)].concat()
}

/// As this release writes it.
fn write(release: &Path) {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let bytes = content("plain");
    disk(&dir.join("disk0.raw"), bytes.len() as u64, &[(0, bytes)]);
    let base = published(dir, &["disk0"], Some(b"nvram".to_vec())).manifest;
    fs::write(dir.join("overlay"), &content("derived")[2 * LEAF as usize..3 * LEAF as usize]).unwrap();
    let changed = ChangedDisk {
        name: "disk0".into(),
        base: dir.join("disk0.raw"),
        overlays: vec![dir.join("overlay")],
        size: base.size(),
        extents: vec![Extent { start: 2 * LEAF, length: LEAF, at: Some(At { overlay: 0, offset: 0 }) }],
    };
    let input =
        ChangesInput { disks: vec![changed], nvram: Some(b"nvram".to_vec()), profile: b"{}".to_vec() };
    let spool = Spool::open(&dir.join("derived")).unwrap();
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let derived = publish_changes(&base, input, &spool, &progress, &cancel).unwrap().manifest;
    fs::create_dir_all(release).unwrap();
    for (name, manifest, spool) in [("plain", &*base, "spool"), ("derived", &derived, "derived")] {
        fs::write(release.join(format!("{name}.manifest")), manifest.encode()).unwrap();
        fs::write(release.join(format!("{name}.digest")), format!("{}\n", manifest.digest())).unwrap();
        fs::copy(dir.join(spool), release.join(format!("{name}.spool"))).unwrap();
    }
}

#[tokio::test]
async fn what_every_release_published_arrives_as_it_was() {
    if std::env::var_os("UPDATE_RELEASED").is_some() {
        write(&Path::new(RELEASED).join(env!("CARGO_PKG_VERSION")));
    }
    let releases: Vec<_> = fs::read_dir(RELEASED).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!releases.is_empty());
    for release in releases {
        for name in NAMES {
            arrives(&release, name).await;
        }
    }
}

async fn arrives(release: &Path, name: &str) {
    let file = |kind: &str| release.join(format!("{name}.{kind}"));
    let bytes = fs::read(file("manifest")).unwrap();
    let manifest = Arc::new(Manifest::decode(&bytes).unwrap());
    assert_eq!(manifest.encode(), bytes, "there is one way to write it");
    let digest = fs::read_to_string(file("digest")).unwrap();
    assert_eq!(manifest.digest().to_string(), digest.trim());
    assert!(manifest.frames().iter().any(|frame| frame.encoding == Encoding::Zstd), "zstd is involved");

    let root = tempfile::tempdir().unwrap();
    let [golden, empty] = ["golden", "empty"].map(|dir| root.path().join(dir));
    [&golden, &empty].iter().for_each(|dir| fs::create_dir(dir).unwrap());
    let wanted = content(name);
    disk(&golden.join("disk0.raw"), wanted.len() as u64, &[(0, wanted.clone())]);
    let now = published(&golden, &["disk0"], Some(b"nvram".to_vec())).manifest.digest();
    assert_eq!(now, manifest.digest(), "the same content is the same version in every release");

    // Every frame comes as it was written then; a derived version's loose leaves come from plain files.
    let spool = root.path().join("spool");
    fs::copy(file("spool"), &spool).unwrap();
    let dir = if manifest.loose().is_empty() { empty } else { golden };
    let (depot, spool) = (Depot::default(), Some(Arc::new(Spool::open(&spool).unwrap())));
    depot.hold(Holding { manifest: manifest.clone(), dir, spool, arriving: None, seeds: Vec::new() });
    let peer = Peer::with("former", Manner::Honest, depot).await;
    let fetched = fetch(order(&manifest, &root.path().join("incoming"), &[&peer.source])).await.unwrap();
    assert!(fs::read(fetched.dir.join("disk0.raw")).unwrap() == wanted, "{name} of {}", release.display());
    let verdict = verify(&manifest, &fetched.dir, &Progress::default(), &CancellationToken::new()).unwrap();
    assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
}
