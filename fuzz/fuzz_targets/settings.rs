//! Knocks at `settings`.
#![no_main]
diecast_fuzz::knock!(diecast_config::doors::SETTINGS);
