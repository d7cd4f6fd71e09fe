//! Knocks at `schedule`.
#![no_main]
diecast_fuzz::knock!(diecast_domain::doors::SCHEDULE);
