//! Preparation: what a fresh guest is told at its first boot, and when it counts as ready.

use serde::{Deserialize, Serialize};

/// The longest text of one's own that is put on a host's seed. It travels with the orders of every
/// host; clouds take 16 to 64 KiB.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// How a guest learns who it is. It is told by a small disk beside its own, never over a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Preparation {
    /// NoCloud data: the name, and user data of one's own.
    CloudInit {
        #[serde(default)]
        user_data: Option<String>,
    },
    /// An answer file for Windows, with `{name}` filled in.
    Sysprep { unattend: String },
    /// Nothing is told.
    None,
}

impl Default for Preparation {
    fn default() -> Self {
        Self::CloudInit { user_data: None }
    }
}

impl Preparation {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CloudInit { .. } => "cloud-init",
            Self::Sysprep { .. } => "sysprep",
            Self::None => "none",
        }
    }
}

/// What must be seen of a host before it counts as `Ready`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyWhen {
    /// Its machine runs.
    Running,
    /// The hypervisor or the guest tells an address of it.
    Address,
    /// Its guest agent answers.
    #[default]
    GuestAgent,
}

impl ReadyWhen {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Address => "address",
            Self::GuestAgent => "guest-agent",
        }
    }
}
