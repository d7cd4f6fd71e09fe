//! How many hosts a wave may begin, and how many of them may fail.

use super::health::UNHEARD;
use super::{FAILURES_PERCENT_DEFAULT, HostProgress, Reach, Recreation, Waves};

impl HostProgress {
    /// The wave that it is judged in, as long as that runs.
    pub(crate) const fn wave(&self) -> Option<u32> {
        match self {
            Self::Begun { wave, .. } | Self::Healthy { wave, .. } | Self::Failed { wave, .. } => Some(*wave),
            Self::Waiting | Self::Passed | Self::RolledBack | Self::Left => None,
        }
    }

    /// The incarnation that its recreation made it.
    pub(super) const fn incarnation(&self) -> Option<u32> {
        match self {
            Self::Begun { incarnation, .. }
            | Self::Healthy { incarnation, .. }
            | Self::Failed { incarnation, .. } => Some(*incarnation),
            Self::Waiting | Self::Passed | Self::RolledBack | Self::Left => None,
        }
    }
}

impl Recreation {
    fn count(&self, which: impl Fn(&HostProgress) -> bool) -> usize {
        self.hosts.values().filter(|progress| which(progress)).count()
    }

    pub(super) fn in_wave(&self) -> usize {
        self.count(|progress| progress.wave() == Some(self.wave))
    }

    /// Hosts that the running wave may still begin.
    pub(super) fn room(&self) -> usize {
        match &self.terms.waves {
            Waves::AtATime(at_once) => {
                (*at_once).max(1) as usize - self.in_wave().min((*at_once).max(1) as usize)
            }
            Waves::Reaching(reaches) => {
                let begun = self.count(|it| {
                    let unheard = it.wave() == Some(UNHEARD);
                    !unheard && !matches!(it, HostProgress::Waiting | HostProgress::Left)
                });
                self.reach(reaches).saturating_sub(begun)
            }
        }
    }

    /// How far the running wave reaches; beyond the last that was named, to the end.
    fn reach(&self, reaches: &[Reach]) -> usize {
        let total = self.count(|it| *it != HostProgress::Left);
        let named = (self.wave as usize).checked_sub(1).and_then(|index| reaches.get(index));
        match named {
            Some(Reach::Hosts(hosts)) => (*hosts as usize).min(total),
            Some(Reach::Percent(percent)) => (total * (*percent).min(100) as usize).div_ceil(100),
            None => total,
        }
    }

    /// Passes over waves that reach no further than those before.
    pub(super) fn skip_empty_waves(&mut self) {
        let Waves::Reaching(reaches) = &self.terms.waves else { return };
        let last = reaches.len() as u32 + 1;
        while self.wave < last && self.in_wave() == 0 && self.room() == 0 {
            self.wave += 1;
        }
    }

    /// Failures in the running wave that are borne.
    pub(super) fn failures_max(&self) -> usize {
        let size = self.in_wave() + self.room().min(self.count(|it| *it == HostProgress::Waiting));
        let share = size * FAILURES_PERCENT_DEFAULT as usize / 100;
        self.terms.failures_max.map_or(share, |failures| failures as usize)
    }

    pub(super) fn failures(&self) -> usize {
        self.count(|it| matches!(it, HostProgress::Failed { wave, .. } if *wave == self.wave))
    }
}
