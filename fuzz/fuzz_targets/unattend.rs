//! Knocks at `unattend`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::UNATTEND);
