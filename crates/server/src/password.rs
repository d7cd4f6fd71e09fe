//! Passwords of administrators: which are taken, and how one is set on the server's own console.

use crate::{args::PasswordArgs, clock, first, secret, settings::database_path, start::unforeseen};
use diecast_domain::code::{Code, Problem};
use diecast_store::{Administrator, Author, NewEvent, Store, writing_as};
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

/// Shorter ones are guessed from their hash, should the database ever get into wrong hands.
const LENGTH_MIN: usize = 12;
/// Longer ones are files that were named by mistake.
const BYTES_MAX: usize = 1024;
/// Who sits at the server's console, for the audit trail.
const CONSOLE: &str = "console";
/// Stands for stdin.
const STDIN: &str = "-";

/// Whether a password that somebody chose is one that is taken.
pub(crate) fn acceptable(password: &str) -> Result<(), Problem> {
    let refuse = |cause: String| Err(Problem::new(Code::A0001, cause).with_hint(HINT));
    let length = password.chars().count();
    if length < LENGTH_MIN {
        return refuse(format!("the password has {length} characters, and {LENGTH_MIN} are the fewest"));
    }
    if password.len() > BYTES_MAX {
        return refuse(format!("the password is longer than {BYTES_MAX} bytes"));
    }
    if password.chars().any(char::is_control) {
        return refuse("the password holds a line break or another control character".to_owned());
    }
    Ok(())
}

const HINT: &str = "choose a longer one without control characters, or leave it out to have one drawn";

/// `diecast server password`
pub(crate) async fn reset(args: PasswordArgs) -> Result<(), Problem> {
    let database = database_path(&args.place.data, args.place.database.as_deref())?;
    let given = match &args.password_file {
        Some(file) => Some(read(file)?),
        None => std::env::var(first::PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty()),
    };
    given.as_deref().map_or(Ok(()), acceptable)?;
    let store = Store::open_beside(&database).await.map_err(|error| error.problem())?;
    let author = Author {
        who: CONSOLE.to_owned(),
        from: CONSOLE.to_owned(),
        request: None,
        call: "diecast server password".to_owned(),
        at: clock::now(),
    };
    let drawn = given.is_none().then(secret::password);
    let password = given.as_deref().or(drawn.as_deref()).unwrap_or_default();
    let set = writing_as(author, set(&store, &args.user, password)).await.map_err(unforeseen);
    store.close().await;
    if !set? {
        return Err(Problem::new(Code::A0004, format!("there is no administrator `{}`", args.user))
            .with_hint(format!("a first start makes `{}`", first::ADMINISTRATOR)));
    }
    let ended =
        "who was signed in with the old one must sign in again; tokens still work, see `diecast token list`";
    let told = writeln!(io::stderr(), "the password of {} is set; {ended}", args.user);
    let printed = drawn.map_or(Ok(()), |password| writeln!(io::stdout(), "{password}"));
    told.and(printed).map_err(|error| unforeseen(error.into()))
}

/// The first line of a file, or of stdin.
fn read(file: &Path) -> Result<String, Problem> {
    let limit = BYTES_MAX as u64 + 2;
    let mut text = String::new();
    let read = if file.as_os_str() == STDIN {
        io::stdin().take(limit).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Problem::new(Code::S0003, format!("{} could not be read: {error}", file.display()))
            .with_hint("name a file that holds the password alone, or `-` for stdin")
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Sets an administrator's password and ends what was signed in with the old one. False: there is no
/// such administrator.
async fn set(store: &Store, user: &str, password: &str) -> anyhow::Result<bool> {
    let mut change = store.change().await?;
    let Some(before) = change.administrator(user).await? else { return Ok(false) };
    let password_hash = first::hash(password)?;
    change.put_administrator(&Administrator { password_hash, ..before }).await?;
    change.delete_sessions_of(user).await?;
    change.add_event(&event(user)).await?;
    change.commit().await?;
    Ok(true)
}

fn event(user: &str) -> NewEvent {
    NewEvent {
        at: clock::now(),
        kind: "administrator.password".to_owned(),
        object: "administrator".to_owned(),
        name: user.to_owned(),
        actor: CONSOLE.to_owned(),
        message: format!(
            "the password of {user} was set on the server's console; who was signed in no longer is"
        ),
        code: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_passwords_and_files_named_by_mistake_are_refused() {
        assert_eq!(acceptable("correct horse"), Ok(()));
        assert_eq!(acceptable("ein schöner Gaul"), Ok(()));
        for bad in ["", "admin", "eleven char", "two\nlines of text", &"x".repeat(1025)] {
            let problem = acceptable(bad).unwrap_err();
            assert_eq!(problem.code, Code::A0001, "{bad}");
            assert!(bad.is_empty() || !problem.cause.contains(bad), "it is not repeated");
        }
    }
}
