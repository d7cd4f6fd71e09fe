//! Knocks at `setup`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::SETUP);
