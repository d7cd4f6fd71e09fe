//! Versions in a pool's directory, and how the pool shows them.

use super::{
    Libvirt, files, machine,
    session::{ASK_DEADLINE, WORK_DEADLINE},
};
use crate::{capability::TemplateCopy, layout, xml::Element};
use diecast_domain::code::{Code, Problem};
use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use virt::{storage_pool::StoragePool, storage_vol::StorageVol};

/// Pools that are directories: what Diecast puts there by name is seen by libvirt.
const DIRECTORY_POOLS: [&str; 3] = ["dir", "fs", "netfs"];

/// What the names of volumes begin with.
const VOLUME_PREFIX: &str = "diecast-";

impl Libvirt {
    pub(super) async fn pool_dir(&self, pool: &str) -> Result<PathBuf, Problem> {
        let whose = format!("the storage pool {pool}");
        let bad = |what: &str| Problem::new(Code::P0003, format!("{whose} {what}"));
        let name = pool.to_owned();
        if name.is_empty() || name.contains('\0') {
            return Err(bad("has no possible name"));
        }
        let asked = self.session.call("looking up the pool", ASK_DEADLINE, move |connection| {
            let pool = StoragePool::lookup_by_name(connection, &name)?;
            Ok((pool.is_active()?, pool.get_xml_desc(0)?))
        });
        let (active, xml) = asked.await.map_err(|error| error.problem(Code::P0003, &whose))?;
        if !active {
            return Err(bad("is not active"));
        }
        let tree = Element::parse(&xml).map_err(|error| bad(&format!("is unreadable: {error}")))?;
        if !tree.get("type").is_some_and(|kind| DIRECTORY_POOLS.contains(&kind)) {
            return Err(bad("is not a directory"));
        }
        let target = tree.text_at("target/path").ok_or_else(|| bad("has no directory"))?;
        let target = PathBuf::from(target);
        if !target.is_dir() {
            return Err(bad(&format!("has lost its directory {}", target.display())));
        }
        Ok(target)
    }

    pub(super) async fn prepare_storage(&self, pool: &str) -> Result<PathBuf, Problem> {
        let target = self.pool_dir(pool).await?;
        let storage = target.join(layout::STORAGE_DIR);
        if !storage.exists() {
            fit(pool, &target)?;
        }
        let below = [layout::versions_dir, layout::hosts_dir, layout::working_dir, layout::data_dir];
        for dir in [storage.clone()].into_iter().chain(below.map(|below| below(&storage))) {
            files::make_dir(&dir).map_err(|error| files::problem(&dir, &error))?;
        }
        Ok(storage)
    }

    pub(super) async fn show(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem> {
        let whose = whose(copy);
        let failed = |path: &Path, error: &io::Error| {
            let problem = files::problem(path, error);
            Problem::new(Code::P0011, format!("{whose}: {}", problem.cause))
        };
        let target = self.pool_dir(pool).await?;
        let links = links(&target, copy);
        for (file, volume) in &links {
            if !same_file(file, volume) {
                let unfinished = files::unfinished(volume);
                let link = files::remove(&unfinished)
                    .and_then(|()| fs::hard_link(file, &unfinished))
                    .and_then(|()| fs::rename(&unfinished, volume));
                link.map_err(|error| failed(volume, &error))?;
            }
        }
        files::sync_parent(&target.join("x")).map_err(|error| failed(&target, &error))?;
        let definition = definition_file(copy);
        let xml = definition_text(copy);
        fs::create_dir_all(&copy.definitions)
            .and_then(|()| files::write(&definition, xml.as_bytes(), files::READ_ONLY))
            .map_err(|error| failed(&definition, &error))?;
        self.valid(&whose, xml).await?;
        self.refresh(pool, &whose).await?;
        if self.volumes_there(pool, copy).await? {
            Ok(())
        } else {
            let cause = format!("{whose}: the pool {pool} was refreshed and does not show it");
            Err(Problem::new(Code::P0011, cause))
        }
    }

    pub(super) async fn shown(&self, pool: &str, copy: &TemplateCopy) -> Result<bool, Problem> {
        let target = self.pool_dir(pool).await?;
        let linked = links(&target, copy).iter().all(|(file, volume)| same_file(file, volume));
        let defined = fs::read_to_string(definition_file(copy)).ok();
        if !linked || defined.as_deref() != Some(definition_text(copy).as_str()) {
            return Ok(false);
        }
        self.volumes_there(pool, copy).await
    }

    pub(super) async fn hide(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem> {
        let target = self.pool_dir(pool).await?;
        for path in own_files(&target, copy) {
            files::remove(&path).map_err(|error| files::problem(&path, &error))?;
        }
        self.refresh(pool, &whose(copy)).await
    }

    /// libvirt turns the definition into a QEMU command line, and defines nothing by that.
    async fn valid(&self, whose: &str, xml: String) -> Result<(), Problem> {
        let asked = self.session.call("trying the definition", WORK_DEADLINE, move |connection| {
            connection.domain_xml_to_native("qemu-argv", &xml, 0)
        });
        asked.await.map(|_| ()).map_err(|error| error.problem(Code::P0011, whose))
    }

    async fn refresh(&self, pool: &str, whose: &str) -> Result<(), Problem> {
        let name = pool.to_owned();
        let asked = self.session.call("refreshing the pool", WORK_DEADLINE, move |connection| {
            StoragePool::lookup_by_name(connection, &name)?.refresh(0)
        });
        asked.await.map(|_| ()).map_err(|error| error.problem(Code::P0011, whose))
    }

    async fn volumes_there(&self, pool: &str, copy: &TemplateCopy) -> Result<bool, Problem> {
        let name = pool.to_owned();
        let volumes = volume_names(copy);
        let asked = self.session.call("looking up volumes", ASK_DEADLINE, move |connection| {
            let pool = StoragePool::lookup_by_name(connection, &name)?;
            for volume in &volumes {
                StorageVol::lookup_by_name(&pool, volume)?;
            }
            Ok(())
        });
        match asked.await {
            Ok(()) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error.problem(Code::P0011, &whose(copy))),
        }
    }
}

/// Whether a pool that was never used before can be: found out before anything lies there.
fn fit(pool: &str, target: &Path) -> Result<(), Problem> {
    let fits = files::has_hard_links(target, |one, two| fs::hard_link(one, two));
    if fits.map_err(|error| files::problem(target, &error))? {
        return Ok(());
    }
    let target = target.display();
    let cause = format!(
        "the storage pool {pool} lies at {target}, on a file system on which a file cannot have two names (hard links)"
    );
    Err(Problem::new(Code::P0017, cause))
}

fn whose(copy: &TemplateCopy) -> String {
    format!("the template {} v{}", copy.template, copy.number)
}

fn volume_names(copy: &TemplateCopy) -> Vec<String> {
    let slots = copy.profile.disks.iter();
    slots.map(|slot| layout::volume_name(&copy.template, copy.number, &slot.name)).collect()
}

/// Each disk's file, and the name by which the pool shows it.
fn links(target: &Path, copy: &TemplateCopy) -> Vec<(PathBuf, PathBuf)> {
    let files = copy.profile.disks.iter().map(|slot| copy.dir.join(layout::disk_file(&slot.name)));
    files.zip(volume_names(copy).iter().map(|name| target.join(name))).collect()
}

/// What shows this very version. Of another that has its name by now, or of somebody's file with such
/// a name, nothing is taken away.
fn own_files(target: &Path, copy: &TemplateCopy) -> Vec<PathBuf> {
    let definition = definition_file(copy);
    let defined = fs::read_to_string(&definition).is_ok_and(|text| text == definition_text(copy));
    let (files, named): (Vec<_>, Vec<_>) = links(target, copy).into_iter().unzip();
    // Another template of the same content may have shown it too, under its own name: as long as one
    // link is left, the bytes are.
    let listed = fs::read_dir(target).into_iter().flatten().flatten();
    let ours = listed.filter(|entry| entry.file_name().to_string_lossy().starts_with(VOLUME_PREFIX));
    let mut found: BTreeSet<_> = ours
        .map(|entry| entry.path())
        .filter(|path| files.iter().any(|file| same_file(file, path)))
        .collect();
    if defined {
        // The name is this version's, so a link to a file of it that is gone by now goes too.
        found.extend(named);
    }
    found.into_iter().chain(defined.then_some(definition)).collect()
}

fn definition_file(copy: &TemplateCopy) -> PathBuf {
    copy.definitions.join(format!("{}-v{}.xml", copy.template, copy.number))
}

fn definition_text(copy: &TemplateCopy) -> String {
    let name = format!("diecast-{}-v{}", copy.template, copy.number);
    machine::template(&name, &copy.digest, &copy.profile, &copy.dir).render()
}

fn same_file(one: &Path, two: &Path) -> bool {
    let identity = |path: &Path| fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    identity(one).is_some() && identity(one) == identity(two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{
        digest::Digest,
        profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType},
        units::ByteCount,
    };

    fn copy(root: &Path, byte: u8) -> TemplateCopy {
        let digest = Digest::from_bytes([byte; 32]);
        let slot = DiskSlot { name: "disk0".into(), bus: DiskBus::Virtio, size: ByteCount::mib(1) };
        let profile = HardwareProfile {
            vcpus: 1,
            memory: ByteCount::mib(64),
            machine: MachineType::Q35,
            firmware: Firmware::Bios,
            cpu_model: None,
            disks: vec![slot],
            nics: Vec::new(),
            tpm: false,
            clock_localtime: false,
        };
        let dir = layout::version_dir(root, &digest);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("disk0.raw"), [byte]).unwrap();
        let template = "win11".parse().unwrap();
        TemplateCopy { template, number: 1, digest, profile, dir, definitions: root.to_owned() }
    }

    #[test]
    fn a_version_takes_along_what_shows_it_and_nothing_of_another_with_its_name() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (copy(root.path(), 1), copy(root.path(), 2));
        let volume = root.path().join("diecast-win11-v1-disk0.raw");
        fs::hard_link(new.dir.join("disk0.raw"), &volume).unwrap();
        fs::write(definition_file(&new), definition_text(&new)).unwrap();
        assert!(own_files(root.path(), &old).is_empty());
        let twin = root.path().join("diecast-twin-v3-disk0.raw");
        fs::hard_link(new.dir.join("disk0.raw"), &twin).unwrap();
        fs::hard_link(new.dir.join("disk0.raw"), root.path().join("somebodys.raw")).unwrap();
        assert_eq!(own_files(root.path(), &new), [twin, volume, definition_file(&new)]);
    }
}
