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
    match printer.hear()?.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused("nothing was changed", "answer `y` to go on")),
    }
}

/// Asks until the answer is one that `read` understands. None: nobody answers any more.
pub(crate) fn choose<T>(
    printer: &mut Printer,
    prompt: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    loop {
        printer.ask(prompt);
        let Some(answer) = printer.hear()? else {
            printer.talk("");
            return Ok(None);
        };
        match read(answer.trim()) {
            Ok(choice) => return Ok(Some(choice)),
            Err(why) => printer.talk(&why),
        }
    }
}

/// From the environment, else asked without echo, else the first line of stdin.
pub(crate) fn password(printer: &mut Printer, user: &str) -> Result<String, Failure> {
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(password);
    }
    if !std::io::IsTerminal::is_terminal(&io::stdin()) {
        return Ok(printer.hear()?.unwrap_or_default());
    }
    printer.ask(&format!("Password of {user}: "));
    let typed = {
        let _silent = silence::echo();
        printer.hear()
    };
    printer.talk("");
    Ok(typed?.unwrap_or_default())
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

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, code) in [("y", None), ("YES", None), ("n", Some(1)), ("", Some(1)), ("yep", Some(1))] {
            let mut captured = Captured::new(false).answering(&[answer]);
            let asked = destroy(&mut captured.printer, YesArgs { yes: false }, "Delete `win11`");
            assert_eq!(asked.err().map(|refused| refused.exit_code()), code, "{answer}");
        }
    }

    #[test]
    fn what_is_not_understood_is_asked_again_and_silence_is_no_answer() {
        let read = |answer: &str| answer.parse::<u32>().map_err(|_| format!("`{answer}` is no number"));
        let Captured { mut printer, talk, .. } = Captured::new(false).answering(&["seven", "7"]);
        assert_eq!(choose(&mut printer, "how many? ", read).unwrap(), Some(7));
        assert_eq!(talk.text(), "how many? seven\n`seven` is no number\nhow many? 7\n");
        assert_eq!(choose(&mut printer, "how many? ", read).unwrap(), None);
    }
}
