//! A distribution to thousands as a flow in virtual time: who asks whom is the real schedule
//! ([`Plan::sources`](diecast_domain::plan::Plan::sources)), and the network is equal full-duplex links.
//!
//! In each round every link carries one piece in and one piece out. Who hands out claims (who holds all, and
//! the gateway of a site) gives each piece to one receiver first; a receiver asks its peers for what is rarest
//! among them. Reports, and with them new lists, come now and then. What is measured: the rounds until the
//! last receiver has all, over the best there can be.
//!
//! A copy takes 24 seconds of virtual time, as 3 GB over 1 Gbit/s do; so waiting costs what it would cost there.
//! **What it does not do:** links between sites have no rate of their own, and nobody lies.

mod flow;
mod node;
mod pieces;
mod world;

use flow::Flow;

/// Seconds of one copy's time. Whatever takes seconds in the product takes its part of a copy here.
const SECONDS_A_COPY: usize = 24;
/// Copies' times after which it is given up.
const COPIES_MAX: usize = 50;

/// What is distributed, and to how many.
#[derive(Clone, Copy, Debug)]
pub struct Distribution {
    pub targets: usize,
    pub pieces: usize,
    /// The targets are spread over so many sites; the source is in the first.
    pub sites: usize,
    pub seed: u64,
    pub trouble: Trouble,
}

/// What goes wrong meanwhile. The default: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trouble {
    /// Targets whose links carry a tenth.
    pub slow: usize,
    /// Targets that fall silent, each at its own time in the middle of the distribution.
    pub dying: usize,
    /// The server falls silent when half of a copy's time has passed.
    pub server_leaves: bool,
    /// The source falls silent as soon as every piece has left it.
    pub source_leaves: bool,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Rounds until the last healthy receiver had everything, over the fewest that equal links allow.
    pub over_bound: f64,
    /// What the source sent, in copies.
    pub source_bytes_over_w: f64,
    /// What came into the site that most came into, in copies; the source's own site apart.
    pub link_bytes_over_w: f64,
    /// What came into the source's site from others, in copies.
    pub source_site_bytes_over_w: f64,
}

/// Runs the distribution to its end. None if it does not come to one.
pub fn run(of: Distribution) -> Option<Outcome> {
    let mut flow = Flow::new(of);
    let every = of.seconds(3).max(1);
    for round in 0..COPIES_MAX * of.pieces {
        if flow.is_done() {
            let bound = of.pieces + of.targets.max(1).ilog2() as usize;
            let copies = |pieces: usize| pieces as f64 / of.pieces as f64;
            let most = flow.crossed.iter().skip(1).max().copied().unwrap_or(0);
            return Some(Outcome {
                over_bound: round as f64 / bound as f64,
                source_bytes_over_w: copies(flow.sent_by_source),
                link_bytes_over_w: copies(most),
                source_site_bytes_over_w: copies(flow.crossed[0]),
            });
        }
        let is_heard = !of.trouble.server_leaves || round < of.pieces / 2;
        if round % every == 0 && is_heard {
            flow.plan();
        }
        flow.round();
    }
    None
}

impl Distribution {
    /// One to so many, in which all goes well.
    pub const fn new(targets: usize, pieces: usize, sites: usize, seed: u64) -> Self {
        let trouble = Trouble { slow: 0, dying: 0, server_leaves: false, source_leaves: false };
        Self { targets, pieces, sites, seed, trouble }
    }

    /// Rounds in so many seconds.
    const fn seconds(&self, seconds: usize) -> usize {
        self.pieces * seconds / SECONDS_A_COPY
    }
}
