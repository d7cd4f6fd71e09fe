//! Knocks at `events`.
#![no_main]
diecast_fuzz::knock!(diecast_api::doors::EVENTS);
