//! Knocks at `assignment`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::ASSIGNMENT);
