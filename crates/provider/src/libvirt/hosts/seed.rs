//! The seed: a small ISO that tells a guest who it is at its first start.

use crate::{capability::HostSpec, image::command, libvirt::files};
use diecast_domain::{
    code::{Code, Problem},
    preparation::Preparation,
};
use quick_xml::escape::escape;
use std::{fs, io, path::Path, time::Duration};

/// A few small files; this is for a provider that hardly moves.
const ISO_DEADLINE: Duration = Duration::from_secs(60);
/// What stands for the host's name in an answer file.
const NAME: &str = "{name}";

/// What is on a seed.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    /// The name of the file system, by which cloud-init finds it.
    label: &'static str,
    files: Vec<(&'static str, String)>,
}

/// None where a guest is told nothing.
fn content(spec: &HostSpec) -> Option<Content> {
    match &spec.preparation {
        Preparation::CloudInit { user_data } => {
            let user_data = user_data.clone().unwrap_or_else(|| least_user_data().to_owned());
            let files = vec![("meta-data", meta_data(spec)), ("user-data", user_data)];
            Some(Content { label: "cidata", files })
        }
        Preparation::Sysprep { unattend } => {
            let filled = unattend.replace(NAME, &escape(spec.name.as_str()));
            // Setup looks for the one, a machine that was generalised for the other.
            let files = vec![("autounattend.xml", filled.clone()), ("unattend.xml", filled)];
            Some(Content { label: "unattend", files })
        }
        Preparation::None => None,
    }
}

/// cloud-init does its work once for an instance. A host made anew is another instance, even where
/// something of the former one is still seen, such as its data disk; one brought back is not.
fn meta_data(spec: &HostSpec) -> String {
    let instance = match spec.incarnation {
        1 => spec.id.to_string(),
        incarnation => format!("{}-{incarnation}", spec.id),
    };
    format!("instance-id: {instance}\nlocal-hostname: {}\n", spec.name)
}

/// The least that cloud-init takes for an answer, and cloudbase-init as well.
fn least_user_data() -> &'static str {
    "#cloud-config\npreserve_hostname: false\n"
}

/// Writes what the host's preparation asks for.
pub async fn write(spec: &HostSpec, iso: &Path) -> Result<(), Problem> {
    let Some(content) = content(spec) else { return Ok(()) };
    let failed = |error: io::Error| files::problem(iso, &error);
    let dir = tempfile::tempdir().map_err(failed)?;
    for (name, text) in &content.files {
        fs::write(dir.path().join(name), text).map_err(failed)?;
    }
    let unfinished = files::unfinished(iso);
    files::remove(&unfinished).map_err(failed)?;
    let args: [&dyn command::AsArg; 8] = [
        &"-quiet",
        &"-output",
        &unfinished.as_path(),
        &"-volid",
        &content.label,
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
    let path = iso.to_owned();
    files::apart(iso, move || files::finish(&path, files::PRIVATE)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{digest::Digest, host::HostKind};

    fn spec(preparation: Preparation, incarnation: u32) -> HostSpec {
        HostSpec {
            id: "0195fa00-0000-7000-8000-000000000001".parse().unwrap(),
            name: "desk-001".parse().unwrap(),
            template: "win11".parse().unwrap(),
            number: 2,
            digest: Digest::from_bytes([0xab; 32]),
            kind: HostKind::Linked,
            macs: Vec::new(),
            incarnation,
            preparation,
            data_disk: None,
        }
    }

    #[test]
    fn a_host_made_anew_is_another_instance_of_the_same_name() {
        let told = |incarnation| content(&spec(Preparation::default(), incarnation)).unwrap();
        let (first, third) = (told(1), told(3));
        assert_eq!(first.label, "cidata");
        assert_eq!(
            first.files[0].1,
            "instance-id: 0195fa00-0000-7000-8000-000000000001\nlocal-hostname: desk-001\n"
        );
        assert_eq!(
            third.files[0].1,
            "instance-id: 0195fa00-0000-7000-8000-000000000001-3\nlocal-hostname: desk-001\n"
        );
        assert!(first.files[1].1.starts_with("#cloud-config\n"));
    }

    #[test]
    fn user_data_of_ones_own_is_handed_on_to_the_byte() {
        let own = "#!/bin/sh\necho '{name}' \u{e4}\r\n";
        let preparation = Preparation::CloudInit { user_data: Some(own.to_owned()) };
        assert_eq!(content(&spec(preparation, 1)).unwrap().files[1], ("user-data", own.to_owned()));
    }

    #[test]
    fn an_answer_file_is_filled_in_wherever_windows_looks_for_it() {
        let unattend = "<unattend><ComputerName>{name}</ComputerName><a>{name}</a></unattend>".to_owned();
        let told = content(&spec(Preparation::Sysprep { unattend }, 1)).unwrap();
        let filled = "<unattend><ComputerName>desk-001</ComputerName><a>desk-001</a></unattend>";
        let names: Vec<_> = told.files.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["autounattend.xml", "unattend.xml"]);
        assert!(told.files.iter().all(|(_, text)| text == filled));
        assert_eq!(content(&spec(Preparation::None, 1)), None);
    }
}
