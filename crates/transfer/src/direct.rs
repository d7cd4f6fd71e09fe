//! Reading and writing past the cache of the kernel: what is read comes from the disk itself, nothing is copied in
//! memory on the way, and the cache is left to the guests.

use bytes::Bytes;
use std::{fs::File, io, os::unix::fs::FileExt};

/// What goes past the cache must be aligned to: the largest block of today's disks.
pub(crate) const ALIGNMENT: usize = 4096;

/// Memory that a disk can be read into and written from, past the cache or through it.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    pub(crate) fn new(capacity: usize) -> Self {
        let (bytes, start) = aligned(capacity.next_multiple_of(ALIGNMENT));
        Self { bytes, start }
    }

    /// The first bytes, at most the capacity: where a disk can take them from.
    pub(crate) fn first(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + length]
    }

    /// Reads `length` bytes, at most the capacity. `offset` is a multiple of the alignment, as every leaf's is.
    pub(crate) fn fill(&mut self, file: &File, offset: u64, length: usize) -> io::Result<&[u8]> {
        fail::fail_point!("transfer::read", |_| Err(io::Error::from_raw_os_error(libc::EIO)));
        // A short last leaf is asked for as if it were whole: the file ends where it ends.
        let whole = length.next_multiple_of(ALIGNMENT);
        let bytes = self.first(whole);
        let mut done = 0;
        while done < length {
            match file.read_at(&mut bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&bytes[..length])
    }
}

/// Zeroes with room for `length` aligned bytes, and where those begin.
fn aligned(length: usize) -> (Vec<u8>, usize) {
    let bytes = vec![0; length + ALIGNMENT];
    let start = bytes.as_ptr().align_offset(ALIGNMENT);
    (bytes, start)
}

/// Bytes of this length that `fill` has written, where a disk can take them from.
pub(crate) fn filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Bytes, E> {
    let (mut bytes, start) = aligned(length);
    fill(&mut bytes[start..start + length])?;
    Ok(Bytes::from(bytes).slice(start..start + length))
}

/// Whether a disk can take these bytes from where they are.
pub(crate) fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().align_offset(ALIGNMENT) == 0 && bytes.len().is_multiple_of(ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_here_may_go_past_the_cache_and_odd_parts_of_it_may_not() {
        let bytes = filled(3 * ALIGNMENT, |bytes| {
            bytes[ALIGNMENT] = 7;
            Ok::<_, io::Error>(())
        });
        let bytes = bytes.unwrap();
        assert_eq!((bytes.len(), bytes[ALIGNMENT]), (3 * ALIGNMENT, 7));
        assert!(is_aligned(&bytes) && is_aligned(&bytes[ALIGNMENT..]));
        assert!(!is_aligned(&bytes[512..]) && !is_aligned(&bytes[..ALIGNMENT + 512]));
    }
}
