//! What the files of a version are called on a provider's disk.
//!
//! ```text
//!   incoming/<hex>/disk0.raw ...      being filled
//!   versions/<hex>/disk0.raw ...      verified, 0444
//!                  nvram.fd           if the machine has one
//!                  profile.json       the hardware profile, as published
//! ```

use diecast_domain::digest::Digest;
use std::path::{Path, PathBuf};

pub const NVRAM_FILE: &str = "nvram.fd";
pub const PROFILE_FILE: &str = "profile.json";

/// The directory of a version under `incoming` or `versions`. No colon: QEMU would read a protocol.
pub fn version_dir(parent: &Path, version: &Digest) -> PathBuf {
    parent.join(version.hex())
}
