//! Knocks at `problem`.
#![no_main]
diecast_fuzz::knock!(diecast_api::doors::PROBLEM);
