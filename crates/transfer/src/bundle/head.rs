//! The beginning of a bundle: enough to say what it is, and what of it must be there already.

use super::{BadBundle, Carried};
use crate::{leaf, limits::MANIFEST_MAX, manifest::Manifest};
use diecast_domain::{
    bundle::{HEADER_BYTES_MAX, Header, MAGIC, MAGIC_OF_ANY},
    template::VersionSize,
};
use std::sync::Arc;

/// Bytes of the list of what is carried: a bit for each leaf that the largest manifest can name.
const CARRIED_BYTES_MAX: usize = MANIFEST_MAX / 32 / 8;
/// Bytes of the check that ends the head, and of the one that ends the file.
pub(super) const DIGEST_BYTES: usize = 32;

/// A checked head, whoever wrote it.
#[derive(Clone, Debug)]
pub struct Head {
    pub header: Header,
    pub manifest: Arc<Manifest>,
    pub carried: Carried,
}

impl Head {
    /// How many bytes the head has, as far as its beginning tells: it is all there when there are so many.
    pub fn wants(begun: &[u8]) -> Result<usize, BadBundle> {
        let magic = &begun[..begun.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            let of_any = magic.starts_with(MAGIC_OF_ANY);
            return Err(if of_any { BadBundle::Newer } else { BadBundle::NotABundle });
        }
        let mut end = MAGIC.len();
        let parts = [
            ("its header", HEADER_BYTES_MAX),
            ("its manifest", MANIFEST_MAX),
            ("the list of what it carries", CARRIED_BYTES_MAX),
        ];
        for (what, max) in parts {
            let Some(length) = begun.get(end..end + 4) else { return Ok(end + 4) };
            let length = u32::from_le_bytes(length.try_into().expect("4 bytes were asked for")) as usize;
            if length > max {
                let (found, max) = (length as u64, max as u64);
                return Err(BadBundle::TooLarge { what, found, max });
            }
            end += 4 + length;
        }
        Ok(end + DIGEST_BYTES)
    }

    /// Reads a head and nothing beyond it.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadBundle> {
        let wanted = Self::wants(bytes)?;
        if bytes.len() < wanted {
            return Err(BadBundle::Truncated { what: "its beginning" });
        }
        if bytes.len() > wanted {
            return Err(BadBundle::NotCanonical { what: "more than a beginning" });
        }
        let (checked, check) = bytes.split_at(bytes.len() - DIGEST_BYTES);
        if leaf::digest_of(checked).as_bytes() != check {
            return Err(BadBundle::Spoiled { what: "its beginning" });
        }
        let mut rest = &checked[MAGIC.len()..];
        let mut part = || {
            let (length, after) = rest.split_at(4);
            let length = u32::from_le_bytes(length.try_into().expect("4 bytes were asked for"));
            let (part, after) = after.split_at(length as usize);
            rest = after;
            part
        };
        let (header, manifest, carried) = (part(), part(), part());
        let header: Header =
            serde_json::from_slice(header).map_err(|error| BadBundle::Header { cause: error.to_string() })?;
        let manifest = Manifest::decode_as(manifest, &header.digest).map_err(BadBundle::Manifest)?;
        let wrong = |what| BadBundle::NotCanonical { what };
        let carried = Carried::from_bytes(&manifest, carried)
            .ok_or_else(|| wrong("a list of what it carries that is not of its leaves"))?;
        if header.since.is_none() && !carried.has_all() {
            return Err(wrong("not all of its version, and does not say since which"));
        }
        if header.size != size_of(&manifest) || header.carried != carried.data(&manifest) {
            return Err(wrong("sizes in its header that are not those of its version"));
        }
        Ok(Self { header, manifest: Arc::new(manifest), carried })
    }

    /// As it is written; what is carried is said in the header too.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        header.size = size_of(&self.manifest);
        header.carried = self.carried.data(&self.manifest);
        let header = serde_json::to_vec(&header).expect("a header is always JSON");
        let mut out = MAGIC.to_vec();
        for part in [&header[..], &self.manifest.encode(), &self.carried.bits] {
            out.extend((part.len() as u32).to_le_bytes());
            out.extend(part);
        }
        let check = leaf::digest_of(&out);
        out.extend(check.as_bytes());
        out
    }
}

fn size_of(manifest: &Manifest) -> VersionSize {
    VersionSize {
        virtual_bytes: manifest.size(),
        data_bytes: manifest.data_bytes(),
        packed_bytes: manifest.wire_bytes(),
    }
}
