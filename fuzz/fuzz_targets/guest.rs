//! Knocks at `guest`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::GUEST);
