//! Knocks at `backed-up`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::BACKED_UP);
