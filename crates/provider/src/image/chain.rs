//! The walk from a disk to its base: each file is locked, looked into, and must be safe to read.

use super::{
    command::{self, Answer, CommandError},
    header::{self, Head},
    info::{Checked, ImageInfo, Measured},
    lock::{ImageLock, LockError},
    users,
};
use crate::source::{FileStamp, ImageFormat};
use diecast_domain::{
    code::{Code, Problem},
    units::ByteCount,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The deepest backing chain that is read; libvirt itself stops at 200, and one deeper than this
/// was not made on purpose.
pub const CHAIN_DEPTH_MAX: usize = 32;
/// Checking an image's tables reads all of its metadata; this is for a slow disk and a huge image.
const CHECK_DEADLINE: Duration = Duration::from_secs(30 * 60);

/// A disk with everything that it stands on, locked.
#[derive(Debug)]
pub struct Chain {
    pub format: ImageFormat,
    /// The disk itself first, the base last.
    pub files: Vec<PathBuf>,
    /// One for each of the files.
    pub formats: Vec<ImageFormat>,
    pub virtual_size: ByteCount,
    pub data_estimate: ByteCount,
    pub stamps: Vec<FileStamp>,
    pub locks: Vec<ImageLock>,
}

/// Walks and locks, and counts what is there. `whose` begins every cause: `machine golden, disk vda`.
pub async fn open(whose: &str, disk: &Path, format: ImageFormat) -> Result<Chain, Problem> {
    let mut chain = walk(whose, disk, format).await?;
    chain.data_estimate = estimate(disk, format).await.unwrap_or(chain.virtual_size);
    Ok(chain)
}

/// The same without the counting, which looks at the whole of the disk.
pub async fn walk(whose: &str, disk: &Path, format: ImageFormat) -> Result<Chain, Problem> {
    let mut chain = Chain {
        format,
        files: Vec::new(),
        formats: Vec::new(),
        virtual_size: ByteCount::ZERO,
        data_estimate: ByteCount::ZERO,
        stamps: Vec::new(),
        locks: Vec::new(),
    };
    let mut next = Some((disk.to_owned(), format));
    while let Some((path, format)) = next {
        if chain.files.len() >= CHAIN_DEPTH_MAX {
            return Err(Problem::new(
                Code::V0006,
                format!("{whose}: the backing chain is more than {CHAIN_DEPTH_MAX} files deep"),
            ));
        }
        let stamp = stamp(whose, &path, chain.files.is_empty())?;
        let seen = |old: &FileStamp| (old.device, old.inode) == (stamp.device, stamp.inode);
        if chain.stamps.iter().any(seen) {
            return Err(Problem::new(
                Code::V0006,
                format!("{whose}: the backing chain comes back to {}", path.display()),
            ));
        }
        let lock = lock(whose, &path)?;
        let info = look(whose, &path, format, &lock).await?;
        if chain.files.is_empty() {
            chain.virtual_size = ByteCount(info.virtual_size);
        }
        next = backing(whose, &path, &info)?;
        chain.files.push(path);
        chain.formats.push(format);
        chain.stamps.push(stamp);
        chain.locks.push(lock);
    }
    Ok(chain)
}

fn stamp(whose: &str, path: &Path, top: bool) -> Result<FileStamp, Problem> {
    let missing = if top { Code::V0002 } else { Code::V0006 };
    let meta = std::fs::metadata(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => missing,
            _ => Code::T0005,
        };
        Problem::new(code, format!("{whose}: {}: {error}", path.display()))
    })?;
    if !meta.is_file() {
        let cause = format!("{whose}: {} is not a plain file", path.display());
        return Err(Problem::new(Code::V0008, cause));
    }
    FileStamp::of(path).map_err(|error| Problem::new(Code::T0005, format!("{}: {error}", path.display())))
}

fn lock(whose: &str, path: &Path) -> Result<ImageLock, Problem> {
    let lock = ImageLock::take(path).map_err(|error| match &error {
        LockError::Writer { .. } => {
            let who = users::writer_of(path).map_or(String::new(), |who| format!(": {who}"));
            Problem::new(Code::V0003, format!("{whose}: {error}{who}"))
        }
        LockError::Open { source, .. } | LockError::Lock { source, .. } => {
            Problem::new(Code::T0005, format!("{whose}: {error}: {source}"))
        }
    })?;
    match users::writer_of(path) {
        Some(who) => {
            let cause = format!("{whose}: {} is open for writing by {who}", path.display());
            Err(Problem::new(Code::V0003, cause))
        }
        None => Ok(lock),
    }
}

async fn look(whose: &str, path: &Path, format: ImageFormat, lock: &ImageLock) -> Result<ImageInfo, Problem> {
    let shown = path.display();
    let head = header::look(lock.file())
        .map_err(|error| Problem::new(Code::T0005, format!("{whose}: {shown}: {error}")))?;
    match head {
        Head::Encrypted => return Err(encrypted(whose, path)),
        // Bytes of a raw disk are the guest's own, whatever they look like.
        Head::Unsafe(reason) if format != ImageFormat::Raw => {
            return Err(Problem::new(Code::V0009, format!("{whose}: {shown}: {reason}")));
        }
        Head::Plain(found) if format != ImageFormat::Raw && found != format => {
            let cause = format!("{whose}: {shown} is said to be {format}, and is not");
            return Err(Problem::new(Code::V0004, cause));
        }
        Head::Plain(_) | Head::Unsafe(_) => (),
    }
    let args: [&dyn command::AsArg; 5] = [&"info", &"--output=json", &"-f", &format.as_str(), &path];
    let answer = qemu_img(whose, path, command::look("qemu-img", &args).await)?;
    let info = ImageInfo::parse(&answer.stdout).map_err(|error| {
        Problem::new(Code::V0004, format!("{whose}: {shown}: qemu-img's answer: {error}"))
    })?;
    let data = &info.format_specific.data;
    if info.is_encrypted() {
        return Err(encrypted(whose, path));
    }
    if data.data_file.is_some() || data.extents.len() > 1 {
        let cause = format!("{whose}: {shown} keeps its data in other files");
        return Err(Problem::new(Code::V0009, cause));
    }
    if data.corrupt || corruptions(whose, path, format).await? > 0 {
        let cause = format!("{whose}: {shown}: `qemu-img check` finds corruption");
        return Err(Problem::new(Code::V0004, cause));
    }
    Ok(info)
}

fn encrypted(whose: &str, path: &Path) -> Problem {
    Problem::new(Code::V0005, format!("{whose}: {} is encrypted", path.display()))
}

/// Damaged tables; leaked clusters are no damage. Formats without a check count as sound.
async fn corruptions(whose: &str, path: &Path, format: ImageFormat) -> Result<u64, Problem> {
    if format == ImageFormat::Raw {
        return Ok(0);
    }
    // The file alone: `check` would open all that the header names, and go round a circle for ever.
    let mut alone = serde_json::json!({
        "driver": format.as_str(),
        "file": { "driver": "file", "filename": path.to_string_lossy() },
    });
    if format != ImageFormat::Vhdx {
        alone["backing"] = serde_json::Value::Null;
    }
    let alone = format!("json:{alone}");
    let args: [&dyn command::AsArg; 3] = [&"check", &"--output=json", &alone.as_str()];
    let answer = command::work("qemu-img", &args, CHECK_DEADLINE).await;
    let found = |answer: &Answer| serde_json::from_str::<Checked>(&answer.stdout).unwrap_or_default();
    /// `qemu-img check`: 2 corruption, 3 only leaks, 63 the format has no check.
    const CORRUPT: Option<i32> = Some(2);
    match answer {
        Ok(answer) if answer.status == CORRUPT => Ok(1),
        Ok(answer) if matches!(answer.status, Some(0 | 3)) => Ok(found(&answer).found()),
        Ok(answer) if answer.status == Some(63) => Ok(0),
        // It gave up on the way: tables that point nowhere read as an input/output error. What it
        // had found by then counts.
        Ok(answer) if answer.status == Some(1) && found(&answer).corruptions > 0 => {
            Ok(found(&answer).corruptions)
        }
        other => qemu_img(whose, path, other).map(|_| 0),
    }
}

/// Follows one step. The name in a header is data, not an instruction: only a plain path is taken.
fn backing(whose: &str, path: &Path, info: &ImageInfo) -> Result<Option<(PathBuf, ImageFormat)>, Problem> {
    let Some(name) = info.backing_filename.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let refuse =
        |what: String| Err(Problem::new(Code::V0009, format!("{whose}: {}: {what}", path.display())));
    if has_protocol(name) {
        let name: String = name.chars().take(80).collect();
        return refuse(format!("its backing file `{name}` is not a plain path"));
    }
    let base = path.parent().unwrap_or(Path::new("/")).join(name);
    let Some(word) = info.backing_filename_format.as_deref() else {
        return refuse("it does not say the format of its backing file".to_owned()).map_err(
            |problem: Problem| {
                problem.with_hint("state the format: `qemu-img rebase -u -b BASE -F FORMAT IMAGE`")
            },
        );
    };
    match ImageFormat::from_qemu(word) {
        Some(format) => Ok(Some((base, format))),
        None => refuse(format!("its backing file is in the format `{word}`")),
    }
}

/// QEMU takes what stands before a colon that comes before any slash for a protocol.
fn has_protocol(name: &str) -> bool {
    name.find([':', '/']).is_some_and(|at| name.as_bytes()[at] == b':')
}

/// The bytes of data that the guest's view has, counted through the chain.
async fn estimate(disk: &Path, format: ImageFormat) -> Option<ByteCount> {
    let args: [&dyn command::AsArg; 7] =
        [&"measure", &"--output=json", &"-f", &format.as_str(), &"-O", &"qcow2", &disk];
    let answer = command::look("qemu-img", &args).await.ok().filter(|answer| answer.ok)?;
    let measured: Measured = serde_json::from_str(&answer.stdout).ok()?;
    Some(ByteCount(measured.required))
}

/// Words the failure of a look in the administrator's terms.
pub fn qemu_img(whose: &str, path: &Path, answer: Result<Answer, CommandError>) -> Result<Answer, Problem> {
    let answer = answer.map_err(|error| Problem::new(Code::S0004, format!("{whose}: {error}")))?;
    if answer.ok {
        return Ok(answer);
    }
    let said = &answer.complaint;
    let code = if said.contains("Failed to get") && said.contains("lock") {
        Code::V0003
    } else if said.contains("No space left on device") {
        Code::T0003
    } else if said.contains("Permission denied") || said.contains("Input/output error") {
        Code::T0005
    } else {
        Code::V0004
    };
    Err(Problem::new(code, format!("{whose}: {}: qemu-img: {said}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_path_may_be_a_backing_file() {
        for bad in ["json:{\"driver\":\"nbd\"}", "nbd:localhost:1", "https://x/y", "file:a"] {
            assert!(has_protocol(bad), "{bad}");
        }
        for good in ["base.raw", "/images/a:b.raw", "./a:b", "../x"] {
            assert!(!has_protocol(good), "{good}");
        }
    }
}
