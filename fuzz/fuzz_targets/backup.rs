//! Knocks at `backup`.
#![no_main]
diecast_fuzz::knock!(diecast_server::doors::BACKUP);
