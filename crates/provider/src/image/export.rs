//! The guest's view of a disk into a sparse plain file.

use super::command::complaint;
use crate::source::{ImageFormat, Progress, SourceDisk};
use diecast_domain::{
    code::{Code, Problem},
    units::ByteCount,
};
use std::{fs, io, path::Path, process::Stdio};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

/// Runs of zeroes this long become holes: the block size of the file systems that hold images.
const HOLE_BYTES: &str = "4k";
/// The most of `qemu-img`'s complaints that is kept.
const COMPLAINT_BYTES_MAX: u64 = 64 << 10;

/// Replaces `to`, and returns when it is on the disk. Dropped in between, it leaves a part behind.
pub async fn export(disk: &SourceDisk, to: &Path, progress: &Progress) -> Result<(), Problem> {
    let total = disk.virtual_size;
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(written(to, &error)),
        _ => (),
    }
    if !reflinked(disk, to).await {
        convert(disk, to, progress).await?;
    }
    let path = to.to_owned();
    let synced = tokio::task::spawn_blocking(move || {
        let file = fs::OpenOptions::new().write(true).open(&path)?;
        file.set_len(total.0)?;
        file.sync_all()
    });
    synced.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| written(to, &error))?;
    progress(total, total);
    Ok(())
}

/// A plain file on the same file system is copied in no time, if the file system can.
async fn reflinked(disk: &SourceDisk, to: &Path) -> bool {
    if disk.format != ImageFormat::Raw || disk.chain.len() != 1 {
        return false;
    }
    let (from, to) = (disk.path.clone(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let done = reflink_copy::reflink(&from, &to).is_ok();
        if !done {
            // Whatever it left is in the way of the next.
            let _ = fs::remove_file(&to);
        }
        done
    });
    copied.await.unwrap_or(false)
}

async fn convert(disk: &SourceDisk, to: &Path, progress: &Progress) -> Result<(), Problem> {
    let failed =
        |error: io::Error| Problem::new(Code::S0004, format!("could not run `qemu-img convert`: {error}"));
    let mut child = Command::new("qemu-img")
        .args(["convert", "-p", "-S", HOLE_BYTES, "-f", disk.format.as_str(), "-O", "raw"])
        .arg(&disk.path)
        .arg(to)
        .env("LC_ALL", "C")
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdout = child.stdout.take().expect("it was piped");
    let stderr = child.stderr.take().expect("it was piped");
    let mut said = Vec::new();
    let mut stderr = stderr.take(COMPLAINT_BYTES_MAX);
    let told = watch(stdout, disk.virtual_size, progress);
    let (told, heard) = tokio::join!(told, stderr.read_to_end(&mut said));
    told.and(heard.map(|_| ())).map_err(failed)?;
    let status = child.wait().await.map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let said = complaint(&said);
    let code = if said.contains("No space left on device") {
        Code::T0003
    } else if said.contains("Failed to get") && said.contains("lock") {
        Code::V0003
    } else if said.contains("error while reading") {
        Code::T0005
    } else {
        Code::T0004
    };
    let (from, to) = (disk.path.display(), to.display());
    Err(Problem::new(code, format!("copying {from} to {to}: qemu-img: {said}")))
}

/// Reads `    (41.70/100%)\r` until the end.
async fn watch(mut stdout: impl AsyncRead + Unpin, total: ByteCount, progress: &Progress) -> io::Result<()> {
    let mut buffer = [0; 256];
    loop {
        let count = stdout.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if let Some(percent) = last_percent(&String::from_utf8_lossy(&buffer[..count])) {
            let done = (total.0 as f64 * percent / 100.0) as u64;
            progress(ByteCount(done.min(total.0)), total);
        }
    }
}

fn last_percent(text: &str) -> Option<f64> {
    let end = text.rfind("/100%)")?;
    let start = text[..end].rfind('(')? + 1;
    text[start..end].trim().parse().ok().filter(|percent: &f64| (0.0..=100.0).contains(percent))
}

fn written(to: &Path, error: &io::Error) -> Problem {
    let code = if error.kind() == io::ErrorKind::StorageFull { Code::T0003 } else { Code::T0004 };
    Problem::new(code, format!("{}: {error}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_the_last_whole_figure() {
        assert_eq!(last_percent("    (0.00/100%)\r    (41.70/100%)\r"), Some(41.7));
        for nothing in ["", "    (41.7", "(x/100%)", "(900/100%)", ")/100%)"] {
            assert_eq!(last_percent(nothing), None, "{nothing}");
        }
    }
}
