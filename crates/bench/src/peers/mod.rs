//! Running a peer: on the same hypervisors, over the same links, from the same disks to the same disks.
//!
//! What a target ends with is compared with what was sent: a peer that is fast and wrong has failed.

mod table;

pub use table::{Input, Peer, peers};

use crate::{outside::Group, world::World};
use anyhow::{Context, Result, bail, ensure};
use diecast_lab::{
    Item,
    run::{RunError, run},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How often it is looked who is done.
const LOOK: Duration = Duration::from_millis(10);
/// Receivers that wait for the source listen by then.
const LISTENING: Duration = Duration::from_millis(700);

/// What a peer's run gave.
#[derive(Clone, Debug, Default)]
pub struct Gave {
    /// When each target was done; none for one that was to fail.
    pub seconds: Vec<Option<f64>>,
    /// Toward each target, over its link.
    pub target_bytes: Vec<f64>,
    pub source_bytes: f64,
    /// User and system time of what ran on the first target.
    pub target_cpu_seconds: f64,
}

impl Gave {
    pub fn last(&self) -> f64 {
        self.seconds.iter().flatten().copied().fold(0.0, f64::max)
    }

    pub fn most_toward_a_target(&self) -> f64 {
        self.target_bytes.iter().copied().fold(0.0, f64::max)
    }
}

/// What may happen to the last target on the way.
pub type Disturbance<'a> = &'a mut dyn FnMut(&World, &Item, f64) -> Result<bool>;

/// The input of all peers: `disk.raw` in the source's storage.
pub struct Share<'a> {
    pub world: &'a World,
    pub folder: PathBuf,
    pub disk_bytes: u64,
}

impl<'a> Share<'a> {
    /// Takes a copy of the disk; what was shared before is gone.
    pub fn of(world: &'a World, disk: &Path) -> Result<Self> {
        let folder = world.source().storage.join("peers");
        remove(&folder)?;
        make(&folder)?;
        make(&world.lab.paths().import().join("peers"))?;
        let copy = folder.join("disk.raw");
        run(&["cp", "--reflink=auto", "--sparse=always", &shown(disk), &shown(&copy)])?;
        let disk_bytes = fs::metadata(&copy).context("looking at the peers' input")?.len();
        Ok(Self { world, folder, disk_bytes })
    }

    /// Runs one peer once, toward these targets.
    pub fn run(
        &self,
        peer: &Peer,
        targets: &[Item],
        bits_per_second: f64,
        patience: Duration,
        mut disturb: Option<Disturbance<'_>>,
    ) -> Result<Gave> {
        let folders = self.empty_folders(targets)?;
        let addresses: Vec<String> =
            targets.iter().map(|target| self.world.address(target)).collect::<Result<_>>()?;
        let marks = self.marks()?;
        self.prepare(peer)?;
        let before: Vec<_> = targets.iter().map(Item::crossed).collect::<Result<_>>()?;
        let source_before = self.world.source().crossed()?;
        let source = |line: &str| self.command(&self.world.source().name, line, &addresses, bits_per_second);

        let mut serving = None;
        if !peer.source_last {
            serving = Some(Group::start(&mut source(peer.serve)?)?);
        }
        let mut begun = Instant::now();
        let mut running = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let line = format!("{TIMED} bash -c '{}'", peer.fetch.replace('\'', r"'\''"));
            let mut command = self.command(&target.name, &line, &addresses, bits_per_second)?;
            let next = addresses.get(number + 1).map_or("", String::as_str);
            command.env("DIR", &folders[number]).env("ME", &addresses[number]).env("NEXT", next);
            command.env("RANK", (number + 1).to_string());
            running.push(Group::start(&mut command)?);
        }
        if peer.source_last {
            std::thread::sleep(LISTENING);
            begun = Instant::now();
            serving = Some(Group::start(&mut source(peer.serve)?)?);
        }

        let mut seconds: Vec<Option<f64>> = vec![None; targets.len()];
        let mut lost = None;
        while seconds.iter().enumerate().any(|(number, done)| done.is_none() && lost != Some(number)) {
            let now = begun.elapsed().as_secs_f64();
            for (number, group) in running.iter_mut().enumerate() {
                if seconds[number].is_some() || lost == Some(number) {
                    continue;
                }
                match group.ended()? {
                    Some(true) => seconds[number] = Some(now),
                    Some(false) => {
                        bail!("{} failed on {}{}", peer.name, targets[number].name, self.said(&marks))
                    }
                    None => (),
                }
            }
            if let Some(Some(false)) = serving.as_mut().map(Group::ended).transpose()? {
                bail!("{} ended on the source{}", peer.name, self.said(&marks));
            }
            if let (Some(happen), Some(last)) = (disturb.as_mut(), targets.last())
                && happen(self.world, last, now)?
            {
                lost = Some(targets.len() - 1);
                running[targets.len() - 1].kill();
                disturb = None;
            }
            if begun.elapsed() > patience {
                let done = seconds.iter().flatten().count();
                bail!(
                    "not done in {} s: {done} of {} targets were{}",
                    patience.as_secs(),
                    targets.len(),
                    self.said(&marks)
                );
            }
            std::thread::sleep(LOOK);
        }
        let mut gave = Gave { seconds, ..Gave::default() };
        for (target, before) in targets.iter().zip(before) {
            gave.target_bytes.push((target.crossed()?.0 - before.0) as f64);
        }
        gave.source_bytes = (self.world.source().crossed()?.1 - source_before.1) as f64;
        gave.target_cpu_seconds = times(&folders[0].join("times")).unwrap_or(f64::NAN);
        drop(serving);
        drop(running);
        self.check(&folders, &gave)?;
        Ok(gave)
    }

    /// Prepares the input; gives the CPU seconds that it took.
    pub fn prepare(&self, peer: &Peer) -> Result<f64> {
        if peer.prepare.is_empty() {
            return Ok(0.0);
        }
        let marks = self.marks()?;
        let line = format!("{TIMED} bash -c '{}'", peer.prepare.replace('\'', r"'\''"));
        let mut command = self.command(&self.world.source().name, &line, &[], 0.0)?;
        command.env("DIR", &marks);
        let well = Group::start(&mut command)?.wait(PREPARATION_MAX)?;
        ensure!(well, "preparing the input of {} failed{}", peer.name, self.said(&marks));
        times(&marks.join("times")).context("reading what the preparation took")
    }

    /// Removes all that was prepared and received.
    pub fn clear(self) -> Result<()> {
        for target in self.world.all_targets() {
            remove(&target.storage.join("peers"))?;
        }
        remove(&self.folder)?;
        self.world.give_back()
    }

    pub fn empty_folders(&self, targets: &[Item]) -> Result<Vec<PathBuf>> {
        let folders: Vec<PathBuf> = targets.iter().map(|target| target.storage.join("peers")).collect();
        for folder in &folders {
            remove(folder)?;
            make(folder)?;
        }
        Ok(folders)
    }

    /// Outside of every provider's own disk, which the others do not see.
    fn marks_folder(&self) -> PathBuf {
        self.world.lab.paths().import().join("peers")
    }

    fn marks(&self) -> Result<PathBuf> {
        let marks = self.marks_folder();
        remove(&marks)?;
        make(&marks)?;
        Ok(marks)
    }

    /// A line of bash inside a provider's machine.
    pub fn command(&self, provider: &str, line: &str, addresses: &[String], bits: f64) -> Result<Command> {
        let mut command = self.world.lab.exec_command(provider, &["bash", "-c", line])?;
        let marks = self.marks_folder();
        command.env("SHARE", &self.folder).env("MARKS", &marks).env("HOME", &marks);
        command.env("SOURCE", self.world.address(self.world.source())?);
        command.env("FIRST", addresses.first().map_or("", String::as_str));
        command.env("N", addresses.len().to_string()).env("KBIT", format!("{:.0}", bits / 1000.0));
        command.env("BYTES", self.disk_bytes.to_string());
        command.env("PATH", crate::peers::path());
        let log = fs::File::options().create(true).append(true).open(marks.join("said"));
        let log = log.context("opening a log for the peers")?;
        let other = log.try_clone().context("opening a log for the peers")?;
        command.stdin(Stdio::null()).stdout(log).stderr(other);
        Ok(command)
    }

    /// What the programs said, to be put behind an error.
    fn said(&self, marks: &Path) -> String {
        const SHOWN_MAX: usize = 400;
        let text = fs::read_to_string(marks.join("said")).unwrap_or_default();
        let text = text.trim();
        let start = text.ceil_char_boundary(text.len().saturating_sub(SHOWN_MAX));
        if text.is_empty() { "; it said nothing".to_owned() } else { format!(": {}", &text[start..]) }
    }

    fn check(&self, folders: &[PathBuf], gave: &Gave) -> Result<()> {
        let disk = self.folder.join("disk.raw");
        for (folder, _) in folders.iter().zip(&gave.seconds).filter(|(_, done)| done.is_some()) {
            same(&disk, &folder.join("out"))?;
        }
        Ok(())
    }
}

/// Byte for byte, holes being zeroes.
pub fn same(disk: &Path, other: &Path) -> Result<(), RunError> {
    run(&["qemu-img", "compare", "-f", "raw", "-F", "raw", &shown(disk), &shown(other)]).map(drop)
}

/// Writes user and system time of a line and all that it waited for.
const TIMED: &str = "/usr/bin/time -q -o $DIR/times -f '%U %S'";
/// To cut and compress a whole image, on a busy machine.
const PREPARATION_MAX: Duration = Duration::from_secs(900);

fn times(file: &Path) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    (numbers.len() == 2).then(|| numbers.iter().sum())
}

/// Programs that cargo installed are found too.
fn path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    match std::env::var("DIECAST_BENCH_TOOLS") {
        Ok(tools) => format!("{tools}:{own}:/usr/sbin:/sbin"),
        Err(_) => format!("{own}:/usr/sbin:/sbin"),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

pub fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}
