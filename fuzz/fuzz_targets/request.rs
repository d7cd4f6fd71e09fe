//! Knocks at `request`.
#![no_main]
diecast_fuzz::knock!(diecast_identity::doors::REQUEST);
