//! Reading a bundle from front to back. What comes out of it is bounded and in its place, and still
//! unchecked as to its bytes: `unpack` opens it.

use super::{BadBundle, Carried, END, FRAME, Head, LEAVES, form_of, head::DIGEST_BYTES};
use crate::{
    frame::{FrameBytes, FrameForm, Wanted},
    limits::{FRAME_LEAVES_MAX, LEAF_SIZE},
};
use std::io::{self, Read};

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Bad(BadBundle),
    /// Not the bundle's fault: the rest may come another time.
    #[error("the bundle could not be read on")]
    Broken(#[source] io::Error),
}

impl From<BadBundle> for ReadError {
    fn from(bad: BadBundle) -> Self {
        Self::Bad(bad)
    }
}

/// One bundle, being read.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    head: Head,
    hasher: blake3::Hasher,
    seen: Carried,
    ended: bool,
}

/// A frame by its number, or some leaves by theirs, as they came.
#[derive(Debug)]
pub(super) struct Piece {
    what: What,
    pub(super) sent: FrameBytes,
}

#[derive(Debug)]
enum What {
    Frame(u32),
    Leaves(Box<[u32]>),
}

impl Piece {
    pub(super) fn wanted<'a>(&'a self, head: &'a Head) -> Wanted<'a> {
        match &self.what {
            What::Frame(number) => Wanted::Frame(&head.manifest.frames()[*number as usize]),
            What::Leaves(ordinals) => Wanted::Loose(ordinals),
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads the head. What it claims of its own length is read as it comes, and not made room for before.
    pub fn begin(mut from: R) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        loop {
            let wanted = Head::wants(&bytes)?;
            if bytes.len() >= wanted {
                break;
            }
            let lacking = (wanted - bytes.len()) as u64;
            if from.by_ref().take(lacking).read_to_end(&mut bytes).map_err(ReadError::Broken)? == 0 {
                return Err(BadBundle::Truncated { what: "its beginning" }.into());
            }
        }
        let head = Head::decode(&bytes)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        let seen = Carried::none(&head.manifest);
        Ok(Self { from, head, hasher, seen, ended: false })
    }

    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The next piece. None at the end, which must be that of the file, with the digest of all before it.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.piece();
        // What follows something wrong means nothing: it is told once, to whoever asked first.
        self.ended |= piece.is_err();
        piece
    }

    fn piece(&mut self) -> Result<Option<Piece>, ReadError> {
        let [kind] = self.take("its pieces")?;
        let what = match kind {
            END => return self.end().map(|()| None),
            FRAME => self.frame()?,
            LEAVES => self.leaves()?,
            _ => return Err(wrong("a piece of a kind that there is not")),
        };
        let [form] = self.take("a piece")?;
        let form = form_of(kind, form).ok_or_else(|| wrong("a piece in a form that it cannot have"))?;
        let length = u32::from_le_bytes(self.take("a piece")?) as usize;
        let manifest = self.head.manifest.clone();
        let (ordinals, named) = match &what {
            What::Frame(number) => {
                let frame = &manifest.frames()[*number as usize];
                (&frame.leaves, frame.length as usize)
            }
            What::Leaves(ordinals) => (ordinals, 0),
        };
        let decoded = manifest.decoded_length(ordinals);
        let fits = match form {
            FrameForm::Named => length == named,
            FrameForm::Leaves => length == decoded,
            FrameForm::Packed => (1..decoded).contains(&length),
        };
        if !fits {
            return Err(wrong("a piece whose length does not fit its leaves"));
        }
        for ordinal in ordinals {
            if !self.head.carried.has(*ordinal) || self.seen.has(*ordinal) {
                return Err(wrong("a leaf twice, or one that it does not say it carries"));
            }
            self.seen.set(*ordinal);
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes, "a piece")?;
        Ok(Some(Piece { what, sent: FrameBytes { form, bytes: bytes.into() } }))
    }

    fn frame(&mut self) -> Result<What, ReadError> {
        let number = u32::from_le_bytes(self.take("a piece")?);
        if (number as usize) < self.head.manifest.frames().len() {
            Ok(What::Frame(number))
        } else {
            Err(wrong("a frame that its version does not have"))
        }
    }

    fn leaves(&mut self) -> Result<What, ReadError> {
        let [count] = self.take("a piece")?;
        if !(1..=FRAME_LEAVES_MAX).contains(&usize::from(count)) {
            return Err(wrong("a piece of no leaf, or of more than 16"));
        }
        let mut ordinals = Vec::new();
        for _ in 0..count {
            let ordinal = u32::from_le_bytes(self.take("a piece")?);
            let rises = ordinals.last().is_none_or(|last| *last < ordinal);
            if !rises || ordinal >= self.head.manifest.ordinals() {
                return Err(wrong("leaves that its version does not have, or not in their order"));
            }
            ordinals.push(ordinal);
        }
        Ok(What::Leaves(ordinals.into()))
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let all = self.hasher.finalize();
        let said: [u8; DIGEST_BYTES] = self.take("its end")?;
        if said != *all.as_bytes() {
            return Err(BadBundle::Spoiled { what: "some of it" }.into());
        }
        if self.seen != self.head.carried {
            return Err(wrong("less than it says it carries"));
        }
        if self.from.read(&mut [0]).map_err(ReadError::Broken)? != 0 {
            return Err(wrong("something after its end"));
        }
        self.ended = true;
        Ok(())
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8], what: &'static str) -> Result<(), ReadError> {
        debug_assert!(bytes.len() <= FRAME_LEAVES_MAX * LEAF_SIZE);
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BadBundle::Truncated { what }.into(),
            _ => ReadError::Broken(error),
        })?;
        self.hasher.update(bytes);
        Ok(())
    }
}

fn wrong(what: &'static str) -> ReadError {
    BadBundle::NotCanonical { what }.into()
}
