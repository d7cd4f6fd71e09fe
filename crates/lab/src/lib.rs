//! Real hypervisors on one Linux machine.

mod agent;
mod boot;
pub mod demo;
mod down;
pub mod golden;
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

pub use down::take_down;
pub use lab::{DISK_BYTES, Lab, Options, provider_name};
pub use list::Item;
pub use paths::{Paths, repository};
pub use provider::SITE;
pub use state::State;
pub use tools::programs;
pub use vm::{Firmware, GoldenVm};
