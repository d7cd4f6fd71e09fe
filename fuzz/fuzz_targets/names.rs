//! Knocks at `names`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::NAMES);
