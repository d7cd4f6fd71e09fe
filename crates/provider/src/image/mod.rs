//! Disk image files: what they are, what they stand on, who uses them, what the guest would see.
//!
//! ```text
//! header   the first bytes, read here: which format, and nothing that reaches outside
//! info     what `qemu-img info` says of one file               (pure)
//! chain    the walk from a disk to its base, locking each file before it is looked into
//! map      where an overlay differs from what it stands on
//! qcow2    an overlay in which nothing was changed yet
//! users    who else writes a file
//! export   the guest's view into a sparse plain file
//! partition  BIOS or UEFI, guessed from the partition table     (pure)
//! ```
//!
//! `qemu-img` opens what a header names. So a header is looked at here first, the format is always
//! said (`-f`), and backing files are followed one at a time by [`chain`], never by the tool's own
//! search. A crafted image can make a look fail; it cannot make it read another file.

pub(crate) mod chain;
pub(crate) mod command;
pub(crate) mod export;
pub(crate) mod header;
pub(crate) mod info;
pub(crate) mod lock;
pub(crate) mod map;
pub(crate) mod partition;
pub(crate) mod qcow2;
pub(crate) mod users;

#[cfg(test)]
mod tests;
