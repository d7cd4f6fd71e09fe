//! Knocks at `report`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::REPORT);
