//! `diecast server restore`: a server from a backup, in an empty folder; and `--check`, which only reads.

use super::{
    Workshop,
    format::{self, Header},
    keys,
};
use crate::{
    args::RestoreArgs,
    clock,
    settings::{self, prepare_folder},
    start::unforeseen,
};
use diecast_api::time::rfc3339;
use diecast_domain::code::{Code, Problem};
use diecast_store::{RecoveryRecord, Store};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// The folder in the data folder in which the database is put together.
const WORKSHOP: &str = "restoring";

/// Does what was typed.
pub(crate) async fn restore(args: RestoreArgs) -> Result<(), Problem> {
    let identities = keys::identities(args.passphrase_file.as_deref(), args.identity.as_deref())?;
    let file = File::open(&args.file).map_err(|error| {
        Problem::new(Code::A0001, format!("{} could not be read: {error}", args.file.display()))
            .with_hint("check the path, and that you may read it")
    })?;
    let opened = format::open(BufReader::new(file), &identities)?;
    if args.check {
        let header = opened.database(&mut io::sink())?;
        return tell(&args, &header, "is whole").map_err(|error| unforeseen(error.into()));
    }
    let data = &args.place.data;
    let database = settings::database_path(data, args.place.database.as_deref())?;
    must_be_empty(data, &database)?;
    let was_there = data.exists();
    prepare_folder(data)?;
    let restored = put_together(data, &database, opened).await;
    if restored.is_err() && !was_there {
        let _ = fs::remove_dir(data);
    }
    let header = restored?;
    tell(&args, &header, "is restored").map_err(|error| unforeseen(error.into()))
}

/// Nothing is written over. What an interrupted restore left is no server.
fn must_be_empty(data: &Path, database: &Path) -> Result<(), Problem> {
    let refused = |what: &Path| Problem::new(Code::B0004, format!("there is {} already", what.display()));
    if database.exists() {
        return Err(refused(database));
    }
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let cause = format!("{} cannot be read: {error}", data.display());
            return Err(Problem::new(Code::S0003, cause));
        }
        Ok(entries) => entries,
    };
    match entries.flatten().find(|entry| entry.file_name() != WORKSHOP) {
        Some(entry) => Err(refused(&entry.path())),
        None => Ok(()),
    }
}

async fn put_together<R: io::BufRead>(
    data: &Path,
    database: &Path,
    opened: format::Opened<R>,
) -> Result<Header, Problem> {
    let unusable =
        |error: io::Error| Problem::new(Code::S0003, format!("{} cannot be used: {error}", data.display()));
    let workshop = Workshop::open(data.join(WORKSHOP)).map_err(unusable)?;
    let unfinished = workshop.0.join("diecast.db");
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished);
    let mut to = BufWriter::new(file.map_err(unusable)?);
    let header = opened.database(&mut to)?;
    to.into_inner().map_err(|error| unusable(error.into_error()))?.sync_all().map_err(unusable)?;
    let store = Store::open(&unfinished).await.map_err(|error| error.problem())?;
    let marked = mark(&store, &header).await;
    store.close().await;
    marked.map_err(|error| unforeseen(error.into()))?;
    let placed = (|| {
        let owner = fs::metadata(data)?;
        // Root restores for the user that the folder belongs to.
        std::os::unix::fs::chown(&unfinished, Some(owner.uid()), Some(owner.gid()))?;
        fs::rename(&unfinished, database)?;
        let parent = database.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()
    })();
    placed.map_err(unusable)?;
    Ok(header)
}

/// From here on it is a server that was restored, whichever way it is started.
async fn mark(store: &Store, header: &Header) -> Result<(), diecast_store::StoreError> {
    let mut change = store.change().await?;
    let restored_at = clock::now();
    let record = RecoveryRecord { backup_made_at: header.made_at, restored_at, finished_at: None };
    change.begin_recovery(&record).await?;
    change.commit().await
}

fn tell(args: &RestoreArgs, header: &Header, what: &str) -> io::Result<()> {
    let mut out = io::stdout();
    let made_at = rfc3339(header.made_at);
    if args.json {
        let said = serde_json::json!({
            "file": args.file, "restored": !args.check, "made_at": made_at, "schema": header.schema,
            "release": header.release, "machine": header.machine, "ca_fingerprint": header.ca_fingerprint,
            "database_bytes": header.database_bytes,
        });
        return writeln!(out, "{said:#}");
    }
    let machine = header.machine.as_deref().unwrap_or("a machine without a name");
    writeln!(out, "the backup of {made_at} of {} {what}", machine.escape_debug())?;
    if !args.check {
        writeln!(
            io::stderr(),
            "start the server, sign in, and see what differs: diecast recovery show\n\
             until `diecast recovery finish` it deletes nothing and begins nothing\n\
             passwords and tokens are those of the backup: what was revoked since works again, see \
             `diecast token list`"
        )?;
        let data = &args.place.data;
        if fs::metadata(data)?.uid() == 0 {
            let data = data.display();
            writeln!(
                io::stderr(),
                "{data} belongs to root; for a server that runs as its own user: chown -R diecast: {data}"
            )?;
        }
    }
    Ok(())
}
