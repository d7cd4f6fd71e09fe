//! A backup is opened by who should, and by nobody else; what is not whole is noticed.

use super::format::{self, Header};
use age::{scrypt, secrecy::SecretString, x25519};
use diecast_domain::{code::Code, units::Timestamp};
use std::io::Cursor;

const DATABASE: &[u8] = &[7; 300_000];

fn header() -> Header {
    Header {
        schema: diecast_store::SCHEMA,
        release: "0.1.0".into(),
        made_at: Timestamp(5),
        machine: Some("here".into()),
        ca_fingerprint: None,
        database_bytes: DATABASE.len() as u64,
        database_digest: blake3::hash(DATABASE).to_hex().to_string(),
    }
}

fn locked(header: &Header, key: &x25519::Identity) -> Vec<u8> {
    let mut to = Vec::new();
    format::write(&mut to, &[Box::new(key.to_public())], header, &mut &*DATABASE).unwrap();
    to
}

/// What comes out, or the code of why nothing does.
fn unlocked(bytes: &[u8], key: &x25519::Identity) -> Result<Vec<u8>, Code> {
    let mut to = Vec::new();
    let opened =
        format::open(Cursor::new(bytes), &[Box::new(key.clone())]).map_err(|problem| problem.code)?;
    opened.database(&mut to).map_err(|problem| problem.code)?;
    Ok(to)
}

#[test]
fn what_was_put_in_comes_out_for_who_has_the_key_and_for_nobody_else() {
    let key = x25519::Identity::generate();
    let bytes = locked(&header(), &key);
    assert!(bytes.starts_with(b"diecast-backup 1\nage-encryption.org/v1\n"));
    assert_eq!(unlocked(&bytes, &key).unwrap(), DATABASE);
    assert_eq!(unlocked(&bytes, &x25519::Identity::generate()), Err(Code::B0003));
    let words: Box<dyn age::Identity + Send> =
        Box::new(scrypt::Identity::new(SecretString::from("no passphrase was used".to_owned())));
    assert_eq!(format::open(Cursor::new(bytes), &[words]).unwrap_err().code, Code::B0003);
}

#[test]
fn what_was_cut_short_or_changed_anywhere_is_no_backup() {
    let key = x25519::Identity::generate();
    let bytes = locked(&header(), &key);
    for length in (0..bytes.len()).step_by(7) {
        assert_eq!(unlocked(&bytes[..length], &key), Err(Code::B0002), "cut to {length}");
    }
    assert_eq!(unlocked(&bytes[..bytes.len() - 1], &key), Err(Code::B0002));
    for place in (0..bytes.len()).step_by(11) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(unlocked(&changed, &key).is_err(), "a bit at {place}");
    }
    assert_eq!(unlocked(b"-- a dump of something else\n", &key), Err(Code::B0002));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(unlocked(&longer, &key), Err(Code::B0002));
}

#[test]
fn a_database_that_is_not_the_one_the_header_tells_of_is_refused() {
    let key = x25519::Identity::generate();
    let lying = Header { database_digest: blake3::hash(b"other").to_hex().to_string(), ..header() };
    assert_eq!(unlocked(&locked(&lying, &key), &key), Err(Code::B0002));
}

#[test]
fn a_backup_of_a_newer_release_is_named_as_such_with_or_without_the_key() {
    let key = x25519::Identity::generate();
    let newer = Header { schema: diecast_store::SCHEMA + 1, release: "9.0.0".into(), ..header() };
    let problem = format::open(Cursor::new(locked(&newer, &key)), &[Box::new(key.clone())]).unwrap_err();
    assert_eq!(problem.code, Code::B0001);
    assert!(problem.cause.contains("9.0.0"), "{problem}");
    let mut format_2 = locked(&header(), &key);
    format_2[15] = b'2';
    assert_eq!(unlocked(&format_2, &x25519::Identity::generate()), Err(Code::B0001));
}

#[test]
fn what_a_killed_backup_left_in_plain_is_cleared_away_and_what_runs_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    // Above the highest process id there can be.
    let killed = data.path().join("backup-4194305");
    let running = data.path().join(format!("backup-{}", std::process::id()));
    let others = data.path().join("backup-of-mine");
    for folder in [&killed, &running, &others] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("diecast.db"), DATABASE).unwrap();
    }
    super::sweep(data.path());
    assert!(!killed.exists() && running.exists() && others.exists());
}
