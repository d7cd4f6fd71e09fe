//! The archive that a kernel unpacks as its first root: `newc`, written the same every time.

/// Builds one archive in memory. Folders come before what is in them.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;
const DEVICE: u32 = 0o020_600;

impl Archive {
    pub fn folder(&mut self, name: &str) {
        self.entry(name, FOLDER, (0, 0), b"");
    }

    pub fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, PROGRAM, (0, 0), content);
    }

    pub fn link(&mut self, name: &str, target: &str) {
        self.entry(name, LINK, (0, 0), target.as_bytes());
    }

    pub fn device(&mut self, name: &str, major: u32, minor: u32) {
        self.entry(name, DEVICE, (major, minor), b"");
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), b"");
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).expect("the archive holds small files");
        let name_size = u32::try_from(name.len() + 1).expect("names are short");
        let links = 1;
        // inode, mode, owner, group, links, time, size, device, device of the node, name, checksum
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run;

    #[test]
    fn cpio_unpacks_what_was_packed() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/one", b"first");
        archive.link("bin/two", "one");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive");
        std::fs::write(&file, archive.finish()).unwrap();
        let unpack = format!("cd {} && cpio -i --quiet < archive && cat bin/two", folder.path().display());
        assert_eq!(run(&["sh", "-c", &unpack]).unwrap(), "first");
    }
}
