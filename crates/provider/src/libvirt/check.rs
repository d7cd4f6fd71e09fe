//! Tries a provider out: what it answers, what it has, and a throw-away guest on a read-only base.

use super::{
    Libvirt, acceleration, files, inspect,
    session::{POWER_DEADLINE, WORK_DEADLINE},
};
use crate::{capability::CheckLine, image::command, xml::Element};
use diecast_domain::{
    code::{Code, Problem},
    preflight,
    units::ByteCount,
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use uuid::Uuid;
use virt::{domain::Domain, sys};

/// Directories of checks begin with this, so that the next one clears up after one that was killed.
const TRIAL_PREFIX: &str = "check-";

impl Libvirt {
    pub(super) async fn run_check(
        &self,
        pool: &str,
        networks: &BTreeMap<String, String>,
        floor: Option<ByteCount>,
    ) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        match self.ask_facts().await {
            Ok(facts) => {
                lines.push(CheckLine::good("hypervisor", facts.hypervisor));
                let how = if facts.hardware_acceleration {
                    "a guest booted with KVM"
                } else {
                    "guests are emulated (no guest booted with KVM)"
                };
                lines.push(CheckLine::good("acceleration", how));
            }
            Err(problem) => {
                lines.push(CheckLine::bad("hypervisor", &problem));
                return lines;
            }
        }
        for (theirs, here) in networks {
            let name = format!("network {theirs}");
            lines.push(match self.plug(here).await {
                Ok(_) => CheckLine::good(name, format!("is {here} here")),
                Err(problem) => CheckLine::bad(name, &problem),
            });
        }
        match self.prepare_storage(pool).await {
            Ok(storage) => {
                lines.push(CheckLine::good("storage", format!("{}", storage.display())));
                lines.push(free_space(&storage, floor));
                lines.push(self.try_guest(&storage).await);
            }
            Err(problem) => lines.push(CheckLine::bad("storage", &problem)),
        }
        lines
    }

    async fn try_guest(&self, storage: &Path) -> CheckLine {
        const NAME: &str = "guest on the storage";
        clear_trials(storage);
        let id = Uuid::new_v4();
        let dir = storage.join(format!("{TRIAL_PREFIX}{id}"));
        let tried = match prepare(&dir).await {
            Ok(overlay) => self.start_trial(id, &dir, &overlay).await,
            Err(problem) => Err(problem),
        };
        // Whatever is left is cleared by the next check.
        let _ = files::remove_dir(&dir);
        match tried {
            Ok(()) => CheckLine::good(NAME, "QEMU's user opened an overlay on a read-only base"),
            Err(problem) => CheckLine::bad(NAME, &problem),
        }
    }

    async fn start_trial(&self, id: Uuid, dir: &Path, overlay: &Path) -> Result<(), Problem> {
        let xml = trial(id, &dir.join("base.raw"), overlay).render();
        let asked = self.session.call("starting a trial guest", POWER_DEADLINE, move |connection| {
            // Paused: the files are open by then. It goes with the connection if we do.
            let flags = sys::VIR_DOMAIN_START_PAUSED | sys::VIR_DOMAIN_START_AUTODESTROY;
            let domain = Domain::create_xml(connection, &xml, flags)?;
            domain.destroy()
        });
        let outcome = asked.await;
        let cleanup = self.session.call("ending the trial guest", WORK_DEADLINE, move |connection| {
            Domain::lookup_by_uuid(connection, id)?.destroy()
        });
        if outcome.is_err() {
            // Not there is what is wanted; anything else ends with the connection.
            let _ = cleanup.await;
        }
        outcome.map_err(|error| {
            let denied = error.to_string().contains("Permission denied");
            let code = if denied { Code::P0014 } else { Code::P0013 };
            let problem = error.problem(code, &format!("a trial guest in {}", dir.display()));
            match too_narrow(dir).filter(|_| denied) {
                Some(narrow) => problem.with_hint(format!("chmod o+x {}", narrow.display())),
                None => problem,
            }
        })
    }
}

/// The first directory on the way that QEMU's user cannot pass.
fn too_narrow(dir: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let ways: Vec<_> = dir.ancestors().collect();
    let narrow = ways
        .iter()
        .rev()
        .find(|way| std::fs::metadata(way).is_ok_and(|meta| meta.permissions().mode() & 0o001 == 0));
    narrow.map(|way| way.to_path_buf())
}

fn free_space(storage: &Path, floor: Option<ByteCount>) -> CheckLine {
    let (capacity, free) = inspect::space(storage).unwrap_or_default();
    let (free, floor) = (ByteCount(free), preflight::floor(ByteCount(capacity), floor));
    if free >= floor {
        return CheckLine::good("free space", format!("{free} free"));
    }
    let cause = format!("{free} free in {}, {floor} are kept free", storage.display());
    CheckLine::bad("free space", &Problem::new(Code::P0004, cause))
}

fn clear_trials(storage: &Path) {
    for entry in std::fs::read_dir(storage).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TRIAL_PREFIX) {
            // A line of the check tells if this one cannot write there.
            let _ = files::remove_dir(&entry.path());
        }
    }
}

async fn prepare(dir: &Path) -> Result<PathBuf, Problem> {
    let failed = |error: io::Error| files::problem(dir, &error);
    let (base, overlay) = (dir.join("base.raw"), dir.join("overlay.qcow2"));
    files::make_dir(dir).map_err(failed)?;
    files::write(&base, acceleration::BOOT_SECTOR, files::READ_ONLY).map_err(failed)?;
    let args: [&dyn command::AsArg; 9] =
        [&"create", &"-q", &"-f", &"qcow2", &"-F", &"raw", &"-b", &base.as_path(), &overlay.as_path()];
    let answer = command::look("qemu-img", &args).await;
    crate::image::chain::qemu_img("the trial guest", &overlay, answer)?;
    Ok(overlay)
}

fn trial(id: Uuid, base: &Path, overlay: &Path) -> Element {
    let disk = super::machine::overlay_disk(overlay, base);
    Element::new("domain")
        .attr("type", "qemu")
        .child(Element::new("name").text(format!("diecast-{TRIAL_PREFIX}{id}")))
        .child(Element::new("uuid").text(id))
        .child(Element::new("memory").attr("unit", "MiB").text(32))
        .child(
            Element::new("os")
                .child(Element::new("type").attr("arch", "x86_64").attr("machine", "pc").text("hvm")),
        )
        .child(Element::new("devices").child(disk))
}
