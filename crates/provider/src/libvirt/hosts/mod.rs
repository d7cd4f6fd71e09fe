//! Hosts on libvirt: made, found again, started and stopped, set aside and brought back, deleted.
//! What working copies have in common with them is here too.
//!
//! A host is a directory with its own files and a machine that carries Diecast's mark. It is made in
//! steps, each of which leaves what is finished under its name; defining the machine is the last, so
//! a machine that is there is a host that is whole.

pub(crate) mod aside;
mod ask;
pub(crate) mod create;
pub(crate) mod find;
pub(crate) mod guest;
pub(crate) mod mark;
pub(crate) mod origin;
pub(crate) mod parts;
mod plug;
pub(crate) mod power;
pub(crate) mod screen;
mod seed;

pub(crate) use ask::Guests;
