//! What a machine's own directory was begun for; it outlives a kill between its disks.

use crate::libvirt::files;
use diecast_domain::{digest::Digest, host::HostKind};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

const ORIGIN_FILE: &str = "origin";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub digest: Digest,
    pub kind: HostKind,
    pub incarnation: u32,
}

/// The first incarnation is not written: directories of the first release do not say it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.digest, self.kind.as_str())?;
        match self.incarnation {
            1 => writeln!(f),
            incarnation => writeln!(f, " {incarnation}"),
        }
    }
}

impl Origin {
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let digest = words.next()?.parse().ok()?;
        let kind = match words.next()? {
            word if word == HostKind::Linked.as_str() => HostKind::Linked,
            word if word == HostKind::Full.as_str() => HostKind::Full,
            _ => return None,
        };
        let incarnation = words.next().map_or(Some(1), |word| word.parse().ok())?;
        words.next().is_none().then_some(Self { digest, kind, incarnation })
    }

    /// None where nothing was begun, or nobody can say what.
    pub fn of(dir: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(file(dir)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub fn write(&self, dir: &Path) -> io::Result<()> {
        files::write(&file(dir), self.to_string().as_bytes(), files::PRIVATE)
    }
}

fn file(dir: &Path) -> PathBuf {
    dir.join(ORIGIN_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_read_back_and_what_the_first_release_wrote_too() {
        let digest = Digest::from_bytes([5; 32]);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Origin::of(dir.path()).unwrap(), None);
        for (kind, incarnation) in [(HostKind::Linked, 1), (HostKind::Full, 12)] {
            let origin = Origin { digest, kind, incarnation };
            origin.write(dir.path()).unwrap();
            assert_eq!(Origin::of(dir.path()).unwrap(), Some(origin));
        }
        let old = Origin { digest, kind: HostKind::Linked, incarnation: 1 };
        assert_eq!(Origin::parse(&format!("{digest} linked\n")), Some(old.clone()));
        assert_eq!(old.to_string(), format!("{digest} linked\n"));
        for nonsense in ["", "x linked", &format!("{digest} odd"), &format!("{digest} full 1 2")] {
            assert_eq!(Origin::parse(nonsense), None, "{nonsense}");
        }
    }
}
