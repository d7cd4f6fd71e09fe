//! Scripts: a message as JSON on the stdin of a program in the one directory that may be run from.

use super::{
    Payload,
    deliver::{ANSWER_BYTES_MAX, short},
};
use diecast_domain::code::{Code, Problem};
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    task::JoinHandle,
};

/// A script that takes longer is killed, with all that it started. Less than any attempt may take.
const SCRIPT_MAX: Duration = Duration::from_secs(20);
/// How long what it printed is waited for after it ended: something that it left behind may hold it.
const PRINTED_PATIENCE: Duration = Duration::from_secs(1);
/// The longest name of a script.
pub(crate) const NAME_LENGTH_MAX: usize = 100;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Everybody but the owner.
const OTHERS_MAY_WRITE: u32 = 0o022;
const EXECUTABLE: u32 = 0o111;

/// A file's name and nothing that leads elsewhere.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(allowed) && !name.starts_with('.')
}

/// The script, if it may be run.
pub(crate) fn find(folder: Option<&Path>, name: &str) -> Result<PathBuf, Problem> {
    let refused = |cause: String| Err(Problem::new(Code::N0006, cause));
    let Some(folder) = folder else {
        let cause = "the server's configuration names no directory of scripts";
        return Err(Problem::new(Code::N0006, cause).with_hint(
            "name one in /etc/diecast/server.toml, as `notification-scripts`, and start the server again",
        ));
    };
    if !is_name(name) {
        return refused("the name of a script is letters, digits, `-`, `_` and `.`, and no path".to_owned());
    }
    let path = folder.join(name);
    let found = match fs::metadata(&path) {
        Ok(found) => found,
        Err(error) => return refused(format!("{} cannot be used: {error}", path.display())),
    };
    let mode = found.permissions().mode();
    if !found.is_file() || mode & EXECUTABLE == 0 {
        return refused(format!("{} is not an executable file", path.display()));
    }
    let folder_mode = fs::metadata(folder).map_or(0, |there| there.permissions().mode());
    if (mode | folder_mode) & OTHERS_MAY_WRITE != 0 {
        let cause = format!("others than its owner may write to {} or to its directory", path.display());
        return refused(cause);
    }
    Ok(path)
}

pub(super) async fn run(folder: Option<&Path>, name: &str, payload: &Payload) -> Result<String, Problem> {
    let path = find(folder, name)?;
    let failed = |what: String| Problem::new(Code::N0005, format!("the script `{name}` {what}"));
    let mut child =
        start(&path, folder).await.map_err(|error| failed(format!("could not be started: {error}")))?;
    let group = Group(child.id());
    let input = payload.json();
    let stdin = child.stdin.take();
    // A script that reads nothing is none that failed.
    let writing = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    });
    let (out, err) = (printed(child.stdout.take()), printed(child.stderr.take()));
    let ended = tokio::time::timeout(SCRIPT_MAX, child.wait()).await;
    drop(group);
    writing.abort();
    let printed = short(&format!("{} {}", text(err).await, text(out).await));
    let printed = if printed.is_empty() { printed } else { format!(": {printed}") };
    match ended {
        Ok(Ok(status)) if status.success() => Ok(format!("`{name}` ended well{printed}")),
        Ok(Ok(status)) => Err(failed(format!("ended with {status}{printed}"))),
        Ok(Err(error)) => Err(failed(format!("could not be waited for: {error}"))),
        Err(_) => {
            let seconds = SCRIPT_MAX.as_secs();
            Err(failed(format!("did not end within {seconds} s and was killed{printed}")))
        }
    }
}

/// Somebody who just wrote it may still have it open: then it is started a moment later.
async fn start(path: &Path, folder: Option<&Path>) -> std::io::Result<Child> {
    let mut tries = 0;
    loop {
        let mut command = Command::new(path);
        command.env_clear().env("PATH", PATH).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < 20 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            started => return started,
        }
    }
}

type Printed = JoinHandle<Vec<u8>>;

/// Reads all, so that nothing stands still, and keeps the beginning.
fn printed(pipe: Option<impl AsyncReadExt + Unpin + Send + 'static>) -> Printed {
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let Some(mut pipe) = pipe else { return kept };
        let mut part = [0; 1024];
        while let Ok(count @ 1..) = pipe.read(&mut part).await {
            let room = ANSWER_BYTES_MAX.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&part[..room]);
        }
        kept
    })
}

async fn text(printed: Printed) -> String {
    let stop = printed.abort_handle();
    let bytes = tokio::time::timeout(PRINTED_PATIENCE, printed).await;
    stop.abort();
    String::from_utf8_lossy(&bytes.ok().and_then(Result::ok).unwrap_or_default()).into_owned()
}

/// The script and all that it started: killed when this goes, also when nobody waits any longer.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.and_then(|id| i32::try_from(id).ok()) {
            kill(leader);
        }
    }
}

fn kill(group: i32) {
    #![allow(unsafe_code)]
    // SAFETY: kill(2) touches no memory. The group is that of a child of ours, whose number is not given
    // to another while a member lives.
    unsafe { libc::kill(-group, libc::SIGKILL) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["notify", "to-pager.sh", "a_b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "..", ".hidden", "a/b", "/bin/sh", "a b", "a;b", "../x", &"x".repeat(101)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
