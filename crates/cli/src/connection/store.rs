//! The stored login: `~/.config/diecast/config.toml`, for its owner's eyes alone.

use crate::Failure;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What `diecast login` remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) token: String,
    /// The CA it trusts, PEM; absent where the system's are trusted.
    pub(crate) ca: Option<String>,
}

/// The place of the stored login.
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// Under `$XDG_CONFIG_HOME`, or `~/.config`.
    pub(crate) fn standard() -> Result<Self, Failure> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
        // Services often have neither; they bring their settings in the environment.
        Ok(Self { path: config.unwrap_or_else(|| "/etc".into()).join("diecast/config.toml") })
    }

    #[cfg(test)]
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn load(&self) -> Result<Option<Login>, Failure> {
        let failed = |doing: &str, source| {
            Failure::local(format!("the stored login {} {doing}", self.path.display()), source)
        };
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("cannot be read", error)),
        };
        toml::from_str(&text).map(Some).map_err(|error| {
            failed(
                "is not understood; sign in again with `diecast login`",
                io::Error::other(error.message().to_owned()),
            )
        })
    }

    /// Replaces it as a whole: after a crash there is the old one or the new one.
    pub(crate) fn save(&self, login: &Login) -> Result<(), Failure> {
        self.write(login).map_err(|source| {
            Failure::local(format!("the login cannot be stored in {}", self.path.display()), source)
        })
    }

    fn write(&self, login: &Login) -> io::Result<()> {
        let text = toml::to_string(login).map_err(io::Error::other)?;
        let folder = self.path.parent().expect("the path was made with a file in a folder");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let unfinished = self.path.with_extension(format!("{}.new", std::process::id()));
        let written = (|| {
            // Made anew with its mode, so that nobody had it open when it was still readable.
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.path)?;
            File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    pub(crate) fn remove(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::local(
                format!("the stored login {} cannot be removed", self.path.display()),
                error,
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_login_is_kept_for_its_owner_alone_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("deep/diecast/config.toml"));
        assert_eq!(store.load().unwrap(), None);
        let mut login = Login {
            url: "https://a".into(),
            user: "admin".into(),
            token: "t".into(),
            ca: Some("x\ny\n".into()),
        };
        store.save(&login).unwrap();
        login.token = "u".into();
        store.save(&login).unwrap();
        assert_eq!(store.load().unwrap(), Some(login));
        assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(store.path().parent().unwrap()).unwrap().count(), 1, "no half file stays");
        store.remove().unwrap();
        store.remove().unwrap();
        assert_eq!(store.load().unwrap(), None);
    }

    #[test]
    fn a_file_that_is_not_understood_says_what_to_do_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("config.toml"));
        fs::write(store.path(), "token = \"hush").unwrap();
        let told = store.load().unwrap_err().details().detail;
        assert!(told.contains("diecast login") && !told.contains("hush"), "{told}");
    }
}
