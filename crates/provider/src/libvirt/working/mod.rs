//! Working copies on libvirt: a template's editable machine, which is made as linked hosts are.
//!
//! It is a directory with overlays on the version's own files and a machine that carries Diecast's
//! mark in another role. The definition is also kept beside the overlays, written once they are all
//! there: from then on a missing one is a loss that is told, never a reason for an empty one.

mod changes;
mod create;
mod find;
