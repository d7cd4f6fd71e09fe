//! Knocks at `size`.
#![no_main]
diecast_fuzz::knock!(diecast_agent::doors::SIZE);
