//! Makes a host, or finishes one that was begun.

use super::{
    mark::{self, Mark},
    origin::Origin,
    parts::{self, Making},
    seed,
};
use crate::{
    capability::HostSpec,
    layout,
    libvirt::{
        Libvirt, files,
        machine::{self, Acceleration, Machine},
        managed::{Managed, Role},
        session::{ASK_DEADLINE, WORK_DEADLINE},
    },
    xml::Element,
};
use diecast_domain::{code::Problem, host::MacAddress, preparation::Preparation, profile::HardwareProfile};
use std::{collections::BTreeMap, io, path::Path};
use virt::{domain::Domain, error::ErrorNumber, sys};

impl Libvirt {
    pub(in crate::libvirt) async fn make_host(
        &self,
        pool: &str,
        spec: &HostSpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem> {
        let host = Managed::Host(spec.id);
        let whose = format!("the host {}", spec.name);
        if self.stands(spec, &whose).await? {
            return Ok(());
        }
        fitting(host, &whose, &spec.macs, profile)?;
        let plugs = self.plugs(profile, networks).await?;
        let storage = self.prepare_storage(pool).await?;
        let dir = layout::host_dir(&storage, spec.id);
        let making = Making { whose: &whose, code: host.making(), dir: &dir };
        begin(spec, &dir, version_dir).await?;
        let disks = async {
            let mut disks = Vec::new();
            for slot in &profile.disks {
                disks.push(making.disk(spec.kind, &slot.name, version_dir).await?);
            }
            Ok::<_, Problem>(disks)
        };
        let data = async {
            let Some(size) = spec.data_disk else { return Ok(None) };
            making.data_disk(&layout::data_disk(&storage, spec.id), size).await.map(Some)
        };
        let seed = async {
            if spec.preparation == Preparation::None {
                return Ok(None);
            }
            let iso = dir.join(layout::SEED_FILE);
            if !iso.exists() {
                seed::write(spec, &iso).await?;
            }
            Ok(Some(iso))
        };
        let (disks, data, seed) = tokio::try_join!(disks, data, seed)?;
        let xml = machine::machine(&Machine {
            id: host.uuid(),
            name: spec.name.as_str(),
            mark: mark_of(spec).element(spec.kind),
            profile,
            disks: &disks,
            seed: seed.as_deref(),
            data: data.as_ref(),
            plugs: &plugs,
            macs: &spec.macs,
            dir: &dir,
            acceleration: self.acceleration().await?,
        });
        self.define(host, &whose, xml.render()).await
    }

    /// The machine is there and is this incarnation. Anybody else's machine is left alone.
    async fn stands(&self, spec: &HostSpec, whose: &str) -> Result<bool, Problem> {
        let host = Managed::Host(spec.id);
        let Some(domain) = self.definition(host, whose).await? else { return Ok(false) };
        let refuse = |what: String| Err(Problem::new(host.making(), format!("{whose}: {what}")));
        match mark::read(&domain).filter(|mark| mark.is_of(host)) {
            Some(found) if found.incarnation != spec.incarnation => refuse(format!(
                "its disks of incarnation {} stand, and not of {}; set them aside first",
                found.incarnation, spec.incarnation
            )),
            Some(found) if found.digest == spec.digest => Ok(true),
            Some(_) => refuse("it stands with another version; delete it first".to_owned()),
            None => refuse("a machine that is not Diecast's has its UUID".to_owned()),
        }
    }

    /// The machine as it will be at its next start, if it is there.
    pub(in crate::libvirt) async fn definition(
        &self,
        managed: Managed,
        whose: &str,
    ) -> Result<Option<Element>, Problem> {
        let uuid = managed.uuid();
        let asked = self.session.call("looking up the machine", ASK_DEADLINE, move |connection| {
            match Domain::lookup_by_uuid(connection, uuid) {
                // With its secrets: a password set for its screen is part of it.
                Ok(domain) => {
                    domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE).map(Some)
                }
                Err(error) if error.code() == ErrorNumber::NoDomain => Ok(None),
                Err(error) => Err(error),
            }
        });
        let code = managed.making();
        let Some(xml) = asked.await.map_err(|error| error.problem(code, whose))? else { return Ok(None) };
        let unread = |error| Problem::new(code, format!("{whose}: libvirt's definition: {error}"));
        Element::parse(&xml).map(Some).map_err(unread)
    }

    /// Without libvirt's schema check, which takes longer than all else: what is written here is held
    /// against the schema by tests, and what is brought back libvirt has written itself.
    pub(in crate::libvirt) async fn define(
        &self,
        managed: Managed,
        whose: &str,
        xml: String,
    ) -> Result<(), Problem> {
        let asked = self.session.call("defining the machine", WORK_DEADLINE, move |connection| {
            Domain::define_xml(connection, &xml).map(drop)
        });
        asked.await.map_err(|error| error.problem(managed.making(), whose))
    }

    pub(in crate::libvirt) async fn acceleration(&self) -> Result<Acceleration, Problem> {
        Ok(if self.accelerated().await? { Acceleration::Kvm } else { Acceleration::Emulated })
    }
}

fn mark_of(spec: &HostSpec) -> Mark {
    Mark {
        role: Role::Host,
        id: spec.id.as_uuid(),
        name: spec.name.to_string(),
        template: spec.template.to_string(),
        number: spec.number,
        digest: spec.digest,
        incarnation: spec.incarnation,
    }
}

/// There is an address for every network card.
pub fn fitting(
    managed: Managed,
    whose: &str,
    macs: &[MacAddress],
    profile: &HardwareProfile,
) -> Result<(), Problem> {
    if macs.len() == profile.nics.len() {
        return Ok(());
    }
    let cause = format!("{whose} has {} addresses for {} network cards", macs.len(), profile.nics.len());
    Err(Problem::new(managed.making(), cause))
}

/// The host's directory, empty of anything that was begun for another version or incarnation.
async fn begin(spec: &HostSpec, dir: &Path, version_dir: &Path) -> Result<(), Problem> {
    let origin = Origin { digest: spec.digest, kind: spec.kind, incarnation: spec.incarnation };
    let (at, version_dir) = (dir.to_owned(), version_dir.to_owned());
    let begun = move || -> io::Result<()> {
        if Origin::of(&at)?.as_ref() != Some(&origin) {
            files::remove_dir(&at)?;
            files::make_dir(&at)?;
            origin.write(&at)?;
        }
        parts::small_files(&at, &version_dir)
    };
    files::apart(dir, begun).await
}
