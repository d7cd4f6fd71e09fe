//! Knocks at `limit`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::LIMIT);
