//! Knocks at `map`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::MAP);
