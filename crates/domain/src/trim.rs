//! What trimming found on a golden machine's disks: what it gave back, or what it would have.

use crate::units::ByteCount;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most places that are told of one machine: partitions are a handful.
pub const PLACES_MAX: usize = 256;

/// What became of the free space of a machine's file systems when it was published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trimming {
    /// It was given back before the disks were read. Otherwise it was published as it was.
    pub trimmed: bool,
    /// Data that no file holds, in whole leaves: what was spared, or what trimming would have spared at least.
    pub bytes: ByteCount,
    /// Where one looked, in the order of the disks.
    #[serde(default, deserialize_with = "crate::protocol::what_is_known")]
    pub places: Vec<Place>,
}

/// A partition, or a disk that has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `disk0`, `disk1`, ...
    pub disk: String,
    /// From 1 on; 0 is the disk itself.
    pub partition: u32,
    pub content: Content,
    pub outcome: Outcome,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.disk)?;
        if self.partition > 0 {
            write!(f, " partition {}", self.partition)?;
        }
        write!(f, " ({}): {}", self.content.as_str(), self.outcome.as_str())
    }
}

/// What is in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum Content {
    /// ext2, ext3 or ext4.
    Ext4,
    Xfs,
    Btrfs,
    Vfat,
    Swap,
    Ntfs,
    Lvm,
    Raid,
    Encrypted,
    Unknown,
}

crate::careful_words!(Content, Content::Unknown);

impl Content {
    pub const ALL: [Self; 10] = [
        Self::Ext4,
        Self::Xfs,
        Self::Btrfs,
        Self::Vfat,
        Self::Swap,
        Self::Ntfs,
        Self::Lvm,
        Self::Raid,
        Self::Encrypted,
        Self::Unknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
            Self::Ntfs => "ntfs",
            Self::Lvm => "lvm",
            Self::Raid => "raid",
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|content| content.as_str() == word)
    }
}

/// What was done about a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum Outcome {
    Trimmed,
    /// Not trimmed, and its free space counted.
    Counted,
    /// Not understood, so left as it is.
    LeftAlone,
    /// It says that it has errors.
    HasErrors,
    /// Its guest sleeps on its disk, and would go on from what it remembers of it.
    Hibernated,
    CouldNotBeMounted,
    CouldNotBeTrimmed,
}

crate::careful_words!(Outcome, Outcome::LeftAlone);

impl Outcome {
    pub const ALL: [Self; 7] = [
        Self::Trimmed,
        Self::Counted,
        Self::LeftAlone,
        Self::HasErrors,
        Self::Hibernated,
        Self::CouldNotBeMounted,
        Self::CouldNotBeTrimmed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Counted => "counted",
            Self::LeftAlone => "left alone",
            Self::HasErrors => "has errors, left alone",
            Self::Hibernated => "the guest is hibernated, nothing was trimmed",
            Self::CouldNotBeMounted => "could not be mounted, left alone",
            Self::CouldNotBeTrimmed => "could not be trimmed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_newer_release_are_read_as_the_most_careful_ones() {
        let text = r#"{"trimmed":true,"bytes":4096,"places":[
            {"disk":"disk0","partition":1,"content":"bcachefs","outcome":"dreamt"},
            {"where":"nowhere"}]}"#;
        let read: Trimming = serde_json::from_str(text).unwrap();
        let [place] = &read.places[..] else { panic!("{read:?}") };
        assert_eq!((place.content, place.outcome), (Content::Unknown, Outcome::LeftAlone));
    }

    #[test]
    fn words_read_back_and_places_read_well() {
        for content in Content::ALL {
            assert_eq!(Content::from_word(content.as_str()), Some(content));
            let word = serde_json::to_value(content).unwrap();
            assert_eq!(word, content.as_str());
        }
        for outcome in Outcome::ALL {
            let word = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<Outcome>(&word).unwrap(), outcome, "{word}");
        }
        let place = |partition| Place {
            disk: "disk0".into(),
            partition,
            content: Content::Ext4,
            outcome: Outcome::Trimmed,
        };
        assert_eq!(place(2).to_string(), "disk0 partition 2 (ext4): trimmed");
        assert_eq!(place(0).to_string(), "disk0 (ext4): trimmed");
    }
}
