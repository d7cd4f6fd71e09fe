//! Where everything of a lab lies: below one data folder, checked once.

use anyhow::{Context, Result, bail, ensure};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The longest path of a Unix socket that the kernel takes, without its final zero.
const SOCKET_PATH_MAX: usize = 107;

/// The data folder, absolute, in UTF-8 and without white space: it is written into kernel tables,
/// libvirt's XML and shell lines.
#[derive(Clone, Debug)]
pub struct Paths {
    data: PathBuf,
    cache: PathBuf,
}

/// The root of the source tree that this was built from.
pub fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

fn named_cache() -> Option<PathBuf> {
    env::var_os("DIECAST_LAB_CACHE").map(Into::into)
}

impl Paths {
    /// The folder given, else `DIECAST_LAB`, else `.lab/` in the source tree.
    pub fn new(given: Option<&Path>) -> Result<Self> {
        let chosen = match (given, env::var_os("DIECAST_LAB")) {
            (Some(given), _) => given.to_owned(),
            (None, Some(named)) => named.into(),
            (None, None) => repository().join(".lab"),
        };
        let data = std::path::absolute(&chosen)
            .with_context(|| format!("finding the data folder {}", chosen.display()))?;
        let text = data.to_str().with_context(|| format!("{} is not UTF-8", data.display()))?;
        ensure!(
            !text.contains(|c: char| c.is_whitespace() || "\\,'\"?&<>".contains(c)),
            "the data folder `{text}` has white space or quotes in its path; choose another with --data"
        );
        ensure!(data.parent().is_some(), "the data folder cannot be `/`");
        let cache = named_cache().unwrap_or_else(|| data.join("cache"));
        Ok(Self { data, cache })
    }

    /// With the cache that all tests and the demonstration share, unless another is named.
    #[must_use]
    pub fn with_shared_cache(self) -> Self {
        Self { cache: named_cache().unwrap_or_else(|| repository().join(".lab/cache")), ..self }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What can be made again but takes its time: downloads, golden images. Survives `down`.
    pub fn cache(&self) -> Result<PathBuf> {
        make_folder(&self.cache)?;
        Ok(self.cache.clone())
    }

    /// Where the cache is, made or not.
    pub fn cache_folder(&self) -> &Path {
        &self.cache
    }

    pub fn server(&self) -> PathBuf {
        self.data.join("server")
    }

    pub fn server_log(&self) -> PathBuf {
        self.data.join("server.log")
    }

    /// The server's own authority, which the command line is to trust.
    pub fn ca(&self) -> PathBuf {
        self.server().join("ca.pem")
    }

    /// What the command line keeps, instead of in the user's home.
    pub fn cli(&self) -> PathBuf {
        self.data.join("cli")
    }

    /// Disk files that agents may read, beside their storage.
    pub fn import(&self) -> PathBuf {
        self.data.join("import")
    }

    pub fn providers(&self) -> PathBuf {
        self.data.join("providers")
    }

    pub fn provider(&self, name: &str) -> ProviderPaths {
        ProviderPaths { root: self.providers().join(name) }
    }

    /// Makes the folders that every lab has.
    pub fn make(&self) -> Result<()> {
        for folder in [&self.data, &self.import(), &self.providers(), &self.cli()] {
            make_folder(folder)?;
        }
        Ok(())
    }
}

/// Where one provider keeps what would be a whole machine's own.
#[derive(Clone, Debug)]
pub struct ProviderPaths {
    root: PathBuf,
}

macro_rules! provider_paths {
    ($($(#[$doc:meta])* $name:ident: $file:literal;)+) => {
        impl ProviderPaths { $($(#[$doc])* pub fn $name(&self) -> PathBuf { self.root.join($file) })+ }
    };
}

provider_paths! {
    /// The file behind the loop device.
    disk: "disk.xfs";
    /// Where it is mounted: the target of the storage pool `default`, the same path everywhere.
    storage: "storage";
    run: "run";
    agent_data: "agent";
    agent_log: "agent.log";
    machine_log: "machine.log";
}

impl ProviderPaths {
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where its libvirtd listens, as seen from outside.
    pub fn libvirt_uri(&self) -> String {
        let socket = self.run().join("libvirt-sock");
        format!("qemu+unix:///system?socket={}", socket.display())
    }

    pub fn make(&self) -> Result<()> {
        let length = self.run().join("libvirt-admin-sock").as_os_str().len();
        if length > SOCKET_PATH_MAX {
            let over = length - SOCKET_PATH_MAX;
            bail!(
                "the data folder's path is {over} characters too long for libvirt's sockets below it; choose a shorter one with --data"
            );
        }
        for folder in [&self.root, &self.storage(), &self.run(), &self.agent_data()] {
            make_folder(folder)?;
        }
        Ok(())
    }
}

/// Makes a folder that the unprivileged QEMU user can pass through, whatever the umask is.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("making the folder {}", folder.display()))
}

/// A path below the data folder as text, which [`Paths::new`] has made sure of.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
