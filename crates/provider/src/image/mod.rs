//! Disk image files, through `qemu-img`.

pub(crate) mod lock;
