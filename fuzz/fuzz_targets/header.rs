//! Knocks at `header`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::HEADER);
