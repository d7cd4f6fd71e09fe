//! Knocks at `manifest`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::MANIFEST);
