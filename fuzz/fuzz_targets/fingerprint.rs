//! Knocks at `fingerprint`.
#![no_main]
diecast_fuzz::knock!(diecast_identity::doors::FINGERPRINT);
