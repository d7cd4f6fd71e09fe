//! Opens a golden machine, or a lone image, for reading.

use super::{
    Libvirt, golden,
    inspect::{MachineState, standing_obstacle, state},
    session::ASK_DEADLINE,
};
use crate::{
    image::{chain, header, lock::ImageLock, partition},
    source::{FileStamp, Fingerprint, SourceDisk, SourceMachine},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    profile::{DiskBus, DiskSlot, HardwareProfile, MachineType},
    units::ByteCount,
};
use std::{
    fs, io,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};
use uuid::Uuid;
use virt::{domain::Domain, sys};

/// QEMU's largest flash device is smaller; a file beyond this is no NVRAM.
const NVRAM_BYTES_MAX: u64 = 64 << 20;
/// What a machine made from a lone image gets: enough to install into, little enough for any
/// provider. The operator sees both in the template's profile.
const IMAGE_VCPUS: u32 = 2;
const IMAGE_MEMORY: ByteCount = ByteCount::gib(2);

impl Libvirt {
    pub(super) async fn read_machine(&self, name: &str) -> Result<SourceMachine, Problem> {
        let (uuid, state, xml) = self.machine_by_name(name).await?;
        if let Some(problem) = standing_obstacle(name, state) {
            return Err(problem);
        }
        let tree = Element::parse(&xml)
            .map_err(|error| Problem::new(Code::P0002, format!("libvirt's definition of {name}: {error}")))?;
        let golden = golden::read(&tree)?;
        let mut machine = SourceMachine {
            name: name.to_owned(),
            profile: golden.profile,
            disks: Vec::new(),
            nvram: None,
            fingerprint: Fingerprint { machine: Some(uuid), files: Vec::new() },
            warnings: golden.warnings,
            locks: Vec::new(),
        };
        for (index, disk) in golden.disks.iter().enumerate() {
            let whose = format!("the machine {name}, disk {}", disk.target);
            add_disk(&mut machine, index, &whose, &disk.path, disk.format).await?;
        }
        if let Some(path) = golden.nvram {
            read_nvram(&mut machine, &path)?;
        }
        // Whoever started it before the locks were there is seen now.
        self.still_as_it_was(&machine).await?;
        Ok(machine)
    }

    pub(super) async fn still_as_it_was(&self, machine: &SourceMachine) -> Result<(), Problem> {
        let changed = |what: String| Err(Problem::new(Code::V0007, what));
        if let Some(uuid) = machine.fingerprint.machine {
            let (found, state, _) = self.machine_by_name(&machine.name).await?;
            if found != uuid {
                return changed(format!("another machine is called {} now", machine.name));
            }
            if let Some(problem) = standing_obstacle(&machine.name, state) {
                return changed(problem.cause);
            }
        }
        for stamp in &machine.fingerprint.files {
            let path = stamp.path.display();
            match FileStamp::of(&stamp.path) {
                Ok(now) if now == *stamp => (),
                Ok(_) => return changed(format!("{path} was changed while it was read")),
                Err(error) => return changed(format!("{path}: {error}")),
            }
        }
        Ok(())
    }

    async fn machine_by_name(&self, name: &str) -> Result<(Uuid, MachineState, String), Problem> {
        let whose = format!("the machine {name}");
        if name.contains('\0') {
            return Err(Problem::new(Code::V0002, "a machine's name has no zero byte"));
        }
        let wanted = name.to_owned();
        let asked = self.session.call("looking up the machine", ASK_DEADLINE, move |connection| {
            let domain = Domain::lookup_by_name(connection, &wanted)?;
            let xml = domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?;
            Ok((domain.get_uuid()?, state(&domain)?, xml))
        });
        asked.await.map_err(|error| error.problem(Code::V0002, &whose))
    }
}

/// Opens an image that belongs to no machine. It is untrusted: nothing outside it is read.
pub async fn read_image(path: &Path, allowed: &[PathBuf]) -> Result<SourceMachine, Problem> {
    let path = &inside(path, allowed)?;
    let whose = format!("the image {}", path.display());
    let unreadable = |error: io::Error| Problem::new(Code::T0005, format!("{whose}: {error}"));
    let file = fs::File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Problem::new(Code::V0009, format!("{whose} is not a plain file")));
    }
    let format = match header::look(&file).map_err(unreadable)? {
        header::Head::Plain(format) => format,
        header::Head::Encrypted => {
            return Err(Problem::new(Code::V0005, format!("{whose} is encrypted")));
        }
        header::Head::Unsafe(reason) => {
            return Err(Problem::new(Code::V0009, format!("{whose}: {reason}")));
        }
    };
    refuse_backing(&whose, path, format).await?;
    let mut machine = SourceMachine {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        profile: HardwareProfile {
            vcpus: IMAGE_VCPUS,
            memory: IMAGE_MEMORY,
            machine: MachineType::Q35,
            firmware: diecast_domain::profile::Firmware::Bios,
            cpu_model: None,
            disks: vec![DiskSlot { name: "disk0".to_owned(), bus: DiskBus::Virtio, size: ByteCount::ZERO }],
            nics: Vec::new(),
            tpm: false,
            clock_localtime: false,
        },
        disks: Vec::new(),
        nvram: None,
        fingerprint: Fingerprint { machine: None, files: Vec::new() },
        warnings: Vec::new(),
        locks: Vec::new(),
    };
    add_disk(&mut machine, 0, &whose, path, format).await?;
    machine.profile.firmware = partition::firmware(&guest_head(&machine.disks[0]).await?);
    machine.warnings.push(
        "the image says nothing of its hardware: processors, memory, firmware and network were \
         chosen for it"
            .to_owned(),
    );
    Ok(machine)
}

fn inside(path: &Path, allowed: &[PathBuf]) -> Result<PathBuf, Problem> {
    let shown = path.display();
    let refuse = || Problem::new(Code::V0010, format!("{shown} is in none of the folders"));
    let real = path.canonicalize();
    // Whether a file exists outside the folders is nobody's business, so that is asked first.
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let within =
        |at: &Path| allowed.iter().filter_map(|dir| dir.canonicalize().ok()).any(|dir| at.starts_with(dir));
    match real {
        Ok(real) if within(&real) => Ok(real),
        Err(error) if parent.is_some_and(|parent| within(&parent)) => {
            Err(Problem::new(Code::V0002, format!("the image {shown}: {error}")))
        }
        Ok(_) | Err(_) => Err(refuse()),
    }
}

/// Read before the chain is walked, so that the walk has nowhere to go.
async fn refuse_backing(whose: &str, path: &Path, format: crate::source::ImageFormat) -> Result<(), Problem> {
    use crate::image::{command, info::ImageInfo};
    let args: [&dyn command::AsArg; 5] = [&"info", &"--output=json", &"-f", &format.as_str(), &path];
    // A file that QEMU writes at this moment is refused by its lock; that comes with its own code.
    let answer = chain::qemu_img(whose, path, command::look("qemu-img", &args).await)?;
    let info = ImageInfo::parse(&answer.stdout)
        .map_err(|error| Problem::new(Code::V0004, format!("{whose}: qemu-img's answer: {error}")))?;
    match info.backing_filename {
        Some(_) => {
            let cause = format!("{whose} is an overlay on another file");
            let hint = "flatten it first: `qemu-img convert -O qcow2 IMAGE FLAT`";
            Err(Problem::new(Code::V0009, cause).with_hint(hint))
        }
        None => Ok(()),
    }
}

async fn add_disk(
    machine: &mut SourceMachine,
    index: usize,
    whose: &str,
    path: &Path,
    format: crate::source::ImageFormat,
) -> Result<(), Problem> {
    let chain = chain::open(whose, path, format).await?;
    let slot = &mut machine.profile.disks[index];
    slot.size = chain.virtual_size;
    machine.disks.push(SourceDisk {
        slot: slot.name.clone(),
        path: path.to_owned(),
        format: chain.format,
        chain: chain.files,
        formats: chain.formats,
        virtual_size: chain.virtual_size,
        data_estimate: chain.data_estimate,
    });
    machine.fingerprint.files.extend(chain.stamps);
    machine.locks.extend(chain.locks);
    Ok(())
}

fn read_nvram(machine: &mut SourceMachine, path: &Path) -> Result<(), Problem> {
    let whose = format!("the machine {}, NVRAM {}", machine.name, path.display());
    let Some((bytes, lock)) = read_variables(&whose, path)? else {
        let warning = "the machine was never started, so its firmware has no variables yet";
        machine.warnings.push(warning.to_owned());
        return Ok(());
    };
    let failed = |error: io::Error| Problem::new(Code::T0005, format!("{whose}: {error}"));
    machine.fingerprint.files.push(FileStamp::of(path).map_err(failed)?);
    machine.locks.push(lock);
    machine.nvram = Some(bytes);
    Ok(())
}

/// The firmware's variables, locked and bounded. None if there are none yet.
pub fn read_variables(whose: &str, path: &Path) -> Result<Option<(Vec<u8>, ImageLock)>, Problem> {
    let failed = |error: io::Error| Problem::new(Code::T0005, format!("{whose}: {error}"));
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let lock =
        ImageLock::take(path).map_err(|error| Problem::new(Code::V0003, format!("{whose}: {error}")))?;
    let mut bytes = Vec::new();
    file.take(NVRAM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.is_empty() || bytes.len() as u64 > NVRAM_BYTES_MAX {
        return Err(Problem::new(Code::V0004, format!("{whose} has no plausible size")));
    }
    Ok(Some((bytes, lock)))
}

/// The first bytes that the guest would see.
async fn guest_head(disk: &SourceDisk) -> Result<Vec<u8>, Problem> {
    use crate::image::command;
    let failed =
        |error: io::Error| Problem::new(Code::T0005, format!("the head of {}: {error}", disk.path.display()));
    let head = tempfile::NamedTempFile::new().map_err(failed)?;
    let input = format!("if={}", disk.path.display());
    let output = format!("of={}", head.path().display());
    let block = format!("bs={}", partition::HEAD_BYTES);
    let args: [&dyn command::AsArg; 9] = [
        &"dd",
        &"-f",
        &disk.format.as_str(),
        &"-O",
        &"raw",
        &block.as_str(),
        &"count=1",
        &input.as_str(),
        &output.as_str(),
    ];
    let answer = command::look("qemu-img", &args).await;
    chain::qemu_img("the image", &disk.path, answer)?;
    let file = fs::File::open(head.path()).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len().min(partition::HEAD_BYTES as u64);
    let mut bytes = vec![0; usize::try_from(length).expect("it was bounded")];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    Ok(bytes)
}
