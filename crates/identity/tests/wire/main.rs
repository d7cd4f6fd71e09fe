//! Stories over real sockets: who is let in, who is refused, and what each side learns of it.

// Clippy knows a test by its attribute, and not the helpers of tests.
#![allow(clippy::unwrap_used)]

mod depot;
mod enrolment;
mod listener;
mod server;
mod signing;
mod world;
