//! Knocks at `range`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::RANGE);
