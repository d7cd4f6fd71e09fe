//! Who else has a file open for writing: what locks do not tell.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// Names a process or a loop device that can write the file now, if there is one. Processes that
/// this one may not look at are passed over.
pub fn writer_of(path: &Path) -> Option<String> {
    let wanted = fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))?;
    process(wanted).or_else(|| loop_device(path))
}

fn process(wanted: (u64, u64)) -> Option<String> {
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else { continue };
        for descriptor in descriptors.flatten() {
            let Ok(meta) = fs::metadata(descriptor.path()) else { continue };
            if (meta.dev(), meta.ino()) == wanted
                && open_for_writing(&entry.path().join("fdinfo").join(descriptor.file_name()))
            {
                let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                return Some(format!("process {} ({pid})", comm.trim()));
            }
        }
    }
    None
}

fn open_for_writing(fdinfo: &Path) -> bool {
    let text = fs::read_to_string(fdinfo).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|octal| i32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0);
    matches!(flags & libc::O_ACCMODE, libc::O_WRONLY | libc::O_RDWR)
}

/// The kernel itself has the file open for a loop device, where no process shows it.
fn loop_device(path: &Path) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    for entry in fs::read_dir("/sys/block").ok()?.flatten() {
        let backing = fs::read_to_string(entry.path().join("loop/backing_file"));
        let read_only = fs::read_to_string(entry.path().join("ro"));
        if backing.is_ok_and(|backing| Path::new(backing.trim_end()) == path)
            && read_only.is_ok_and(|ro| ro.trim() == "0")
        {
            return Some(format!("loop device {}", entry.file_name().display()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_writes_a_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = writer_of(file.path()).unwrap();
        assert!(found.contains(&format!("({})", std::process::id())), "{found}");
        let path = file.into_temp_path();
        assert_eq!(writer_of(&path), None);
    }
}
