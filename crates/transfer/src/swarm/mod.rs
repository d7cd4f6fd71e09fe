//! The swarm: providers that still receive a version serve what they have of it to each other.
//!
//! ```text
//!   whole holder ──claims──► "nobody was given 7, 12" ──► each receiver takes other pieces from it
//!        │                                                        │
//!        └─ frames ─► receiver A ◄═ frames ═► receiver B ◄═ frames ═► receiver C
//!                         └── arrivals: what came here, in its order ──┘
//! ```
//!
//! The server says who may ask whom ([`Source`](diecast_domain::provider::Source)); which piece comes from
//! whom is decided here, by each receiver for itself, with no server in between:
//!
//! - A holder of the whole hands out *claims*: each piece to one receiver first ([`claims`]). So what
//!   leaves it is about one copy, however many receive. The gateway of a site does the same there with what
//!   has come to it. What went to another site is given in the holder's own too: nobody there gets it from beyond.
//! - A receiver tells its *arrivals* to whoever asks, as a log that only grows ([`arrivals`]). Of what a
//!   peer has, the others ask for what the fewest have: rarest first ([`peers`]).
//! - What nobody answers for, or comes too slowly at the end, is asked for once more elsewhere.
//!
//! The idea is BitTorrent's (Cohen, *Incentives build robustness in BitTorrent*, 2003; super-seeding is
//! BEP 16), without the incentives: everybody here has one owner.
//!
//! **Promise:** nothing here makes a byte count as present: whatever a peer says it has is checked like
//! everything that arrives. A peer that lies about what it has costs a request that is refused.
//! **Promise:** memory is bounded by the number of pieces: a bit each for every peer, and four bytes each for
//! what arrived and for what was given, here and beyond.

pub mod arrivals;
pub mod claims;
pub(crate) mod peers;
pub mod pieces;
#[cfg(test)]
mod tests;
