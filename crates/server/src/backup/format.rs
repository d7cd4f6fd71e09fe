//! What a backup is, byte by byte.
//!
//! ```text
//! diecast-backup 1\n             in plain, so that a release knows whether it can read the rest
//! age-encryption.org/v1 ...      from here on a file of age: `tail -n +2 FILE | age -d` opens it
//!    {"schema":3, ...}\n         what it is
//!    zstd                        the database
//! ```
//!
//! age authenticates each piece and marks the last one: what was cut short or changed does not pass. The
//! digest of the database is the second lock: it says that what was unpacked is what was packed.

use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient};
use diecast_domain::{
    code::{Code, Problem},
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};

/// What a backup begins with, before the number of its format.
const MAGIC: &str = "diecast-backup ";
/// The format that this release writes. It reads every lower one.
pub(crate) const FORMAT: u32 = 1;
/// The longest first line that is looked at.
const FIRST_LINE_MAX: u64 = 64;
/// The longest header.
const HEADER_BYTES_MAX: u64 = 64 << 10;
/// Packs a manifest to two thirds at many times the speed of a disk.
const ZSTD_LEVEL: i32 = 3;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Of the database in it.
    pub(crate) schema: i64,
    /// The release that made it.
    pub(crate) release: String,
    pub(crate) made_at: Timestamp,
    /// What the machine called itself.
    pub(crate) machine: Option<String>,
    /// SHA-256 of the authority's certificate, by which one server is told from another.
    pub(crate) ca_fingerprint: Option<String>,
    pub(crate) database_bytes: u64,
    /// BLAKE3 of the database.
    pub(crate) database_digest: String,
}

/// Writes a backup. `database` gives as many bytes as the header says.
pub(crate) fn write(
    mut to: impl Write,
    recipients: &[Box<dyn Recipient + Send>],
    header: &Header,
    database: &mut impl Read,
) -> io::Result<()> {
    writeln!(to, "{MAGIC}{FORMAT}")?;
    let recipients = recipients.iter().map(|it| it.as_ref() as &dyn Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = encryptor.wrap_output(&mut to)?;
    serde_json::to_writer(&mut sealed, header)?;
    sealed.write_all(b"\n")?;
    let mut packed = zstd::Encoder::new(&mut sealed, ZSTD_LEVEL)?;
    io::copy(database, &mut packed)?;
    packed.finish()?;
    sealed.finish()?;
    to.flush()
}

/// A backup that was opened: its header is known, its database is still to be read.
pub(crate) struct Opened<R: Read> {
    pub(crate) header: Header,
    rest: R,
}

impl<R: Read> std::fmt::Debug for Opened<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Opens a backup as far as its header.
pub(crate) fn open<'a, R: BufRead + 'a>(
    mut from: R,
    identities: &[Box<dyn Identity + Send>],
) -> Result<Opened<impl BufRead + 'a>, Problem> {
    first_line(&mut from)?;
    let decryptor = Decryptor::new_buffered(from).map_err(|error| match error {
        DecryptError::Io(error) => cut_short(&error),
        error => not_whole(&format!("what follows the first line is nothing of age's: {error}")),
    })?;
    let identities = identities.iter().map(|it| it.as_ref() as &dyn Identity);
    let opened = decryptor.decrypt(identities).map_err(|error| match error {
        DecryptError::Io(error) => cut_short(&error),
        DecryptError::InvalidMac | DecryptError::InvalidHeader => {
            not_whole("it was changed after it was written")
        }
        error => Problem::new(Code::B0003, format!("the backup does not open: {error}")),
    })?;
    content(BufReader::new(opened))
}

/// What is in a backup, as far as its header.
pub(crate) fn content<R: BufRead>(mut rest: R) -> Result<Opened<R>, Problem> {
    let mut line = String::new();
    (&mut rest).take(HEADER_BYTES_MAX).read_line(&mut line).map_err(|error| cut_short(&error))?;
    let header: Header = serde_json::from_str(&line)
        .map_err(|error| not_whole(&format!("it does not say what is in it: {error}")))?;
    if header.schema > diecast_store::SCHEMA {
        let cause = format!(
            "the backup was made by Diecast {}: its database has schema {}, and this release knows {}",
            header.release.escape_debug(),
            header.schema,
            diecast_store::SCHEMA
        );
        return Err(Problem::new(Code::B0001, cause));
    }
    Ok(Opened { header, rest })
}

impl<R: BufRead> Opened<R> {
    /// Unpacks the database. What was written is to be thrown away if this fails.
    pub(crate) fn database(self, to: &mut impl Write) -> Result<Header, Problem> {
        let Self { header, mut rest } = self;
        let mut hasher = blake3::Hasher::new();
        let mut bytes = 0;
        let unpacked = (|| {
            let mut packed = zstd::Decoder::with_buffer(&mut rest)?.single_frame();
            let mut buffer = vec![0; 1 << 16];
            loop {
                let read = packed.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                bytes += read as u64;
                if bytes > header.database_bytes {
                    // Some bytes can be unpacked to more than any disk has.
                    break;
                }
                hasher.update(&buffer[..read]);
                to.write_all(&buffer[..read]).map_err(Unwritten::wrap)?;
            }
            // To the end, where age says that it is one.
            drop(packed);
            io::copy(&mut rest, &mut io::sink())
        })();
        match unpacked {
            Err(error) => Err(match Unwritten::of(&error) {
                Some(cause) => {
                    Problem::new(Code::S0003, format!("the database could not be written: {cause}"))
                }
                None => cut_short(&error),
            }),
            Ok(extra) => {
                let digest = hasher.finalize().to_hex().to_string();
                if extra > 0 || bytes != header.database_bytes || digest != header.database_digest {
                    return Err(not_whole("the database in it is not the one that was put in"));
                }
                Ok(header)
            }
        }
    }
}

fn first_line(from: &mut impl BufRead) -> Result<(), Problem> {
    let mut line = Vec::new();
    let read = from.take(FIRST_LINE_MAX).read_until(b'\n', &mut line);
    read.map_err(|error| cut_short(&error))?;
    let number =
        std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix(MAGIC)?.strip_suffix('\n'));
    let number = number.and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number) if (1..=FORMAT).contains(&number) => Ok(()),
        Some(0) | None => Err(not_whole("it does not begin as a backup of Diecast")),
        Some(number) => {
            let cause = format!("the backup has format {number}, and this release knows {FORMAT}");
            Err(Problem::new(Code::B0001, cause))
        }
    }
}

fn not_whole(what: &str) -> Problem {
    Problem::new(Code::B0002, format!("this is no whole backup: {what}"))
}

fn cut_short(error: &io::Error) -> Problem {
    not_whole(&format!("it ends too early, or was changed ({error})"))
}

/// Tells a failure to write from one to read, where both come out of one loop.
#[derive(Debug)]
struct Unwritten(io::Error);

impl Unwritten {
    fn wrap(error: io::Error) -> io::Error {
        io::Error::other(Self(error))
    }
    fn of(error: &io::Error) -> Option<&io::Error> {
        error.get_ref()?.downcast_ref::<Self>().map(|it| &it.0)
    }
}

impl std::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unwritten {}
