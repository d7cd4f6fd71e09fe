//! Knocks at `claims`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::CLAIMS);
