//! Knocks at `record`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::RECORD);
