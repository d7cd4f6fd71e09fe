//! Knocks at `redacted`.
#![no_main]
diecast_fuzz::knock!(diecast_cli::doors::REDACTED);
