//! Writing files so that a kill at any instruction leaves the old one or the new one.

use diecast_domain::code::{Code, Problem};
use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Everybody may pass through, so that QEMU's user reaches its files; only we may look around.
pub const PASS_THROUGH: u32 = 0o711;
/// Readable by everybody, writable by nobody: what many machines stand on.
pub const READ_ONLY: u32 = 0o444;
/// Ours, until libvirt gives it to QEMU's user.
pub const PRIVATE: u32 = 0o600;

pub fn problem(path: &Path, error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        let cause = format!("{}: {error}", path.display());
        return Problem::new(Code::T0004, cause).with_hint(
            "if it is mounted writable, the agent's service is not let to write there: add `ReadWritePaths=` with `systemctl edit diecast-agent`",
        );
    }
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::T0003,
        io::ErrorKind::NotFound => Code::T0005,
        _ => Code::T0004,
    };
    Problem::new(code, format!("{}: {error}", path.display()))
}

/// Makes a directory below one that exists, with a mode that the umask does not narrow.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(PASS_THROUGH).create(dir) {
        Ok(()) => {
            fs::set_permissions(dir, fs::Permissions::from_mode(PASS_THROUGH))?;
            sync_parent(dir)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The name under which a file is made before it has its own.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".unfinished");
    path.with_file_name(name)
}

/// Gives a finished file its name.
pub fn finish(path: &Path, mode: u32) -> io::Result<()> {
    let unfinished = unfinished(path);
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(mode))?;
    fs::File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_parent(path)
}

pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let unfinished = unfinished(path);
    remove(&unfinished)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&unfinished)?;
    file.write_all(bytes)?;
    finish(path, mode)
}

/// Moves a directory to a name beside its own that is free.
pub fn move_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)
}

/// Does what may wait for the disk on a thread where nobody else waits for it.
pub async fn apart<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| problem(path, &error))
}

/// A file that is not there is removed already.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub fn sync_parent(path: &Path) -> io::Result<()> {
    fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Whether a file in `dir` can have two names, by trying. `link` is the system's own but in tests.
pub fn has_hard_links(dir: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<bool> {
    let [one, two] = ["diecast-try", "diecast-try-again"].map(|name| unfinished(&dir.join(name)));
    let clear = || remove(&one).and_then(|()| remove(&two));
    clear()?;
    fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&one)?;
    let linked = link(&one, &two);
    clear()?;
    match linked {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Removes a directory with everything in it; a link in its place is not followed.
pub fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Ok(()) => sync_parent(dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_file_can_have_two_names_is_tried_and_nothing_is_left_of_that() {
        let dir = tempfile::tempdir().unwrap();
        let failing = |code: i32| move |_: &Path, _: &Path| Err(io::Error::from_raw_os_error(code));
        assert!(has_hard_links(dir.path(), |one, two| fs::hard_link(one, two)).unwrap());
        assert!(!has_hard_links(dir.path(), failing(libc::EPERM)).unwrap());
        assert!(!has_hard_links(dir.path(), failing(libc::EOPNOTSUPP)).unwrap());
        let full = has_hard_links(dir.path(), failing(libc::ENOSPC)).unwrap_err();
        assert_eq!(problem(dir.path(), &full).code, Code::T0003, "a full disk is not an unfit one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
