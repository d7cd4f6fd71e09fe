//! Knocks at `kept`.
#![no_main]
diecast_fuzz::knock!(diecast_agent::doors::KEPT);
