//! What a host is like beside its version, as operators write it: checked here, at the door.

pub(crate) mod unattend;
pub(crate) mod user_data;

use crate::app::refused::Refused;
use diecast_api::operator::host::SetupBody;
use diecast_domain::{
    host::HostSetup,
    preparation::{Preparation, ReadyWhen, TEXT_BYTES_MAX},
    units::ByteCount,
};

/// A data disk smaller than this holds no file system.
const DATA_DISK_MIN: ByteCount = ByteCount::mib(1);
/// Far above what a guest's data needs, and within what every file system takes as one file.
const DATA_DISK_MAX: ByteCount = ByteCount::gib(64 << 10);
/// Disks are made of sectors.
const SECTOR_BYTES: u64 = 512;

/// What `asked` says, with the defaults for what it leaves out.
pub(crate) fn parse(asked: &SetupBody) -> Result<HostSetup, Refused> {
    let data_disk = asked.data_disk_bytes.map(data_disk).transpose()?;
    Ok(HostSetup { preparation: preparation(asked)?, data_disk, ready_when: ready_when(asked)? })
}

/// What `asked` changes of `before`; what it leaves out stays. No data disk is 0 bytes, no text an empty one.
pub(crate) fn merged(before: &HostSetup, asked: &SetupBody) -> Result<HostSetup, Refused> {
    let mut all = body(before);
    if let Some(preparation) = &asked.preparation {
        if all.preparation.as_ref() != Some(preparation) {
            (all.user_data, all.unattend) = (None, None);
        }
        all.preparation = Some(preparation.clone());
    }
    all.user_data = asked.user_data.clone().or(all.user_data).filter(|text| !text.is_empty());
    all.unattend = asked.unattend.clone().or(all.unattend).filter(|text| !text.is_empty());
    all.data_disk_bytes = asked.data_disk_bytes.or(all.data_disk_bytes).filter(|bytes| *bytes > 0);
    all.ready_when = asked.ready_when.clone().or(all.ready_when);
    parse(&all)
}

/// The same in the operators' words.
pub(crate) fn body(setup: &HostSetup) -> SetupBody {
    let (user_data, unattend) = match &setup.preparation {
        Preparation::CloudInit { user_data } => (user_data.clone(), None),
        Preparation::Sysprep { unattend } => (None, Some(unattend.clone())),
        Preparation::None => (None, None),
    };
    SetupBody {
        preparation: Some(setup.preparation.as_str().to_owned()),
        user_data,
        unattend,
        data_disk_bytes: setup.data_disk.map(|size| size.0),
        ready_when: Some(setup.ready_when.as_str().to_owned()),
    }
}

fn preparation(asked: &SetupBody) -> Result<Preparation, Refused> {
    let (user_data, unattend) = (&asked.user_data, &asked.unattend);
    match asked.preparation.as_deref() {
        None | Some("cloud-init") => {
            only_with("unattend", unattend, "sysprep")?;
            if let Some(text) = user_data {
                fits("user_data", text)?;
                user_data::check(text)
                    .map_err(|error| Refused::malformed(format!("`user_data`: {error}")))?;
            }
            Ok(Preparation::CloudInit { user_data: user_data.clone() })
        }
        Some("sysprep") => {
            only_with("user_data", user_data, "cloud-init")?;
            let Some(text) = unattend else {
                return Err(Refused::malformed("`sysprep` needs `unattend`, the text of an unattend.xml"));
            };
            fits("unattend", text)?;
            unattend::check(text).map_err(|error| Refused::malformed(format!("`unattend`: {error}")))?;
            Ok(Preparation::Sysprep { unattend: text.clone() })
        }
        Some("none") => {
            only_with("user_data", user_data, "cloud-init")?;
            only_with("unattend", unattend, "sysprep")?;
            Ok(Preparation::None)
        }
        Some(other) => Err(unknown("preparation", other, "`cloud-init`, `sysprep` or `none`")),
    }
}

fn ready_when(asked: &SetupBody) -> Result<ReadyWhen, Refused> {
    match asked.ready_when.as_deref() {
        None => Ok(ReadyWhen::default()),
        Some("running") => Ok(ReadyWhen::Running),
        Some("address") => Ok(ReadyWhen::Address),
        Some("guest-agent") => Ok(ReadyWhen::GuestAgent),
        Some(other) => Err(unknown("ready_when", other, "`running`, `address` or `guest-agent`")),
    }
}

fn data_disk(bytes: u64) -> Result<ByteCount, Refused> {
    let size = ByteCount(bytes);
    if (DATA_DISK_MIN..=DATA_DISK_MAX).contains(&size) && bytes.is_multiple_of(SECTOR_BYTES) {
        return Ok(size);
    }
    Err(Refused::malformed(format!(
        "`data_disk_bytes` is {bytes}; it may be {DATA_DISK_MIN} to {DATA_DISK_MAX}, a multiple of {SECTOR_BYTES} bytes"
    )))
}

fn only_with(field: &str, given: &Option<String>, with: &str) -> Result<(), Refused> {
    match given {
        None => Ok(()),
        Some(_) => Err(Refused::malformed(format!("`{field}` goes only with the preparation `{with}`"))),
    }
}

fn fits(field: &str, text: &str) -> Result<(), Refused> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let limit = ByteCount(TEXT_BYTES_MAX as u64);
    Err(Refused::malformed(format!("`{field}` has {}; it may have {limit}", ByteCount(text.len() as u64))))
}

/// A word that is none of those that a field takes.
pub(crate) fn unknown(field: &str, said: &str, takes: &str) -> Refused {
    let said: String = said.chars().take(80).collect();
    Refused::malformed(format!("`{field}` is `{said}`; it may be {takes}"))
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
