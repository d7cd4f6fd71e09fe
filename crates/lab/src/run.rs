//! The one way in which the lab runs another program: what failed is reported with its own words.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// Why a program did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("`{program}` is not installed; `scripts/install-packages` installs what the lab needs")]
    Missing { program: String },
    #[error("could not start `{command}`")]
    Start {
        command: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{command}` failed ({outcome}){said}")]
    Failed { command: String, outcome: String, said: String },
}

/// Characters of a failed program's standard error that are shown: its end says what went wrong.
const STDERR_SHOWN_MAX: usize = 2_000;

/// Runs a program to its end and gives its standard output, without the last line break.
pub fn run(argv: &[&str]) -> Result<String, RunError> {
    run_with_input(argv, "")
}

/// Like [`run`], with a text on standard input.
pub fn run_with_input(argv: &[&str], input: &str) -> Result<String, RunError> {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]);
    let output = output_of(&mut command, input)?;
    succeeded(&shown(argv), &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Runs a program whose failure changes nothing: a removal of what may be gone already.
pub fn attempt(argv: &[&str]) -> bool {
    run(argv).is_ok()
}

/// Runs a prepared command to its end, whatever its exit code, and captures what it says.
pub fn output_of(command: &mut Command, input: &str) -> Result<Output, RunError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let shown = format!("{command:?}");
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => RunError::Missing { program: program.clone() },
        _ => RunError::Start { command: shown.clone(), source },
    };
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read to the end says so by its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

/// Turns an unsuccessful end into an error that quotes the program.
pub fn succeeded(command: &str, output: &Output) -> Result<(), RunError> {
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr = stderr.trim();
    let start = stderr.len().saturating_sub(STDERR_SHOWN_MAX);
    let tail = stderr.get(stderr.ceil_char_boundary(start)..).unwrap_or(stderr);
    Err(RunError::Failed {
        command: command.to_owned(),
        outcome: output.status.to_string(),
        said: if tail.is_empty() { String::new() } else { format!(": {tail}") },
    })
}

fn shown(argv: &[&str]) -> String {
    argv.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_its_exit_and_its_words() {
        let error = run(&["sh", "-c", "echo no such bridge >&2; exit 3"]).unwrap_err().to_string();
        for part in ["sh -c", "exit status: 3", "no such bridge"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let error = run(&["no-such-program-anywhere"]).unwrap_err().to_string();
        assert!(error.contains("scripts/install-packages"), "{error}");
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(run_with_input(&["cat"], "one\ntwo\n").unwrap(), "one\ntwo");
    }
}
