//! Knocks at `certificate`.
#![no_main]
diecast_fuzz::knock!(diecast_identity::doors::CERTIFICATE);
