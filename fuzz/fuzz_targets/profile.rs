//! Knocks at `profile`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::PROFILE);
