//! Makes a working copy, or finishes one that was begun; and deletes it.

use crate::{
    capability::WorkingCopySpec,
    layout,
    libvirt::{
        Libvirt, files,
        hosts::{
            aside::removed,
            create::fitting,
            mark::{self, Mark},
            origin::Origin,
            parts::{self, Making},
            power::Nvram,
        },
        machine::{self, Content, Machine, MachineDisk},
        managed::{Managed, Role},
    },
};
use diecast_domain::{
    code::{Code, Problem},
    host::HostKind,
    ids::MaintenanceId,
    profile::HardwareProfile,
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

impl Libvirt {
    pub(in crate::libvirt) async fn make_working_copy(
        &self,
        pool: &str,
        spec: &WorkingCopySpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem> {
        let copy = Managed::WorkingCopy(spec.id);
        let whose = format!("the working copy of {}", spec.template);
        if let Some(domain) = self.definition(copy, &whose).await? {
            return match mark::read(&domain).filter(|mark| mark.is_of(copy)) {
                Some(_) => Ok(()),
                None => {
                    let cause = format!("{whose}: a machine that is not Diecast's has its UUID");
                    Err(Problem::new(copy.making(), cause))
                }
            };
        }
        fitting(copy, &whose, &spec.macs, profile)?;
        let plugs = self.plugs(profile, networks).await?;
        let storage = self.prepare_storage(pool).await?;
        let dir = layout::working_copy_dir(&storage, spec.id);
        let making = Making { whose: &whose, code: copy.making(), dir: &dir };
        let made_before = begin(spec, &making, version_dir).await?;
        if made_before && let Some(lost) = overlays(&dir, profile).find(|overlay| !overlay.is_file()) {
            return Err(Problem::new(Code::M0003, format!("{whose}: {} is gone", lost.display())));
        }
        let mut disks = Vec::new();
        for slot in &profile.disks {
            disks.push(match made_before {
                true => MachineDisk {
                    file: dir.join(layout::overlay_file(&slot.name)),
                    content: Content::Overlay { base: version_dir.join(layout::disk_file(&slot.name)) },
                },
                false => making.disk(HostKind::Linked, &slot.name, version_dir).await?,
            });
        }
        let name = format!("diecast-{}-maintenance", spec.template);
        let mark = Mark {
            role: Role::WorkingCopy,
            id: copy.uuid(),
            name: name.clone(),
            template: spec.template.to_string(),
            number: spec.number,
            digest: spec.digest,
            incarnation: 1,
        };
        let xml = machine::machine(&Machine {
            id: copy.uuid(),
            name: &name,
            mark: mark.element(HostKind::Linked),
            profile,
            disks: &disks,
            // It is the golden machine, and is told nothing.
            seed: None,
            data: None,
            plugs: &plugs,
            macs: &spec.macs,
            dir: &dir,
            acceleration: self.acceleration().await?,
        })
        .render();
        let (file, text) = (dir.join(layout::MACHINE_FILE), xml.clone());
        files::apart(&dir, move || files::write(&file, text.as_bytes(), files::PRIVATE)).await?;
        self.define(copy, &whose, xml).await
    }

    pub(in crate::libvirt) async fn remove_working_copy(
        &self,
        pool: &str,
        id: MaintenanceId,
    ) -> Result<(), Problem> {
        let copy = Managed::WorkingCopy(id);
        let dir = layout::working_copy_dir(&self.prepare_storage(pool).await?, id);
        self.take_out(copy, Nvram::Delete).await?;
        removed(&dir.clone(), copy.removing(), move || files::remove_dir(&dir)).await
    }
}

/// Where the disks of a working copy are.
fn overlays<'a>(dir: &'a Path, profile: &'a HardwareProfile) -> impl Iterator<Item = PathBuf> + 'a {
    profile.disks.iter().map(|slot| dir.join(layout::overlay_file(&slot.name)))
}

/// Its directory and small files; whether its disks were all made once. What was begun on another
/// version is never cleared away: there may be work in it.
async fn begin(spec: &WorkingCopySpec, making: &Making<'_>, version_dir: &Path) -> Result<bool, Problem> {
    let origin = Origin { digest: spec.digest, kind: HostKind::Linked, incarnation: 1 };
    let (at, version_dir, digest) = (making.dir.to_owned(), version_dir.to_owned(), spec.digest);
    let begun = move || -> io::Result<Option<bool>> {
        match Origin::of(&at)? {
            Some(origin) if origin.digest != digest => return Ok(None),
            Some(_) => (),
            None => {
                files::make_dir(&at)?;
                origin.write(&at)?;
            }
        }
        parts::small_files(&at, &version_dir)?;
        Ok(Some(at.join(layout::MACHINE_FILE).exists()))
    };
    let begun = files::apart(making.dir, begun).await?;
    begun.ok_or_else(|| making.failed(format_args!("{} stands on another version", making.dir.display())))
}
