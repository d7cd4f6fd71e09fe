//! Knocks at `body`.
#![no_main]
diecast_fuzz::knock!(diecast_api::doors::BODY);
