//! Knocks at `user-data`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::USER_DATA);
