//! Child processes with limits: time, memory and how much they may say.

use std::{ops::ControlFlow, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Looking into an image: its header is read, not its content. What takes longer hangs.
pub const LOOK_DEADLINE: Duration = Duration::from_secs(60);
/// The most a tool may answer: the JSON of an image with many snapshots is far below.
const ANSWER_BYTES_MAX: u64 = 8 << 20;
/// The same, where it is taken line by line and not kept: a map of the largest disks.
const LINES_BYTES_MAX: u64 = 8 << 30;
/// Address space for looking into an image: a crafted header cannot ask for more (CVE-2015-5162).
const LOOK_MEMORY_BYTES_MAX: u64 = 2 << 30;

/// What a tool answered.
#[derive(Debug)]
pub struct Answer {
    pub ok: bool,
    pub status: Option<i32>,
    pub stdout: String,
    /// Its last words, on one line.
    pub complaint: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("could not run `{program}`: {source_text}")]
    Start { program: String, source_text: String },
    #[error("`{program}` did not finish within {seconds} s")]
    Deadline { program: String, seconds: u64 },
}

/// Runs a tool under limits of memory, and kills it at the deadline or when nobody waits any more.
pub async fn look(program: &str, args: &[&dyn AsArg]) -> Result<Answer, CommandError> {
    run(program, limited(program, args), LOOK_DEADLINE).await
}

/// The same for an answer of many lines, each of which is handed on as it comes. Where `line` has
/// had enough, the tool is ended.
pub async fn look_through(
    program: &str,
    args: &[&dyn AsArg],
    deadline: Duration,
    mut line: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<Answer, CommandError> {
    let start = could_not_run(program);
    let mut child = spawn(limited(program, args)).map_err(&start)?;
    let mut lines = BufReader::new(child.stdout.take().expect("it was piped").take(LINES_BYTES_MAX)).lines();
    let mut stderr = child.stderr.take().expect("it was piped").take(ANSWER_BYTES_MAX);
    let mut said = Vec::new();
    let work = async {
        let out = async {
            while let Some(text) = lines.next_line().await? {
                if line(&text).is_break() {
                    break;
                }
            }
            // Whatever it still has to say, nobody listens.
            drop(lines);
            Ok(())
        };
        let (out, err) = tokio::join!(out, stderr.read_to_end(&mut said));
        out.and(err.map(drop))?;
        child.wait().await
    };
    let status = timeout(deadline, work).await.map_err(|_| too_long(program, deadline))?.map_err(&start)?;
    Ok(Answer {
        ok: status.success(),
        status: status.code(),
        stdout: String::new(),
        complaint: complaint(&said),
    })
}

fn limited(program: &str, args: &[&dyn AsArg]) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={LOOK_MEMORY_BYTES_MAX}")).arg("--core=0").arg("--").arg(program);
    for arg in args {
        command.arg(arg.as_arg());
    }
    command
}

/// Runs a tool that works through content; the caller says how long that may take.
pub async fn work(program: &str, args: &[&dyn AsArg], deadline: Duration) -> Result<Answer, CommandError> {
    let mut command = Command::new(program);
    for arg in args {
        command.arg(arg.as_arg());
    }
    run(program, command, deadline).await
}

fn spawn(mut command: Command) -> std::io::Result<Child> {
    command.env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

fn could_not_run(program: &str) -> impl Fn(std::io::Error) -> CommandError {
    |error| CommandError::Start { program: program.to_owned(), source_text: error.to_string() }
}

fn too_long(program: &str, deadline: Duration) -> CommandError {
    CommandError::Deadline { program: program.to_owned(), seconds: deadline.as_secs() }
}

async fn run(program: &str, command: Command, deadline: Duration) -> Result<Answer, CommandError> {
    let start = could_not_run(program);
    let mut child = spawn(command).map_err(&start)?;
    let stdout = child.stdout.take().expect("it was piped");
    let stderr = child.stderr.take().expect("it was piped");
    let both = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut stdout = stdout.take(ANSWER_BYTES_MAX);
        let mut stderr = stderr.take(ANSWER_BYTES_MAX);
        let (one, two) = tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err));
        one.and(two)?;
        let status = child.wait().await?;
        Ok((status, out, err))
    };
    let (status, out, err) =
        timeout(deadline, both).await.map_err(|_| too_long(program, deadline))?.map_err(&start)?;
    Ok(Answer {
        ok: status.success(),
        status: status.code(),
        stdout: String::from_utf8_lossy(&out).into_owned(),
        complaint: complaint(&err),
    })
}

/// The last few lines of what a tool said, short enough for a sentence.
pub fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    last.chars().take(600).collect()
}

/// Paths and words alike.
pub trait AsArg: Sync {
    fn as_arg(&self) -> &std::ffi::OsStr;
}

impl AsArg for &str {
    fn as_arg(&self) -> &std::ffi::OsStr {
        (*self).as_ref()
    }
}

impl AsArg for &Path {
    fn as_arg(&self) -> &std::ffi::OsStr {
        self.as_os_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_that_hangs_is_ended_at_its_deadline() {
        let hung = work("sleep", &[&"1000"], Duration::from_millis(50)).await;
        assert!(matches!(hung, Err(CommandError::Deadline { .. })));
    }

    #[tokio::test]
    async fn a_tool_that_is_missing_is_named() {
        let missing = work("no-such-tool", &[], LOOK_DEADLINE).await.unwrap_err();
        assert!(missing.to_string().contains("no-such-tool"), "{missing}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_read_until_somebody_has_had_enough() {
        let mut lines = 0;
        let count = |line: &str| {
            assert_eq!(line, "y");
            lines += 1;
            if lines < 10_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let answer = look_through("yes", &[], LOOK_DEADLINE, count).await.unwrap();
        assert!(!answer.ok, "it was ended");
        assert_eq!(lines, 10_000);
    }
}
