//! Knocks at `terms`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::TERMS);
