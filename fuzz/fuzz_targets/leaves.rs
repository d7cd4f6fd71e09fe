//! Knocks at `leaves`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::LEAVES);
