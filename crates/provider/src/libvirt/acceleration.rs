//! Whether guests truly run on the processor: shown by one that did.
//!
//! `/dev/kvm` may be there and hang, or run plain code and stumble over the rest. So a throw-away
//! guest of one boot sector (`boot.s`) goes the way of a real one: paging, long mode, x87, SSE. Only
//! the exit code that it asks for itself, within the deadline, counts as yes.

use std::{path::Path, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// The throw-away guest; `boot.s` beside it is its source.
pub const BOOT_SECTOR: &[u8; 512] = include_bytes!("boot.bin");
/// It takes a tenth of a second where KVM works; this allows for a machine that does much else.
const BOOT_DEADLINE: Duration = Duration::from_secs(20);
/// isa-debug-exit turns what is written into twice that plus one; `boot.s` writes 0x2a.
const BOOTED: i32 = 0x2a * 2 + 1;

pub async fn works(emulator: &str) -> bool {
    if !Path::new("/dev/kvm").exists() {
        return false;
    }
    boots(emulator, "kvm").await
}

async fn boots(emulator: &str, accelerator: &str) -> bool {
    let Ok(mut image) = tempfile::NamedTempFile::new() else { return false };
    if std::io::Write::write_all(&mut image, BOOT_SECTOR).is_err() {
        return false;
    }
    let drive = format!("file={},format=raw,if=ide,snapshot=on", image.path().display());
    let child = Command::new(emulator)
        .args(["-accel", accelerator, "-nodefaults", "-no-user-config", "-display", "none"])
        .args(["-m", "32", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args(["-drive", &drive])
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    // A guest stuck in the kernel may not even die at once; nobody waits for that.
    match timeout(BOOT_DEADLINE, child.wait()).await {
        Ok(Ok(status)) => status.code() == Some(BOOTED),
        Ok(Err(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_throw_away_guest_boots_where_everything_is_emulated() {
        assert!(boots("qemu-system-x86_64", "tcg").await);
    }

    #[tokio::test]
    async fn what_does_not_start_is_no_acceleration() {
        assert!(!boots("qemu-system-x86_64", "no-such-accelerator").await);
        assert!(!boots("/no/such/emulator", "tcg").await);
    }
}
