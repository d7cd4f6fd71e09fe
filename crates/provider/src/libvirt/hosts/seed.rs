//! The NoCloud seed: a small ISO that tells a guest its name at its first start.

use crate::{capability::HostSpec, image::command, libvirt::files};
use diecast_domain::code::{Code, Problem};
use std::{fs, path::Path, time::Duration};

/// Three files of a few hundred bytes; this is for a provider that hardly moves.
const ISO_DEADLINE: Duration = Duration::from_secs(60);

pub fn meta_data(spec: &HostSpec) -> String {
    format!("instance-id: {}\nlocal-hostname: {}\n", spec.id, spec.name)
}

/// The least that cloud-init takes for an answer, and cloudbase-init as well.
pub fn user_data() -> &'static str {
    "#cloud-config\npreserve_hostname: false\n"
}

pub async fn write(spec: &HostSpec, iso: &Path) -> Result<(), Problem> {
    let failed = |error: std::io::Error| files::problem(iso, &error);
    let dir = tempfile::tempdir().map_err(failed)?;
    fs::write(dir.path().join("meta-data"), meta_data(spec)).map_err(failed)?;
    fs::write(dir.path().join("user-data"), user_data()).map_err(failed)?;
    let unfinished = files::unfinished(iso);
    files::remove(&unfinished).map_err(failed)?;
    let args: [&dyn command::AsArg; 8] = [
        &"-quiet",
        &"-output",
        &unfinished.as_path(),
        &"-volid",
        &"cidata",
        &"-joliet",
        &"-rock",
        &dir.path(),
    ];
    let answer = command::work("genisoimage", &args, ISO_DEADLINE).await;
    let answer = answer.map_err(|error| Problem::new(Code::H0001, error.to_string()))?;
    if !answer.ok {
        let cause = format!("genisoimage for {}: {}", spec.name, answer.complaint);
        return Err(Problem::new(Code::H0001, cause));
    }
    files::finish(iso, files::PRIVATE).map_err(failed)
}
