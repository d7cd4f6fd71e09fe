//! Knocks at `time`.
#![no_main]
diecast_fuzz::knock!(diecast_api::doors::TIME);
