//! Knocks at `frame`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::FRAME);
