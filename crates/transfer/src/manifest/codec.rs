//! Reading bytes that somebody else wrote: every step is bounded and says what it was reading.

use super::BadManifest;
use diecast_domain::digest::Digest;

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], BadManifest> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(BadManifest::Truncated { what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], BadManifest> {
        let taken = self.take(N, what)?;
        Ok(taken.try_into().expect("`take` returns as many bytes as asked"))
    }

    pub(super) fn magic(&mut self, expected: &[u8; 8], what: &'static str) -> Result<(), BadManifest> {
        if self.take(8, what)? == expected { Ok(()) } else { Err(BadManifest::Unknown { what }) }
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, BadManifest> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, BadManifest> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, BadManifest> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, BadManifest> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    pub(super) fn digest(&mut self, what: &'static str) -> Result<Digest, BadManifest> {
        Ok(Digest::from_bytes(self.array(what)?))
    }

    /// A `u32` that counts something of which there may be `max`.
    pub(super) fn count(&mut self, max: usize, what: &'static str) -> Result<usize, BadManifest> {
        let found = self.u32(what)?;
        let within = usize::try_from(found).ok().filter(|&found| found <= max);
        within.ok_or(BadManifest::TooLarge { what, found: found.into(), max: max as u64 })
    }

    pub(super) fn end(&self, what: &'static str) -> Result<(), BadManifest> {
        if self.rest.is_empty() { Ok(()) } else { Err(BadManifest::Trailing { what }) }
    }
}
