//! What every target does: it sows the seeds of its door, then knocks with whatever comes.

use diecast_domain::doors::Door;
use std::{fs, path::Path};

/// The whole of a target.
#[macro_export]
macro_rules! knock {
    ($door:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::sow(&$door), |bytes: &[u8]| ($door.knock)(bytes));
    };
}

/// Writes what the door lets in to where libFuzzer looks for inputs: it looks after this. Seeds are made by
/// the code that reads them, so none is checked in.
pub fn sow(door: &Door) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(door.name);
    fs::create_dir_all(&corpus).expect("the corpus can be written");
    for (number, seed) in (door.seeds)().iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed).expect("the corpus can be written");
    }
}
