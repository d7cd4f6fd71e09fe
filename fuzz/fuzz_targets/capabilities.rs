//! Knocks at `capabilities`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::CAPABILITIES);
