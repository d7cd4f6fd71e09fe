//! Knocks at `document`.
#![no_main]
diecast_fuzz::knock!(diecast_cli::doors::DOCUMENT);
