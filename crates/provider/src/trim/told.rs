//! What the helper says by its serial port. Whatever was on the disks may have taken it over, so nothing is
//! taken but words that are known here, so many and no more. Pure.

use diecast_domain::trim::{Content, Outcome, PLACES_MAX, Place};
use std::collections::VecDeque;

/// What each of the helper's lines begins with; the kernel's begin with `[`.
const MARK: &str = "trim ";
/// Its last other lines, which tell why it ended.
const LAST_LINES: usize = 3;
const LINE_LENGTH_MAX: usize = 200;

/// What was understood so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    slots: Vec<String>,
    begun: bool,
    done: bool,
    places: Vec<Place>,
    last: VecDeque<String>,
}

/// It ended without saying that it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub begun: bool,
    pub last: String,
}

impl Told {
    /// `slots` are its disks, in their order.
    pub fn new(slots: Vec<String>) -> Self {
        Self { slots, ..Self::default() }
    }

    pub fn add(&mut self, line: &str) {
        let line = line.trim();
        let Some(words) = line.strip_prefix(MARK) else { return self.keep(line) };
        let words: Vec<&str> = words.split(' ').collect();
        match words[..] {
            ["-", "helper", "begun"] => self.begun = true,
            ["-", "helper", "done"] => self.done = self.begun,
            [name, kind, outcome] if self.begun && !self.done && self.places.len() < PLACES_MAX => {
                self.places.extend(self.place(name, kind, outcome));
            }
            _ => (),
        }
    }

    fn keep(&mut self, line: &str) {
        let plain: String = line.chars().filter(|it| !it.is_control()).take(LINE_LENGTH_MAX).collect();
        if plain.is_empty() {
            return;
        }
        if self.last.len() >= LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(plain);
    }

    /// `vda1`: the first partition of the first disk.
    fn place(&self, name: &str, kind: &str, outcome: &str) -> Option<Place> {
        let mut rest = name.strip_prefix("vd")?.chars();
        let disk = rest.next().filter(char::is_ascii_lowercase)? as usize - 'a' as usize;
        let number = rest.as_str();
        let partition = match number {
            "" => 0,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            _ => return None,
        };
        let outcome = match outcome {
            "trimmed" => Outcome::Trimmed,
            "alone" => Outcome::LeftAlone,
            "errors" => Outcome::HasErrors,
            "hibernated" => Outcome::Hibernated,
            "unmountable" => Outcome::CouldNotBeMounted,
            "untrimmable" => Outcome::CouldNotBeTrimmed,
            _ => return None,
        };
        let content = Content::from_word(kind)?;
        Some(Place { disk: self.slots.get(disk)?.clone(), partition, content, outcome })
    }

    pub fn finish(self) -> Result<Vec<Place>, Unfinished> {
        if self.done {
            return Ok(self.places);
        }
        let last = Vec::from(self.last).join("; ");
        Err(Unfinished { begun: self.begun, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Told {
        let mut told = Told::new(vec!["disk0".into(), "disk1".into()]);
        text.lines().for_each(|line| told.add(line));
        told
    }

    #[test]
    fn a_helper_that_went_well_is_understood() {
        let said = "trim - helper begun\r\ntrim vda1 ext4 trimmed\r\ntrim vda2 swap trimmed\ntrim vdb xfs unmountable\n\
            trim vda3 ntfs alone\ntrim - helper done\n[    5.2] reboot: Power down\n";
        let places: Vec<String> = told(said).finish().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            places,
            [
                "disk0 partition 1 (ext4): trimmed",
                "disk0 partition 2 (swap): trimmed",
                "disk1 (xfs): could not be mounted, left alone",
                "disk0 partition 3 (ntfs): left alone",
            ]
        );
    }

    #[test]
    fn one_that_died_says_when_and_why() {
        let unfinished = |text| told(text).finish().unwrap_err();
        let panic = "[    1.0] Kernel panic - not syncing: no \u{1b}[31minit\n";
        let expected = "[    1.0] Kernel panic - not syncing: no [31minit";
        assert_eq!(unfinished(panic), Unfinished { begun: false, last: expected.into() });
        assert!(unfinished("trim - helper begun\ntrim vda1 ext4 trimmed\n").begun);
        assert!(!unfinished("trim - helper done\n").begun, "what was never begun is not done");
        let last = unfinished("one\ntwo\nthree\nfour\n").last;
        assert_eq!(last, "two; three; four");
    }

    #[test]
    fn words_that_nobody_knows_are_left_out() {
        for strange in [
            "trim vdz1 ext4 trimmed",
            "trim vda1 zfs trimmed",
            "trim vda1 ext4 sold",
            "trim vda99999999999999 ext4 trimmed",
            "trim vda1x ext4 trimmed",
            "trim vdA1 ext4 trimmed",
            "trim vda1 ext4 trimmed twice",
            "trim  ext4 trimmed",
            "trim vda+1 ext4 trimmed",
        ] {
            let said = format!("trim - helper begun\n{strange}\ntrim - helper done\n");
            assert_eq!(told(&said).finish().unwrap(), [], "{strange}");
        }
        let many = "trim vda1 ext4 trimmed\n".repeat(PLACES_MAX + 9);
        let said = format!("trim - helper begun\n{many}trim - helper done\ntrim vda1 ext4 trimmed\n");
        assert_eq!(told(&said).finish().unwrap().len(), PLACES_MAX);
    }

    proptest! {
        #[test]
        fn whatever_it_says_has_an_end(lines in proptest::collection::vec("(trim )?(vd|-)?[ -~]{0,40}", 0..40)) {
            let mut told = Told::new(vec!["disk0".into()]);
            lines.iter().for_each(|line| told.add(line));
            if let Ok(places) = told.finish() {
                prop_assert!(places.iter().all(|place| place.disk == "disk0"));
            }
        }
    }
}
