//! Knocks at `arrivals`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::ARRIVALS);
