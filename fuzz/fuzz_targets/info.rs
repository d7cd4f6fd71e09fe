//! Knocks at `info`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::INFO);
