//! What locks a backup and what opens it: a passphrase, or the keys of `age`.

use age::{Identity, Recipient, scrypt, secrecy::SecretString, x25519};
use diecast_domain::code::{Code, Problem};
use std::{env, fs, path::Path};

/// Where the passphrase can be given.
pub(crate) const PASSPHRASE_VARIABLE: &str = "DIECAST_BACKUP_PASSPHRASE";
/// Work to try one passphrase, as a power of two: half a second and 128 MiB.
const WORK: u8 = 17;
/// The most work that is done to open a backup: one made elsewhere may ask for more.
const WORK_MAX: u8 = 22;
/// A shorter passphrase is guessed by trying.
const PASSPHRASE_LENGTH_MIN: usize = 12;

/// Locks a backup.
pub(super) fn recipients(
    passphrase_file: Option<&Path>,
    keys: &[String],
) -> Result<Vec<Box<dyn Recipient + Send>>, Problem> {
    if !keys.is_empty() {
        let parse = |key: &String| {
            let parsed = key.parse::<x25519::Recipient>();
            parsed.map(|key| Box::new(key) as Box<dyn Recipient + Send>).map_err(|error| {
                Problem::new(Code::A0001, format!("`{}` is no recipient of age: {error}", shown(key)))
                    .with_hint("give the public key that `age-keygen` prints, such as age1...")
            })
        };
        return keys.iter().map(parse).collect();
    }
    let passphrase = passphrase(passphrase_file)?.ok_or_else(|| {
        Problem::new(Code::A0001, "a backup is always encrypted, and nothing to encrypt it with was given")
            .with_hint(format!("give `--passphrase-file`, `--recipient`, or {PASSPHRASE_VARIABLE}"))
    })?;
    if passphrase.chars().count() < PASSPHRASE_LENGTH_MIN {
        let cause = format!("the passphrase has fewer than {PASSPHRASE_LENGTH_MIN} characters");
        return Err(Problem::new(Code::A0001, cause)
            .with_hint("a backup holds the server's own keys: take several words"));
    }
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(WORK);
    Ok(vec![Box::new(recipient)])
}

/// Opens a backup.
pub(super) fn identities(
    passphrase_file: Option<&Path>,
    identity_file: Option<&Path>,
) -> Result<Vec<Box<dyn Identity + Send>>, Problem> {
    let mut found: Vec<Box<dyn Identity + Send>> = Vec::new();
    if let Some(path) = identity_file {
        let lines = read(path)?;
        let keys = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for key in keys {
            let key: x25519::Identity = key.parse().map_err(|error| {
                Problem::new(Code::A0001, format!("{} holds no key of age: {error}", path.display()))
                    .with_hint("give the file that `age-keygen` wrote")
            })?;
            found.push(Box::new(key));
        }
    }
    if let Some(passphrase) = passphrase(passphrase_file)? {
        let mut identity = scrypt::Identity::new(SecretString::from(passphrase));
        identity.set_max_work_factor(WORK_MAX);
        found.push(Box::new(identity));
    }
    if found.is_empty() {
        let cause = "a backup is encrypted, and nothing to open it with was given";
        return Err(Problem::new(Code::B0003, cause)
            .with_hint(format!("give `--passphrase-file`, `--identity`, or {PASSPHRASE_VARIABLE}")));
    }
    Ok(found)
}

/// One line; that of the file first.
fn passphrase(file: Option<&Path>) -> Result<Option<String>, Problem> {
    let text = match file {
        Some(path) => Some(read(path)?),
        None => env::var(PASSPHRASE_VARIABLE).ok(),
    };
    let line = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    match (file, line) {
        (Some(path), Some(line)) if line.is_empty() => {
            let cause = format!("there is no passphrase in {}: it is empty", path.display());
            Err(Problem::new(Code::A0001, cause).with_hint("put the passphrase there, on one line"))
        }
        (_, line) => Ok(line.filter(|line| !line.is_empty())),
    }
}

fn read(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|error| {
        Problem::new(Code::A0001, format!("{} could not be read: {error}", path.display()))
            .with_hint("check the path, and that you may read it")
    })
}

fn shown(key: &str) -> String {
    key.chars().take(20).collect::<String>().escape_debug().to_string()
}
