//! Real hypervisors on one Linux machine: what the demonstration and the whole-system tests run on.
//!
//! ```text
//!  root namespace: diecast server, diecast (command line), tests
//!  ─────────────────────── bridge dcbr3, 10.77.3.1 ───────────────────────
//!       │ dc3p0 (tbf)            │ dc3p1                  │ dc3p2
//!  ┌ dc3-kvm-a ─────────┐   ┌ dc3-kvm-b ───┐        ┌ dc3-kvm-c ───┐
//!  │ libvirtd, dnsmasq  │   │     ...      │        │     ...      │
//!  │ QEMU guests (nice) │   └──────────────┘        └──────────────┘
//!  │ diecast-agent      │    one network, mount and process namespace each
//!  └─ storage: XFS on a loop device, DATA/providers/kvm-a/storage
//! ```
//!
//! Nothing here is simulated: libvirtd, QEMU, the file systems, the links and the guests are what a
//! site would run. What a site has several of and this machine has one of is given to each provider
//! by namespaces: a network, a `/run`, a libvirt of its own, and a process table of its own, so that
//! a power loss is one `kill -9`. Guests run by KVM where one truly booted with it, else by emulation.
//!
//! # Promises
//!
//! - Everything lies below one data folder. `down` leaves nothing else: no namespace, mount, loop
//!   device, process or file, also after the `up` was killed half-way. Only the cache stays.
//! - Several labs live side by side. The kernel's own tables say which numbers are taken, and a lab
//!   ends only what is its own.
//! - All state is in `lab.json`: every method and subcommand works from any process, at any time.
//! - Deadlines are counted in boots of a guest, measured here since this machine was started.
//!
//! # What it does not do
//!
//! It knows the product only by its programs and their documented words: it imports no other crate
//! of the workspace, so that it tests what a user gets. It needs root, and is for developers.
//!
//! # In a test
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let lab = diecast_lab::Lab::start(3)?; // server, kvm-a, kvm-b, kvm-c; taken down when dropped
//! lab.cut("kvm-b")?;
//! lab.wait_until("kvm-b counts as not available", 10, || {
//!     lab.diecast_json(&["provider", "show", "kvm-b"]).is_ok_and(|it| it["state"] == "Not available")
//! })?;
//! # Ok(()) }
//! ```
//!
//! # Where to read next
//!
//! `lab.rs` is the whole, `provider.rs` every fault, `machine.sh` what is inside the namespaces,
//! `golden/` how disks that boot are made, `guest.rs` what is done inside them, `demo/` what `./demo`
//! does, `bench/` what `bench/maintenance` measures.

mod agent;
pub mod bench;
mod boot;
mod command_line;
pub mod demo;
mod difference;
mod down;
mod fixture;
pub mod golden;
mod guest;
mod lab;
pub mod libvirt;
mod list;
mod machine;
mod network;
mod paths;
mod process;
mod provider;
pub mod run;
mod server;
mod signal;
mod state;
mod storage;
mod tools;
mod vm;

pub use agent::RIGHTS as AGENT_RIGHTS;
pub use difference::packed_difference;
pub use down::take_down;
pub use guest::USER;
pub use lab::{DISK_BYTES, Lab, Options, provider_name};
pub use list::Item;
pub use paths::{Paths, repository};
pub use process::Process;
pub use provider::SITE;
pub use state::State;
pub use tools::programs;
pub use vm::{Firmware, GoldenVm};
