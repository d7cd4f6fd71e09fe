//! Knocks at `spool`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::SPOOL);
