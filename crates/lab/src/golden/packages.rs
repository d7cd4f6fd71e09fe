//! Files out of Debian packages that need not be installed: fetched by apt, unpacked in the cache.

use crate::{
    paths::{make_folder, text},
    run::{RunError, attempt, run},
    state::lock,
};
use anyhow::{Context, Result};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// The folder that holds what matches `members` of a package, fetched once.
pub fn unpacked(cache: &Path, package: &str, members: &[&str]) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    members.hash(&mut hasher);
    let folder = cache.join("packages").join(format!("{package}-{:08x}", hasher.finish() >> 32));
    make_folder(&cache.join("packages"))?;
    // Two labs that begin at once on a fresh machine would take each other's half for rubbish.
    let _lock = lock(&folder.with_extension("lock"))?;
    if folder.exists() {
        return Ok(folder);
    }
    let fresh = folder.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    make_folder(&fresh)?;
    download(package, &fresh).with_context(|| format!("fetching Debian's package `{package}`"))?;
    let archives = fs::read_dir(&fresh).context("looking at what apt fetched")?;
    let archive = archives
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "deb"))
        .with_context(|| format!("apt fetched no package for `{package}`"))?;
    let pipe = "set -o pipefail; dpkg-deb --fsys-tarfile \"$1\" | tar -x -C \"$2\" --wildcards \"${@:3}\"";
    run(&[&["bash", "-c", pipe, "unpack", text(&archive), text(&fresh)], members].concat())?;
    fs::remove_file(&archive).context("removing what apt fetched")?;
    fs::rename(&fresh, &folder).with_context(|| format!("keeping {}", folder.display()))?;
    Ok(folder)
}

fn download(package: &str, folder: &Path) -> Result<(), RunError> {
    // apt downloads into the folder it runs in, and warns when its own user cannot write there.
    let fetch = "cd \"$1\" && apt-get -qq -o APT::Sandbox::User=root download \"$2\"";
    let argv = ["sh", "-c", fetch, "fetch", text(folder), package];
    run(&argv).map(drop).or_else(|_| {
        // Its lists are missing, or older than the archive.
        attempt(&["apt-get", "-qq", "update"]);
        run(&argv).map(drop)
    })
}

/// The package that a package without files of its own stands for.
pub fn real_name(package: &str) -> Result<String> {
    let said = run(&["apt-cache", "depends", package])?;
    let name = |line: &str| Some(line.trim().strip_prefix("Depends: ")?.to_owned());
    said.lines()
        .find_map(name)
        .or_else(|| {
            attempt(&["apt-get", "-qq", "update"]);
            run(&["apt-cache", "depends", package]).ok()?.lines().find_map(name)
        })
        .with_context(|| format!("apt knows no package `{package}`; is this Debian 12?"))
}

#[cfg(all(test, feature = "whole-system"))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn two_labs_that_begin_at_once_with_an_empty_cache_both_get_a_package() {
        let cache = tempfile::tempdir().unwrap();
        let fetch = || unpacked(cache.path(), "qemu-guest-agent", &["./usr/sbin/qemu-ga"]).unwrap();
        let found =
            thread::scope(|scope| [scope.spawn(fetch), scope.spawn(fetch)].map(|it| it.join().unwrap()));
        assert!(found.iter().all(|folder| folder.join("usr/sbin/qemu-ga").exists()));
        assert_eq!(found[0], found[1]);
    }
}
