//! Hosts on libvirt: made, found again, started and stopped, deleted.
//!
//! A host is a directory with its own files and a machine that carries Diecast's mark. It is made in
//! steps, each of which leaves what is finished under its name; defining the machine is the last, so
//! a machine that is there is a host that is whole.

mod create;
mod find;
mod guest;
pub(crate) mod mark;
mod power;
mod seed;
