//! Knocks at `bundle`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::BUNDLE);
