//! What happened, in sentences: the last of them are shown when a promise is broken.

use diecast_domain::units::Timestamp;
use std::{collections::VecDeque, fmt};

/// Sentences kept. Enough to see the cause of most failures; `replay` keeps them all.
pub const SENTENCES_KEPT: usize = 80;

#[derive(Clone, Debug)]
pub struct Story {
    sentences: VecDeque<(Timestamp, String)>,
    keep: usize,
}

impl Story {
    pub const fn keeping(keep: usize) -> Self {
        Self { sentences: VecDeque::new(), keep }
    }

    pub fn tell(&mut self, now: Timestamp, sentence: String) {
        if self.sentences.len() >= self.keep {
            self.sentences.pop_front();
        }
        self.sentences.push_back((now, sentence));
    }

    pub fn contains(&self, part: &str) -> bool {
        self.sentences.iter().any(|(_, sentence)| sentence.contains(part))
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, sentence) in &self.sentences {
            writeln!(f, "{:>6} s  {sentence}", at.0 / 1000)?;
        }
        Ok(())
    }
}

/// A promise was broken, or a world did not settle.
#[derive(Clone, Debug)]
pub struct Broken {
    pub seed: u64,
    pub promise: String,
    pub story: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.promise, self.story)?;
        write!(f, "seed {0}; the whole story: cargo run -p diecast-testkit --example replay {0}", self.seed)
    }
}
