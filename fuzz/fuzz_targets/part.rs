//! Knocks at `part`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::PART);
