//! Knocks at `moment`.
#![no_main]
diecast_fuzz::knock!(diecast_cli::doors::MOMENT);
