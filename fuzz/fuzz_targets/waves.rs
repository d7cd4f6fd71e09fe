//! Knocks at `waves`.
#![no_main]
diecast_fuzz::knock!(diecast_cli::doors::WAVES);
