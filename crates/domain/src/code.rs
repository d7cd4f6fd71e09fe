//! Every error an administrator can meet: its code, its title, when trying again helps, what to do.
//!
//! One table, append-only within each letter: A asking (the API and the command line), B backup and restore, H hosts,
//! L rolling out (pools, recreations, schedules), M maintenance, N notifications, P providers, S the server itself, T transfer, V the golden machine and its disks.
//! Each code has a page in `docs/errors/`, compiled in here, so a code without a page does not build.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// When doing the same again can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// By itself, after a pause: the cause passes (a network, a busy disk).
    Later,
    /// Once somebody changed something; looked at again by itself every half minute.
    AfterOperator,
    /// Never as asked: the request itself must change.
    Never,
}

macro_rules! codes {
    ($($code:ident $http:literal $retry:ident $title:literal, $hint:literal;)+) => {
        /// Names one kind of failure for good. Written and stored as its five characters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(remote = "Self")]
        pub enum Code { $(#[doc = $title] $code),+ }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$code),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),+ }
            }
            /// What went wrong, in general, without a full stop.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title),+ }
            }
            /// One thing to do, in the imperative, without a full stop.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$code => $hint),+ }
            }
            pub const fn retry(self) -> Retry {
                match self { $(Self::$code => Retry::$retry),+ }
            }
            /// The HTTP status that the API answers with.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$code => $http),+ }
            }
            /// Its page, in Markdown: `diecast explain` needs no network.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$code => include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/", stringify!($code), ".md"
                ))),+ }
            }
        }
    };
}

// A code of a newer release is an unforeseen failure for this one; its cause and hint are sentences.
crate::careful_words!(Code, Code::S0004);

codes! {
    A0001 400 Never "The request is malformed", "correct the field that the message names";
    A0002 401 Never "Not signed in", "sign in with `diecast login`, or set DIECAST_TOKEN";
    A0003 403 Never "Not allowed", "use credentials that may do this";
    A0004 404 Never "No such thing", "look up the name with the matching `list` command";
    A0005 409 Never "The name is taken", "choose another name, or remove the one that holds it";
    A0006 412 Never "It changed meanwhile", "read it again and repeat the change on what is there now";
    A0007 409 Never "Something depends on it", "remove what the message lists first";
    A0008 401 Never "Wrong user name or password", "type them again, or reset the password on the server with `diecast server password`";
    A0009 429 Later "Too many attempts", "wait for the time that the message names";
    A0010 409 AfterOperator "Not possible in the present state", "wait for what the message names, or undo it";
    A0011 422 Never "The idempotency key was used for another request", "use a fresh Idempotency-Key";
    A0012 503 Later "The server cannot be reached", "check that the server runs and that DIECAST_URL names it";
    A0013 401 Never "The server's certificate is not trusted", "pass the server's CA with `--ca` or DIECAST_CA";

    B0001 409 Never "The backup is of a newer release", "restore it with the release that made it, or a newer one";
    B0002 400 Never "This is not a whole backup", "take another copy of it, or an older backup; nothing was restored";
    B0003 401 Never "The backup does not open with this", "give the passphrase, or the key, that it was made with";
    B0004 409 AfterOperator "There is something in the data folder already", "move it away, or restore into another folder with `--data`";
    B0005 500 AfterOperator "The backup could not be written", "check the folder and its free space; nothing was left there";
    B0006 409 AfterOperator "The server was restored from a backup, and waits", "look with `diecast recovery show`, then `diecast recovery adopt` and `diecast recovery finish`";
    B0007 409 AfterOperator "This cannot be adopted", "do what the cause says, then `diecast recovery adopt` again";

    H0001 500 Later "The host could not be created", "read the cause; the next attempt is automatic";
    H0002 500 Later "The host could not be started", "read the cause, then `diecast host start` again";
    H0003 500 Later "The host could not be stopped", "stop it with `--force`";
    H0004 500 Later "The host could not be deleted", "read the cause; the next attempt is automatic";
    H0005 404 AfterOperator "The host is gone from its hypervisor", "delete it here with `diecast host delete`, or restore it there";
    H0006 409 Later "No provider holds a verified copy", "wait until a provider on the list is `Ready`";
    H0007 409 Never "The host has a data disk", "say what becomes of it: `--delete-data` or `--keep-data`";

    L0001 409 AfterOperator "The pool cannot be filled", "do what the message names: add a provider, raise the cap, or make the pool smaller";
    L0002 409 AfterOperator "Too many hosts failed, and the recreation was stopped", "look why with `diecast host show`, mend the template, and begin again";
    L0003 503 AfterOperator "Providers do not answer as hosts are to be recreated", "bring them back and try again, go on without them, or leave it for later";
    L0004 409 Later "The schedule was passed over", "nothing to do if the next time will do; otherwise do by hand what it would have done";
    L0005 422 AfterOperator "The name pattern is used up", "delete hosts that nobody needs, or make a second pool whose pattern has more digits";
    L0006 400 Never "The schedule is not valid", "correct the time, the expression or the time zone that the message names";
    L0020 409 Never "The host is being recreated already", "wait until that recreation is over, or cancel it with `diecast recreation cancel`";

    M0001 409 Never "The template is in maintenance already", "agree with whom the message names, or cancel with `diecast maintenance cancel`";
    M0002 409 AfterOperator "The guest of the working copy does not shut down", "shut it down at its console, or leave again with `--force`";
    M0003 409 AfterOperator "The working copy's disks are gone", "bring the files back, or cancel with `diecast maintenance cancel` and enter again";
    M0004 409 AfterOperator "The working copy's machine is gone from its hypervisor", "define and start it again with `diecast maintenance start`";
    M0005 500 Later "The working copy could not be made", "read the cause; the next attempt is automatic";
    M0006 500 Later "The working copy could not be started, stopped or removed", "read the cause, then try again";
    M0007 409 AfterOperator "The changes in the working copy cannot be told", "undo what the cause names, then leave again";
    M0008 409 AfterOperator "The machine shows no screen", "start it";

    N0001 502 Later "The receiver of a notification does not answer", "check the address and the network, then `diecast notification test`";
    N0002 502 AfterOperator "The receiver refuses the message", "do what its answer says, then `diecast notification test`";
    N0003 502 AfterOperator "The mail server refuses the user name or the password", "correct them with `diecast notification set --user --password-file`";
    N0004 502 AfterOperator "The receiver cannot be trusted", "pass the authority of its certificate with `diecast notification set --trust`, or correct the name in the address";
    N0005 500 AfterOperator "The script of a notification failed", "run it by hand as the server's user, and read what it prints";
    N0006 409 AfterOperator "The server may not run this script", "put it into the directory that the server's configuration names, executable and not writable for everybody";

    P0001 503 Later "The provider does not answer", "check that the machine runs, that diecast-agent runs on it, and that it reaches the server";
    P0002 502 Later "The hypervisor does not answer its agent", "check libvirtd on the provider, and the URI given with `--uri`";
    P0003 409 AfterOperator "The storage pool is missing or not active", "create or start the pool, or name another with `diecast provider set --storage`";
    P0004 409 AfterOperator "Not enough free space", "free some space on the provider, or remove a version nobody uses";
    P0005 409 AfterOperator "A network is missing", "create it, or map it with `diecast provider set --network NAME=THERE`";
    P0006 409 AfterOperator "The firmware is not offered", "install the firmware package (OVMF) on the provider";
    P0007 409 AfterOperator "The CPU or machine type is not offered", "take the provider off the list, or publish the template with a plainer CPU model";
    P0008 401 Never "The enrolment token is wrong, used or expired", "make a new one with `diecast provider rejoin`";
    P0009 409 AfterOperator "Two agents use one identity", "stop the one that should not run, then `diecast provider rejoin`";
    P0010 502 Never "This is not a hypervisor that Diecast can drive", "check the URI; for libvirt it begins with `qemu:`";
    P0011 500 Later "The template could not be registered with the hypervisor", "read the cause; the next attempt is automatic";
    P0012 403 Never "The agent is not who it says it is", "enrol it anew with `diecast provider rejoin`";
    P0013 500 AfterOperator "The provider's check found something", "do what the failed lines of the check say";
    P0014 409 AfterOperator "QEMU's user cannot read the storage", "give the storage directory search permission for everyone (`chmod o+x`)";
    P0015 409 AfterOperator "The agent's certificate runs out", "see that the agent runs and reaches the server; if it ran out, `diecast provider rejoin`";
    P0016 409 AfterOperator "The agent is more than one release behind", "install the server's release of diecast-agent on that machine";
    P0017 409 AfterOperator "The storage's file system cannot hold templates", "put the pool on a file system that has hard links, such as XFS, btrfs or ext4";

    S0001 500 AfterOperator "The database cannot be read", "restore it from a backup; the file named was left as it is";
    S0002 500 AfterOperator "The address is in use", "stop what listens there, or choose another with `--listen`";
    S0003 500 AfterOperator "The data folder cannot be used", "check that it exists and belongs to the user that runs this";
    S0004 500 Later "Something unforeseen failed", "look in the log for the request id; please report it";
    S0005 500 AfterOperator "The database is of a newer release", "run the release that wrote it, or a newer one";
    S0006 500 AfterOperator "Another process uses the data folder", "stop the other process first";
    S0007 500 AfterOperator "The configuration file is not valid", "correct the line that the message names";
    S0008 500 AfterOperator "The server's certificate runs out", "put a new one into the files given with `--certificate` and `--key`, and restart the server";
    S0009 507 AfterOperator "The server's disk is full", "free space on the file system of the server's data folder; nothing has to be restarted";
    S0010 500 AfterOperator "The server's authority runs out", "set up the server anew before that day, and let every agent join it";

    T0001 502 Later "No source could be reached", "check the network between the providers named, and their agents' ports";
    T0002 502 Later "A source sent bytes that do not match their digest", "nothing to do at once; if it goes on, verify the source with `diecast distribution verify`";
    T0003 507 AfterOperator "The disk is full", "free space on the provider; the transfer goes on from where it stopped";
    T0004 500 Later "The disk could not be written", "check the provider's disk and its kernel log";
    T0005 500 Later "The disk could not be read", "check the provider's disk and its kernel log";
    T0006 500 Later "The finished copy does not match its manifest", "nothing to do at once: the bad parts are fetched again; check the disk if it goes on";
    T0007 400 Never "The manifest is not valid", "publish the template again; if it goes on, report it";
    T0008 500 Later "A verified copy has changed on disk", "find out who wrote to it; the bad parts are fetched again";
    T0009 502 Later "The transfer stalled", "check the network between the providers named";
    T0010 409 Later "No provider has the whole version", "bring back a provider that holds it";
    T0011 500 Later "The last good copy is damaged", "bring back a provider that holds the version, or restore the places that the cause names from a backup";
    T0015 500 Later "The journal of a transfer does not fit its files", "nothing to do: what is there is read and compared; check who wrote to the files if it goes on";
    T0016 502 Later "A gateway holds up its site", "nothing to do at once: another provider brings the version; check the gateway's link, disk and load";
    T0020 400 Never "The bundle is not valid", "take another copy of the file, or export it again; nothing was changed";
    T0021 400 Never "The bundle is of a newer release", "import it with the release that wrote it, or a newer one";
    T0022 409 AfterOperator "What the bundle builds on is not here", "import it to a provider that holds the version it names, or export it again without `--since`";
    T0023 409 Never "The bundle does not fit the template", "import it under another name with `--template`";
    T0024 502 Later "The carrying of a bundle broke off", "do it again: an import goes on from where it stopped";

    V0001 409 AfterOperator "The machine is running", "shut it down, then try again";
    V0002 404 AfterOperator "The machine or its disk is missing", "check the name, and that every disk of the machine exists";
    V0003 409 AfterOperator "The disk is in use", "stop the process that has it open";
    V0004 422 AfterOperator "The disk image is corrupt", "repair it with `qemu-img check -r`, or restore it";
    V0005 422 AfterOperator "The disk image is encrypted", "publish an unencrypted image; Diecast keeps no disk passphrases";
    V0006 422 AfterOperator "The backing chain points nowhere", "restore the missing file, or rebase the overlay with `qemu-img rebase`";
    V0007 409 Later "The machine changed while it was read", "leave it alone until the template is ready";
    V0008 422 AfterOperator "The machine has something that cannot travel", "remove it from the machine, or publish from a copy without it";
    V0009 422 AfterOperator "The disk image is of an unknown or unsafe kind", "convert it to raw, qcow2, vmdk or vhdx without outside references";
    V0010 403 AfterOperator "The file is outside the folders that may be read", "move it into the storage pool, or start the agent with `--import-dir`";
    V0011 500 AfterOperator "The helper that trims could not be started", "install what the cause names on the provider (on Debian: busybox-static and a kernel), or publish without `--trim`";
    V0012 500 Later "The helper that trims did not finish", "read the cause; if it goes on, trim inside the guest (`fstrim -a`) and publish without `--trim`";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an error code: codes look like T0001")]
pub struct NoSuchCode {
    text: String,
}

impl FromStr for Code {
    type Err = NoSuchCode;
    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        let found = Self::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| NoSuchCode { text: text.chars().take(20).collect() })
    }
}

/// What an administrator is told of one failure: which kind, why in a sentence, one thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {cause}")]
pub struct Problem {
    pub code: Code,
    /// A sentence that names what was being done to what.
    pub cause: String,
    /// In the imperative.
    pub hint: String,
}

impl Problem {
    /// A problem with the code's own hint.
    pub fn new(code: Code, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), hint: code.hint().to_owned() }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_explains_it() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code} ")), "{code}: the heading names the code");
            for part in ["## What happened", "## What to do"] {
                assert!(page.contains(part), "{code}: the page lacks `{part}`");
            }
            assert!(!code.hint().ends_with('.') && !code.title().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn every_code_is_in_the_index_as_it_is() {
        let index = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/README.md"));
        for code in Code::ALL {
            let row = format!("\n| [{code}]({code}.md) | {} | `{:?}` |\n", code.title(), code.retry());
            assert!(index.contains(&row), "docs/errors/README.md lacks the line `{}`", row.trim());
        }
    }

    #[test]
    fn codes_read_back_and_are_unique() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert!("T9999".parse::<Code>().is_err());
    }
}
