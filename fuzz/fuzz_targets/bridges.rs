//! Knocks at `bridges`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::BRIDGES);
