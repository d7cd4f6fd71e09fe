//! The archive: gathered in memory, written at once.

use crate::Redactor;
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// For text: small enough to be mailed, done in a moment.
const COMPRESSION_LEVEL: i32 = 9;
/// The most of one text that is kept, from its end: the newest of a log is what matters.
const TEXT_BYTES_MAX: usize = 8 << 20;
const CONTENTS: &str = "contents.txt";

/// What will be in the archive. Whatever comes in goes through the redactor.
pub struct Archive {
    /// The folder that everything lies in.
    folder: String,
    redactor: Redactor,
    files: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Archive {
    pub fn new(folder: impl Into<String>, redactor: Redactor) -> Self {
        Self { folder: folder.into(), redactor, files: Vec::new(), notes: Vec::new() }
    }

    /// A document, as JSON.
    pub fn json(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(mut value) => {
                self.redactor.json(&mut value);
                let text = format!("{value:#}\n");
                self.files.push((format!("{name}.json"), text));
            }
            Err(error) => self.missing(name, &error.to_string()),
        }
    }

    /// A text under its whole name.
    pub fn text(&mut self, name: &str, text: &str) {
        let text = self.redactor.text(end_of(text, TEXT_BYTES_MAX));
        self.files.push((name.to_owned(), text));
    }

    /// What should be here and is not.
    pub fn missing(&mut self, name: &str, why: &str) {
        let why = self.redactor.text(why);
        self.notes.push(format!("{name}: not there: {}", why.trim()));
    }

    /// What one finds on top: everything that is inside, and what is not.
    pub fn contents(&self) -> String {
        let mut lines: Vec<String> =
            self.files.iter().map(|(name, text)| format!("{:>9}  {name}", text.len())).collect();
        lines.sort_by(|one, other| one[9..].cmp(&other[9..]));
        lines.extend(self.notes.iter().map(|note| format!("        -  {note}")));
        format!(
            "What this archive holds, with the size of each in bytes. Secrets were taken out: {} stands for them.\n\n\
             {}\n",
            crate::redact::REMOVED,
            lines.join("\n")
        )
    }

    /// Writes it to `path`, which must not exist, for its owner's eyes. `at` is the time of the files within.
    pub fn write(&self, path: &Path, at: u64) -> io::Result<()> {
        let mut under = path.as_os_str().to_owned();
        under.push(".part");
        let under = Path::new(&under);
        if path.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already"));
        }
        // What a run that was killed left behind.
        let _ = fs::remove_file(under);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(under)?;
        let written = self.pack(&file, at).and_then(|()| file.sync_all()).and_then(|()| {
            // Unlike a renaming, a link replaces nothing.
            fs::hard_link(under, path)
        });
        let removed = fs::remove_file(under);
        written.and(removed)
    }

    fn pack(&self, out: impl Write, at: u64) -> io::Result<()> {
        let mut tar = tar::Builder::new(zstd::Encoder::new(out, COMPRESSION_LEVEL)?);
        let contents = (CONTENTS.to_owned(), self.contents());
        for (name, text) in std::iter::once(&contents).chain(&self.files) {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(at);
            tar.append_data(&mut header, format!("{}/{name}", self.folder), text.as_bytes())?;
        }
        tar.into_inner()?.finish().map(drop)
    }
}

/// The last `bytes` of it, less what would be half a character.
fn end_of(text: &str, bytes: usize) -> &str {
    let begin = (text.len().saturating_sub(bytes)..).find(|at| text.is_char_boundary(*at));
    &text[begin.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, io::Read, os::unix::fs::PermissionsExt};

    fn read(path: &Path) -> BTreeMap<String, String> {
        let file = zstd::Decoder::new(fs::File::open(path).unwrap()).unwrap();
        let mut tar = tar::Archive::new(file);
        let files = tar.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        });
        files.collect()
    }

    #[test]
    fn what_goes_in_comes_out_without_its_secrets_and_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("support.tar.zst");
        let mut archive = Archive::new("diecast-support", Redactor::new(false));
        archive.json("tokens", &serde_json::json!({"token": "geheim"}));
        archive.text("log.txt", "begun\npassword=geheim\n");
        archive.missing("vms", "the provider does not answer");
        archive.write(&path, 0).unwrap();
        let files = read(&path);
        assert_eq!(files["diecast-support/log.txt"], "begun\npassword=[removed]\n");
        assert!(files.values().all(|text| !text.contains("geheim")));
        let contents = &files["diecast-support/contents.txt"];
        for listed in ["tokens.json", "log.txt", "vms: not there: the provider does not answer"] {
            assert!(contents.contains(listed), "{contents}");
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("support.tar.zst");
        fs::write(&path, "mine").unwrap();
        let archive = Archive::new("diecast-support", Redactor::new(false));
        assert_eq!(archive.write(&path, 0).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_an_endless_log_the_end_is_kept() {
        assert_eq!(end_of("ääthe end", 8), "the end");
        assert_eq!(end_of("ääthe end", 9), "äthe end");
        assert_eq!(end_of("all", 9), "all");
    }
}
