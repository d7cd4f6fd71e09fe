//! What hosts are to be like, from what was typed.

use crate::{
    Failure,
    args::terms::{HostDefaultsArgs, SetupArgs},
};
use diecast_api::operator::host::{HostDefaultsBody, SetupBody};
use diecast_domain::preparation::TEXT_BYTES_MAX;
use std::path::Path;

/// Reads the files that were named. What was not typed is not said.
pub(super) fn setup(args: SetupArgs) -> Result<SetupBody, Failure> {
    let SetupArgs { preparation, user_data, unattend, data_disk, ready_when } = args;
    let implied = match (&user_data, &unattend) {
        (Some(_), _) => Some(("cloud-init", "--user-data")),
        (_, Some(_)) => Some(("sysprep", "--unattend")),
        _ => None,
    };
    if let (Some(said), Some((implied, flag))) = (&preparation, implied)
        && said != implied
    {
        return Err(Failure::usage(
            format!("{flag} is for the preparation {implied}, and `--preparation {said}` was given"),
            "leave one of them out",
        ));
    }
    if preparation.as_deref() == Some("sysprep") && unattend.is_none() {
        return Err(Failure::usage("sysprep needs an answer file", "add `--unattend FILE`"));
    }
    Ok(SetupBody {
        preparation: preparation.or_else(|| implied.map(|(implied, _)| implied.to_owned())),
        user_data: user_data.as_deref().map(text).transpose()?,
        unattend: unattend.as_deref().map(text).transpose()?,
        data_disk_bytes: data_disk,
        ready_when,
    })
}

/// What hosts of a template are to be like. What was not typed is not said.
pub(super) fn host_defaults(args: HostDefaultsArgs) -> Result<HostDefaultsBody, Failure> {
    let setup = setup(args.setup)?;
    let setup = Some(setup).filter(|setup| *setup != SetupBody::default());
    Ok(HostDefaultsBody { kind: args.host_kind, name: args.host_name, setup })
}

/// A small text file.
fn text(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::local(format!("{} cannot be read", path.display()), source))?;
    if text.len() > TEXT_BYTES_MAX {
        return Err(Failure::usage(
            format!("{} is longer than {} KiB", path.display(), TEXT_BYTES_MAX >> 10),
            "put what is large where the guest can fetch it",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_implies_its_preparation_and_contradictions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("user-data.yaml");
        std::fs::write(&file, "#cloud-config\n").unwrap();
        let said = setup(SetupArgs { user_data: Some(file.clone()), ..SetupArgs::default() }).unwrap();
        assert_eq!(said.preparation.as_deref(), Some("cloud-init"));
        assert_eq!(said.user_data.as_deref(), Some("#cloud-config\n"));
        let sysprep = Some("sysprep".to_owned());
        let both =
            SetupArgs { preparation: sysprep.clone(), user_data: Some(file.clone()), ..SetupArgs::default() };
        assert_eq!(setup(both).unwrap_err().exit_code(), 2);
        let alone = SetupArgs { preparation: sysprep, ..SetupArgs::default() };
        assert_eq!(setup(alone).unwrap_err().exit_code(), 2);
        std::fs::write(&file, "x".repeat(TEXT_BYTES_MAX + 1)).unwrap();
        let large = SetupArgs { user_data: Some(file), ..SetupArgs::default() };
        assert_eq!(setup(large).unwrap_err().exit_code(), 2);
    }
}
