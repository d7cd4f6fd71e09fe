//! Knocks at `journal`.
#![no_main]
diecast_fuzz::knock!(diecast_transfer::doors::JOURNAL);
