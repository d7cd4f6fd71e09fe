//! Knocks at `origin`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::ORIGIN);
