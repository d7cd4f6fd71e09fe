//! QEMU's own kind of lock on an image file.

/// Held until dropped.
#[derive(Debug)]
pub struct ImageLock {}
