//! Where an overlay differs from the file that it stands on, as `qemu-img map` tells.
//!
//! The overlay's own tables are the answer: nothing of the disk's content is read. A cluster that
//! the guest gave back (discard) or wrote zeroes into counts, as zeroes.

use super::{chain::qemu_img, command};
use crate::words::{At, Extent};
use diecast_domain::code::{Code, Problem};
use serde::Deserialize;
use std::{ops::ControlFlow, path::Path, time::Duration};

/// All tables of an overlay are read: a few MiB for each TiB. This is for a slow disk.
const MAP_DEADLINE: Duration = Duration::from_secs(30 * 60);
/// What is kept of a map, 32 bytes each: 512 GiB of clusters, each changed alone.
const EXTENTS_MAX: usize = 8 << 20;

/// One line of the answer.
#[derive(Debug, Deserialize)]
struct Stretch {
    start: u64,
    length: u64,
    /// How many files down it was found; 0 is the overlay itself.
    depth: u32,
    zero: bool,
    data: bool,
    /// Absent where the bytes are not in the file as they are: compressed.
    offset: Option<u64>,
}

/// Asks for the map of an overlay that was looked into and locked before.
pub async fn changes(whose: &str, overlay: &Path, virtual_size: u64) -> Result<Vec<Extent>, Problem> {
    let mut map = Map::default();
    let args: [&dyn command::AsArg; 5] = [&"map", &"--output=json", &"-f", &"qcow2", &overlay];
    let answer = command::look_through("qemu-img", &args, MAP_DEADLINE, |line| map.add(line)).await;
    if map.refusal.is_none() {
        qemu_img(whose, overlay, answer)?;
    }
    map.finish(virtual_size)
        .map_err(|what| Problem::new(Code::M0007, format!("{whose}: {}: {what}", overlay.display())))
}

/// What is so after `upper` was laid over `lower`: where both say something, `upper` is right. Both are in
/// order.
pub fn merged(lower: &[Extent], upper: &[Extent]) -> Vec<Extent> {
    let mut made = Vec::with_capacity(lower.len() + upper.len());
    let mut above = upper.iter().copied().peekable();
    for below in lower {
        let end = below.start + below.length;
        let mut start = below.start;
        while let Some(cover) = above.peek().filter(|cover| cover.start < end) {
            if start < cover.start {
                made.push(part(below, start, cover.start));
            }
            start = start.max(cover.start + cover.length);
            if start > end {
                // It reaches over what comes next too.
                break;
            }
            made.extend(above.next());
        }
        if start < end {
            made.push(part(below, start, end));
        }
    }
    made.extend(above);
    made.sort_unstable_by_key(|extent| extent.start);
    made
}

fn part(extent: &Extent, start: u64, end: u64) -> Extent {
    let at = extent.at.map(|at| At { offset: at.offset + (start - extent.start), ..at });
    Extent { start, length: end - start, at }
}

#[derive(Default)]
struct Map {
    extents: Vec<Extent>,
    refusal: Option<String>,
    /// The last line was there, so nothing is missing.
    complete: bool,
}

impl Map {
    /// One object a line, in one list: `[{...},`, `{...}]`.
    fn add(&mut self, line: &str) -> ControlFlow<()> {
        let line = line.trim();
        self.complete |= line.ends_with(']');
        let object = line.trim_start_matches('[').trim_end_matches([']', ',']);
        if object.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        let taken = serde_json::from_str::<Stretch>(object)
            .map_err(|error| format!("qemu-img's map: {error}"))
            .and_then(|stretch| self.take(&stretch));
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(what) => {
                self.refusal = Some(what);
                ControlFlow::Break(())
            }
        }
    }

    fn take(&mut self, stretch: &Stretch) -> Result<(), String> {
        if stretch.depth > 0 || stretch.length == 0 {
            return Ok(());
        }
        let at = match stretch {
            Stretch { zero: true, .. } => None,
            Stretch { data: true, offset: Some(offset), .. } => Some(At { overlay: 0, offset: *offset }),
            Stretch { data: true, offset: None, start, .. } => {
                return Err(format!("it has compressed clusters, at {start}"));
            }
            Stretch { start, .. } => return Err(format!("nobody can say what is at {start}")),
        };
        let Stretch { start, length, .. } = *stretch;
        let end = |start: u64, length: u64| {
            start.checked_add(length).ok_or_else(|| "a stretch has no end".to_owned())
        };
        end(start, length)?;
        at.map_or(Ok(0), |at| end(at.offset, length))?;
        if let Some(last) = self.extents.last_mut() {
            let last_end = last.start + last.length;
            if start < last_end {
                return Err(format!("its map goes back at {start}"));
            }
            let goes_on = match (last.at, at) {
                (None, None) => true,
                (Some(last_at), Some(at)) => last_at.offset + last.length == at.offset,
                _ => false,
            };
            if start == last_end && goes_on {
                last.length += length;
                return Ok(());
            }
        }
        if self.extents.len() >= EXTENTS_MAX {
            return Err(format!("more than {EXTENTS_MAX} separate stretches changed"));
        }
        self.extents.push(Extent { start, length, at });
        Ok(())
    }

    fn finish(self, virtual_size: u64) -> Result<Vec<Extent>, String> {
        if let Some(what) = self.refusal {
            return Err(what);
        }
        if !self.complete && virtual_size > 0 {
            return Err("qemu-img's map ends too early".to_owned());
        }
        let outside = self.extents.last().is_some_and(|last| last.start + last.length > virtual_size);
        if outside { Err("its map goes on beyond its end".to_owned()) } else { Ok(self.extents) }
    }
}

/// The whole of an answer.
#[cfg(any(test, feature = "doors"))]
pub fn read(text: &str, virtual_size: u64) -> Result<Vec<Extent>, String> {
    let mut map = Map::default();
    let _ = text.lines().try_for_each(|line| map.add(line));
    map.finish(virtual_size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Extent>, String> {
        super::read(text, 1 << 20)
    }

    #[test]
    fn only_what_the_overlay_itself_says_is_a_change() {
        let map = r#"[{ "start": 0, "length": 65536, "depth": 1, "present": true, "zero": false, "data": true, "offset": 0},
{ "start": 65536, "length": 65536, "depth": 0, "present": true, "zero": false, "data": true, "offset": 327680},
{ "start": 131072, "length": 65536, "depth": 0, "present": true, "zero": false, "data": true, "offset": 393216},
{ "start": 196608, "length": 65536, "depth": 0, "present": true, "zero": false, "data": true, "offset": 65536},
{ "start": 262144, "length": 65536, "depth": 0, "zero": true, "data": false, "offset": 9999},
{ "start": 327680, "length": 65536, "depth": 0, "zero": true, "data": false},
{ "start": 393216, "length": 655360, "depth": 1, "zero": true, "data": false}]
"#;
        let extent = |start, length, at: Option<u64>| {
            let at = at.map(|offset| At { overlay: 0, offset });
            Extent { start, length, at }
        };
        assert_eq!(
            read(map).unwrap(),
            [
                extent(65536, 131072, Some(327680)),
                extent(196608, 65536, Some(65536)),
                extent(262144, 131072, None),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_lies_above_is_right_and_the_rest_stays(
            lower in proptest::collection::vec((1_u64..5, 1_u64..9, any::<bool>()), 0..12),
            upper in proptest::collection::vec((1_u64..5, 1_u64..9, any::<bool>()), 0..12),
        ) {
            // Gaps and lengths become extents; the last figure of an offset tells which overlay it is in.
            let lay = |overlay: usize, spans: &[(u64, u64, bool)]| {
                let mut at = 0;
                let extents = spans.iter().map(|(gap, length, data)| {
                    let start = at + gap;
                    at = start + length;
                    let offset = start * 10 + 100_000;
                    Extent { start, length: *length, at: data.then_some(At { overlay, offset }) }
                });
                extents.collect::<Vec<_>>()
            };
            let (lower, upper) = (lay(0, &lower), lay(1, &upper));
            let said = |extents: &[Extent], byte: u64| {
                let mut there = extents.iter().filter(|it| (it.start..it.start + it.length).contains(&byte));
                let found = there.next().map(|it| it.at.map(|at| (at.overlay, at.offset + byte - it.start)));
                assert!(there.next().is_none(), "two say something of {byte}");
                found
            };
            let merged = merged(&lower, &upper);
            prop_assert!(merged.is_sorted_by_key(|it| it.start));
            for byte in 0..200 {
                prop_assert_eq!(said(&merged, byte), said(&upper, byte).or(said(&lower, byte)), "{}", byte);
            }
        }
    }

    #[test]
    fn what_cannot_be_read_as_it_lies_there_is_refused() {
        let compressed = r#"[{ "start": 0, "length": 65536, "depth": 0, "zero": false, "data": true}]"#;
        assert!(read(compressed).unwrap_err().contains("compressed"));
        for (bad, why) in [
            (r#"[{"start":0,"length":1,"depth":0,"zero":false,"data":false}]"#, "nobody"),
            (r#"[{"start":9,"length":18446744073709551615,"depth":0,"zero":true,"data":false}]"#, "no end"),
            (r#"[{"start":0,"length":9999999,"depth":0,"zero":true,"data":false}]"#, "beyond"),
            (r#"[{"start":0,"length":1,"depth":1,"zero":true,"data":false},"#, "too early"),
            ("", "too early"),
            ("[nonsense]", "qemu-img"),
            (
                "[{\"start\":8,\"length\":8,\"depth\":0,\"zero\":true,\"data\":false},\n{\"start\":0,\"length\":8,\"depth\":0,\"zero\":true,\"data\":false}]",
                "back",
            ),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
        assert_eq!(read("[]").unwrap(), []);
    }
}
