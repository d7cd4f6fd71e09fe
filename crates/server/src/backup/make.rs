//! `diecast server backup`: one moment of the database, packed and encrypted, beside a server that runs.

use super::{
    WORKSHOP, Workshop,
    format::{self, Header},
    keys, sweep, unwritten,
};
use crate::{args::BackupArgs, clock, settings};
use diecast_domain::code::{Code, Problem};
use diecast_identity::fingerprint_of;
use diecast_store::{Snapshot, snapshot};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Does what was typed.
pub(crate) async fn backup(args: BackupArgs) -> Result<(), Problem> {
    let recipients = keys::recipients(args.passphrase_file.as_deref(), &args.recipient)?;
    if args.file.exists() && !args.replace {
        let cause = format!("{} is there already", args.file.display());
        return Err(Problem::new(Code::B0005, cause).with_hint("choose another name, or say `--replace`"));
    }
    let database = settings::database_path(&args.place.data, args.place.database.as_deref())?;
    if !database.exists() {
        let cause = format!("there is no server to back up: {} is missing", database.display());
        return Err(Problem::new(Code::B0005, cause).with_hint("name the server's data folder with `--data`"));
    }
    sweep(&args.place.data);
    let workshop = args.place.data.join(format!("{WORKSHOP}{}", std::process::id()));
    let workshop = Workshop::open(workshop).map_err(|error| unwritten(&args.place.data, &error))?;
    let copy = workshop.0.join("diecast.db");
    let found = snapshot(&database, &copy).await.map_err(|error| error.problem())?;
    let (header, mut copied) = describe(&copy, &found).map_err(|error| unwritten(&copy, &error))?;
    let written = replace(&args.file, |to| format::write(to, &recipients, &header, &mut copied));
    let bytes = written.map_err(|error| unwritten(&args.file, &error))?;
    tell(&args, &header, bytes).map_err(|error| crate::start::unforeseen(error.into()))
}

/// What is in the copy; and the copy, to be read from its beginning.
fn describe(copy: &Path, found: &Snapshot) -> io::Result<(Header, File)> {
    let mut file = File::open(copy)?;
    let mut hasher = blake3::Hasher::new();
    let database_bytes = io::copy(&mut file, &mut hasher)?;
    file.rewind()?;
    let fingerprint = |pem: &String| fingerprint_of(pem).ok().map(|it| it.to_string());
    let header = Header {
        schema: found.schema,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: clock::now(),
        machine: settings::host_name(),
        ca_fingerprint: found.authority.as_ref().and_then(fingerprint),
        database_bytes,
        database_digest: hasher.finalize().to_hex().to_string(),
    };
    Ok((header, file))
}

/// Writes a file under another name, and gives it its own when it is whole and on the disk. Gives its
/// length.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<u64> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = path.with_file_name(name);
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = (|| {
        let file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        let mut to = BufWriter::new(file);
        write(&mut to)?;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        fs::rename(&unfinished, path)?;
        File::open(parent)?.sync_all()?;
        Ok(bytes)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn tell(args: &BackupArgs, header: &Header, bytes: u64) -> io::Result<()> {
    let mut out = io::stdout();
    let file: PathBuf = args.file.clone();
    if args.json {
        let made_at = diecast_api::time::rfc3339(header.made_at);
        let said = serde_json::json!({
            "file": file, "bytes": bytes, "made_at": made_at, "schema": header.schema,
            "release": header.release, "ca_fingerprint": header.ca_fingerprint,
        });
        return writeln!(out, "{said:#}");
    }
    let size = diecast_domain::units::ByteCount(bytes);
    writeln!(out, "{} holds the server as it is now: {size}, encrypted", file.display())?;
    writeln!(io::stderr(), "read it once: diecast server restore --check {}", file.display())
}
