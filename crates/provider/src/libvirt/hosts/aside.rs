//! Sets a host's disks aside, brings them back, deletes them, and deletes hosts.
//!
//! ```text
//! hosts/<uuid>/ and a machine ──1 definition saved──2 undefined──3 renamed──► hosts/<uuid>.aside-<n>/
//!        ▲                                                                          │
//!        └──4 machine defined──3 renamed──2 origin rewritten──1 the present removed─┘
//! ```
//!
//! Each step can be seen from what is there, so whoever is killed between two goes on with the next.

use super::{mark, origin::Origin, power::Nvram};
use crate::{
    layout,
    libvirt::{Libvirt, files, managed::Managed},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::HostId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

impl Libvirt {
    pub(in crate::libvirt) async fn set_aside(
        &self,
        pool: &str,
        host: HostId,
        incarnation: u32,
    ) -> Result<(), Problem> {
        let machine = Managed::Host(host);
        let whose = machine.to_string();
        let storage = self.prepare_storage(pool).await?;
        let (dir, aside) = (layout::host_dir(&storage, host), layout::aside_dir(&storage, host, incarnation));
        let standing = self.standing(machine, machine.making()).await?;
        if let Some(standing) = standing.filter(|standing| standing.mark.incarnation == incarnation) {
            if !standing.is_off() {
                let cause = format!("{whose} runs; its disks are set aside only when it is off");
                return Err(Problem::new(machine.stopping(), cause));
            }
            if let Some(definition) = self.definition(machine, &whose).await? {
                save(&dir, definition).await?;
            }
            self.take_out(machine, Nvram::Keep).await?;
        }
        let from = dir.clone();
        let moved = move || match Origin::of(&from)? {
            Some(origin) if origin.incarnation == incarnation => files::move_dir(&from, &aside),
            _ => Ok(()),
        };
        files::apart(&dir, moved).await
    }

    pub(in crate::libvirt) async fn bring_back(
        &self,
        pool: &str,
        host: HostId,
        incarnation: u32,
        as_incarnation: u32,
    ) -> Result<(), Problem> {
        let machine = Managed::Host(host);
        let whose = machine.to_string();
        let storage = self.prepare_storage(pool).await?;
        let (dir, aside) = (layout::host_dir(&storage, host), layout::aside_dir(&storage, host, incarnation));
        let standing = self.standing(machine, machine.making()).await?;
        let (now, at) = (dir.clone(), aside.clone());
        let (now, kept) =
            files::apart(&dir, move || Ok((Origin::of(&now)?, Origin::of(&at)?.zip(saved(&at)?)))).await?;
        let is_back = now.is_some_and(|origin| origin.incarnation == as_incarnation);
        if !is_back {
            // Asked before anything is removed: what stands is better than nothing.
            let Some((origin, _)) = kept else {
                let cause = format!("{whose}: no whole incarnation {incarnation} is set aside");
                return Err(Problem::new(machine.making(), cause));
            };
            self.take_out(machine, Nvram::Delete).await?;
            let (from, to) = (aside.clone(), dir.clone());
            let moved = move || {
                files::remove_dir(&to)?;
                Origin { incarnation: as_incarnation, ..origin }.write(&from)?;
                files::move_dir(&from, &to)
            };
            files::apart(&dir, moved).await?;
        } else if standing.is_some_and(|standing| standing.mark.incarnation == as_incarnation) {
            return Ok(());
        }
        let at = dir.clone();
        let saved = files::apart(&dir, move || saved(&at)).await?;
        let counted = saved.and_then(|definition| mark::count_as(definition, as_incarnation));
        let Some(definition) = counted else {
            let file = dir.join(layout::MACHINE_FILE);
            let cause = format!("{whose}: {} is no definition of its machine", file.display());
            return Err(Problem::new(machine.making(), cause));
        };
        self.define(machine, &whose, definition.render()).await
    }

    pub(in crate::libvirt) async fn find_set_aside(
        &self,
        pool: &str,
    ) -> Result<BTreeMap<HostId, BTreeSet<u32>>, Problem> {
        let hosts = layout::hosts_dir(&self.prepare_storage(pool).await?);
        let mut found: BTreeMap<HostId, BTreeSet<u32>> = BTreeMap::new();
        let at = hosts.clone();
        for name in files::apart(&hosts, move || names(&at)).await? {
            if let Some((host, incarnation)) = layout::set_aside_of(&name) {
                found.entry(host).or_default().insert(incarnation);
            }
        }
        Ok(found)
    }

    pub(in crate::libvirt) async fn remove_set_aside(
        &self,
        pool: &str,
        host: HostId,
        incarnation: u32,
    ) -> Result<(), Problem> {
        let storage = self.prepare_storage(pool).await?;
        let aside = layout::aside_dir(&storage, host, incarnation);
        removed(&aside.clone(), Code::H0004, move || files::remove_dir(&aside)).await
    }

    pub(in crate::libvirt) async fn remove_host(
        &self,
        pool: &str,
        host: HostId,
        data: bool,
    ) -> Result<(), Problem> {
        // Before anything is removed: without the pool, files would be left behind for good.
        let storage = self.prepare_storage(pool).await?;
        self.take_out(Managed::Host(host), Nvram::Delete).await?;
        let dir = layout::host_dir(&storage, host);
        let remove = move || {
            for name in names(&layout::hosts_dir(&storage))? {
                if let Some((_, incarnation)) = layout::set_aside_of(&name).filter(|(of, _)| *of == host) {
                    files::remove_dir(&layout::aside_dir(&storage, host, incarnation))?;
                }
            }
            if data {
                let disk = layout::data_disk(&storage, host);
                files::remove(&files::unfinished(&disk))?;
                files::remove(&disk)?;
                files::sync_parent(&disk)?;
            }
            files::remove_dir(&layout::host_dir(&storage, host))
        };
        removed(&dir, Code::H0004, remove).await
    }
}

/// What removing files comes to: the machine's own code, with the path.
pub async fn removed(
    path: &Path,
    code: Code,
    remove: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), Problem> {
    files::apart(path, remove).await.map_err(|problem| Problem::new(code, problem.cause))
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Keeps the machine's definition with its disks. Where they are gone it goes too.
async fn save(dir: &Path, definition: Element) -> Result<(), Problem> {
    let at = dir.to_owned();
    let write = move || match at.is_dir() {
        true => {
            let file = at.join(layout::MACHINE_FILE);
            files::write(&file, definition.render().as_bytes(), files::PRIVATE)
        }
        false => Ok(()),
    };
    files::apart(dir, write).await
}

fn saved(dir: &Path) -> io::Result<Option<Element>> {
    match fs::read_to_string(dir.join(layout::MACHINE_FILE)) {
        Ok(text) => Ok(Element::parse(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
