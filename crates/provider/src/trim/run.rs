//! Runs the helper: a process without rights that holds only the descriptors it was handed, read line by line
//! until it ends or its time is over.
#![allow(unsafe_code)]

use super::told::Told;
use crate::image::command::complaint;
use std::{
    io::{self, BufRead, BufReader, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The most that it may say: a screenful is usual.
const SAID_BYTES_MAX: u64 = 1 << 20;
/// How often one looks whether it has ended, once it says no more.
const END_INTERVAL: Duration = Duration::from_millis(20);

/// A user and group of this machine, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    pub user: u32,
    pub group: u32,
}

pub struct Errand {
    pub program: String,
    pub arguments: Vec<String>,
    /// Kept open under their numbers.
    pub descriptors: Vec<OwnedFd>,
    pub user: Option<User>,
}

#[derive(Debug)]
pub struct Ended {
    pub told: Told,
    /// QEMU's own last words.
    pub complaint: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the helper could not be run: {what}")]
    Start { what: String },
    #[error("the helper was not done within {seconds} s")]
    Deadline { seconds: u64 },
}

/// Dropping the future ends the process.
pub async fn run(errand: Errand, told: Told, deadline: Duration) -> Result<Ended, RunError> {
    let child: Running = Arc::default();
    let _end = Ending(child.clone());
    // A thread of its own: the process dies with the thread that began it (`--pdeathsig`), and those of
    // the runtime come and go.
    let (tell, hear) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        // Nobody may hear it any more.
        let _ = tell.send(follow(errand, told, &child));
    });
    match tokio::time::timeout(deadline, hear).await {
        Ok(Ok(ended)) => ended.map_err(|error| RunError::Start { what: error.to_string() }),
        Ok(Err(_)) => Err(RunError::Start { what: "its thread ended".to_owned() }),
        Err(_) => Err(RunError::Deadline { seconds: deadline.as_secs() }),
    }
}

/// The process, once it was begun, and whether anybody still waits for it.
#[derive(Default)]
struct Process {
    child: Option<Child>,
    unwanted: bool,
}

type Running = Arc<Mutex<Process>>;

/// Kills it when dropped.
struct Ending(Running);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut process = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        process.unwanted = true;
        if let Some(child) = &mut process.child {
            // One that has ended is what is wanted.
            let _ = child.kill();
        }
    }
}

fn follow(errand: Errand, mut told: Told, running: &Running) -> io::Result<Ended> {
    let process = || running.lock().unwrap_or_else(PoisonError::into_inner);
    let (stdout, stderr) = {
        let mut process = process();
        if process.unwanted {
            return Ok(Ended { told, complaint: String::new() });
        }
        let mut child = command(&errand).spawn()?;
        let pipes = (child.stdout.take(), child.stderr.take());
        process.child = Some(child);
        pipes
    };
    // The process has its own by now.
    drop(errand);
    let complaint = thread::spawn(move || {
        let mut said = Vec::new();
        let read = stderr.map(|pipe| pipe.take(SAID_BYTES_MAX).read_to_end(&mut said));
        read.map(|read| read.map(|_| complaint(&said))).transpose()
    });
    let mut lines = BufReader::new(stdout.expect("it was piped").take(SAID_BYTES_MAX));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        told.add(&String::from_utf8_lossy(&line));
        line.clear();
    }
    // One that talks without end is not listened to any more, and ends by its broken pipe.
    drop(lines);
    loop {
        let ended = process().child.as_mut().map(Child::try_wait).transpose()?;
        if ended.flatten().is_some() {
            break;
        }
        thread::sleep(END_INTERVAL);
    }
    let complaint = complaint.join().ok().transpose()?.flatten().unwrap_or_default();
    Ok(Ended { told, complaint })
}

/// `setpriv` takes all rights away: the user's, if there is another, and those that were handed down.
fn command(errand: &Errand) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(User { user, group }) = errand.user {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
    }
    command.args(["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--pdeathsig=KILL", "--"]);
    command.arg(&errand.program).args(&errand.arguments);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let numbers: Vec<_> = errand.descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let keep_open = move || {
        for number in &numbers {
            // SAFETY: it changes a flag of a descriptor of the new process, which was open when this was
            // made and stays open as long as `errand` lives: until after the process was begun.
            if unsafe { libc::fcntl(*number, libc::F_SETFD, 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only `fcntl` is called, which is safe there, and nothing is allocated
    // unless it fails: an error of the operating system holds a number alone.
    unsafe { command.pre_exec(keep_open) };
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Seek;

    fn shell(script: &str) -> Errand {
        Errand {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            descriptors: Vec::new(),
            user: None,
        }
    }

    fn nothing() -> Told {
        Told::new(vec!["disk0".into()])
    }

    const DEADLINE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_has_the_descriptors_and_no_rights() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"trim vda1 ext4 trimmed\n").unwrap();
        file.rewind().unwrap();
        let number = file.as_raw_fd();
        let script = format!(
            "echo trim - helper begun; cat /dev/fd/{number}; grep -q 'CapEff:.*0000000000000000' /proc/self/status || [ $(id -u) = 0 ] && \
             grep -q 'NoNewPrivs:.*1' /proc/self/status && echo trim - helper done; echo why >&2"
        );
        let errand = Errand { descriptors: vec![file.into()], ..shell(&script) };
        let ended = run(errand, nothing(), DEADLINE).await.unwrap();
        assert_eq!(ended.complaint, "why");
        assert_eq!(ended.told.finish().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_at_its_deadline_and_one_that_is_not_wanted_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("pid");
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000", mark.display());
        let hung = run(shell(&script), nothing(), Duration::from_millis(500)).await;
        assert!(matches!(hung, Err(RunError::Deadline { .. })), "{hung:?}");
        gone(&mark);
        std::fs::remove_file(&mark).unwrap();
        let running = tokio::spawn(run(shell(&script), nothing(), DEADLINE));
        while !mark.exists() {
            tokio::time::sleep(END_INTERVAL).await;
        }
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        gone(&mark);
    }

    /// Waits until the process that wrote its number is no more.
    fn gone(mark: &std::path::Path) {
        let pid = std::fs::read_to_string(mark).unwrap();
        let status = format!("/proc/{}/status", pid.trim());
        let runs = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ"));
        while runs() {
            thread::sleep(END_INTERVAL);
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let errand = Errand { program: "/no/such/emulator".into(), ..shell("") };
        let ended = run(errand, nothing(), DEADLINE).await.unwrap();
        assert!(ended.complaint.contains("/no/such/emulator"), "{}", ended.complaint);
    }
}
