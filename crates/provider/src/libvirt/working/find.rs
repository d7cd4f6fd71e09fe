//! Finds working copies: by their directories and by their machines, whichever are left.

use crate::{
    capability::WorkingCopyFound,
    layout,
    libvirt::{Libvirt, files, hosts::find::Marked, managed::Role},
    xml::Element,
};
use diecast_domain::{code::Problem, ids::MaintenanceId};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

impl Libvirt {
    pub(in crate::libvirt) async fn find_working_copies(
        &self,
        pool: &str,
    ) -> Result<Vec<WorkingCopyFound>, Problem> {
        let working = layout::working_dir(&self.prepare_storage(pool).await?);
        let at = working.clone();
        let disks = files::apart(&working, move || directories(&at)).await?;
        let mut machines = self.find_marked().await?;
        machines.retain(|marked| marked.mark.role == Role::WorkingCopy && marked.machine == marked.mark.id);
        let mut said = self.ask_guests(&machines).await;
        let machines: BTreeMap<MaintenanceId, Marked> =
            machines.into_iter().map(|marked| (MaintenanceId::from_uuid(marked.machine), marked)).collect();
        let all: BTreeSet<MaintenanceId> = disks.keys().chain(machines.keys()).copied().collect();
        let tell = |id: MaintenanceId| {
            let said = said.remove(&id.as_uuid()).unwrap_or_default();
            WorkingCopyFound {
                id,
                disks: disks.get(&id).copied().unwrap_or(false),
                power: machines.get(&id).map(|marked| marked.power),
                addresses: said.addresses,
                guest_agent: said.agent,
            }
        };
        Ok(all.into_iter().map(tell).collect())
    }
}

/// Every working copy's directory, and whether all its disks are in it.
fn directories(working: &Path) -> io::Result<BTreeMap<MaintenanceId, bool>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(working)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(id) = id {
            found.insert(id, disks_are_there(&entry.path()));
        }
    }
    Ok(found)
}

/// The definition beside them names them, and is written when they are all made.
fn disks_are_there(dir: &Path) -> bool {
    let text = fs::read_to_string(dir.join(layout::MACHINE_FILE)).unwrap_or_default();
    Element::parse(&text).is_ok_and(|machine| {
        let files = machine.all("devices/disk/source").into_iter().filter_map(|source| source.get("file"));
        files.into_iter().all(|file| Path::new(file).is_file())
    })
}
