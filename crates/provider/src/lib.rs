//! How a hypervisor is driven: look, read a golden machine, hold templates, run hosts, check.
//!
//! ```text
//!   agent ──► capability.rs   Inspect · ReadMachines · HoldTemplates · RunHosts · MaintainTemplates · TrimDisks · SelfCheck
//!                 ▲           in the words of words.rs
//!                 │ implements
//!   libvirt/  ────┘  session   one connection, each call on its own thread with a deadline
//!     golden.rs       a machine's XML  ─► profile, disks, what cannot travel     (pure)
//!     machine.rs      profile + disks  ─► a machine's XML                        (pure)
//!     capabilities.rs what the hypervisor says it can do                         (pure)
//!     templates.rs hosts/ working/ check.rs acceleration.rs                      (act)
//!   image/           disk files, most through qemu-img: info, chain, locks, map, export
//!   trim/            a helper that gives back what a guest's file systems do not use
//!   free/            how much that would be, read from the file systems themselves    (pure but for reading)
//! ```
//!
//! What it promises:
//! - **A golden machine is left as it was.** Its disks are opened to be read only, under QEMU's own
//!   kind of lock, and nothing of its definition is written.
//! - **Every call ends.** A question to libvirt, a guest or a child process has a deadline; a
//!   hypervisor that hangs costs one thread and the answer, not the agent.
//! - **Everything may be done twice.** Creating, registering and deleting start from what is there.
//! - **An untrusted image names nothing.** Formats are always said, outside references refused.
//! - Guests run as QEMU's unprivileged user; the file of a version is never given away to it.
//!
//! What it does not do: it decides nothing (what to hold and run comes from the assignment), it
//! knows neither the server nor how bytes travel, and it keeps no state of its own: what is asked
//! is read from the hypervisor and the disk each time (only who did not answer the last look is
//! remembered, to be asked less often). Hosts are found again by the metadata element that their
//! machine carries.
//!
//! Errors are [`diecast_domain::code::Problem`]s at this boundary: a code, a cause, one thing to do.
//!
//! To add a hypervisor: implement the traits of [`capability`], and let [`conformance::check`] pass.
//! Read next: `capability.rs`, then `libvirt/mod.rs`, then `image/mod.rs`.

pub mod capability;
pub mod conformance;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
pub mod free;
pub mod image;
pub mod layout;
pub mod libvirt;
pub mod source;
pub mod trim;
pub mod words;
mod xml;

pub use capability::{
    HoldTemplates, Inspect, MaintainTemplates, Provider, ReadMachines, RunHosts, SelfCheck, TrimDisks,
};
pub use libvirt::Libvirt;
pub use source::{ImageFormat, Progress, SourceDisk, SourceMachine};
pub use words::{
    At, CheckLine, Extent, HostFound, HostSpec, OverlayDisk, Stop, TemplateCopy, TrimPlace, Trimmed,
    WorkingChanges, WorkingCopyFound, WorkingCopySpec,
};
