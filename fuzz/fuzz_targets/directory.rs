//! Knocks at `directory`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::DIRECTORY);
