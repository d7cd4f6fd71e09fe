//! Asking before something is destroyed, and asking for a password.

use crate::{Failure, args::YesArgs, printer::Printer};
use std::io;

/// The password's place in the environment.
const PASSWORD_VARIABLE: &str = "DIECAST_PASSWORD";

/// Goes on only after a yes: by flag, or typed where somebody can be asked.
pub(crate) fn destroy(printer: &mut Printer, yes: YesArgs, what: &str) -> Result<(), Failure> {
    if yes.yes {
        return Ok(());
    }
    if !printer.may_ask() {
        return Err(Failure::usage(
            format!("{what}: this needs a yes, and nobody can be asked here"),
            "add `--yes`",
        ));
    }
    printer.ask(&format!("{what}. Go on? [y/N] "));
    match line()?.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused("nothing was changed", "answer `y` to go on")),
    }
}

/// From the environment, else asked without echo, else the first line of stdin.
pub(crate) fn password(printer: &mut Printer, user: &str) -> Result<String, Failure> {
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(password);
    }
    if !std::io::IsTerminal::is_terminal(&io::stdin()) {
        return line();
    }
    printer.ask(&format!("Password of {user}: "));
    let typed = {
        let _silent = silence::echo();
        line()
    };
    printer.talk("");
    typed
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|source| Failure::local("stdin cannot be read", source))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Turns the terminal's echo off while a password is typed.
mod silence {
    #![allow(unsafe_code)]

    use std::mem::MaybeUninit;

    /// Echo is on again when this goes.
    pub(super) struct Silent(Option<libc::termios>);

    pub(super) fn echo() -> Silent {
        let mut state = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: `tcgetattr` fills the struct when it answers 0, and only then is it read;
        // `tcsetattr` only reads it. Descriptor 0 may be anything: then both answer an error.
        unsafe {
            if libc::tcgetattr(libc::STDIN_FILENO, state.as_mut_ptr()) != 0 {
                return Silent(None);
            }
            let before = state.assume_init();
            let mut silent = before;
            silent.c_lflag &= !libc::ECHO;
            let done = libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, &silent) == 0;
            Silent(done.then_some(before))
        }
    }

    impl Drop for Silent {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                // SAFETY: as above; `before` is what `tcgetattr` gave.
                unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, before) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::Captured;

    #[test]
    fn nothing_is_destroyed_without_a_yes() {
        let mut captured = Captured::new(false);
        let refused = destroy(&mut captured.printer, YesArgs { yes: false }, "Delete `win11`").unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(destroy(&mut captured.printer, YesArgs { yes: true }, "Delete `win11`").is_ok());
    }
}
