//! Knocks at `machine`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::MACHINE);
