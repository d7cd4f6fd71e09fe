//! Knocks at `words`.
#![no_main]
diecast_fuzz::knock!(diecast_cli::doors::WORDS);
