//! Knocks at `xml`.
#![no_main]
diecast_fuzz::knock!(diecast_provider::doors::XML);
