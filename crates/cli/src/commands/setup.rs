//! What hosts are to be like, from what was typed, and over what is set.

use crate::{Failure, args::terms::SetupArgs};
use diecast_api::operator::{host::SetupBody, recreation::TermsBody};
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

/// What was said over what is set. Texts of a preparation that is left are left too.
pub(super) fn over(set: &SetupBody, said: SetupBody) -> SetupBody {
    let preparation = said.preparation.or_else(|| set.preparation.clone());
    let goes_with = |wanted: &str| preparation.as_deref().is_none_or(|it| it == wanted);
    let kept = |wanted: &str, text: &Option<String>| text.clone().filter(|_| goes_with(wanted));
    SetupBody {
        user_data: said.user_data.or_else(|| kept("cloud-init", &set.user_data)),
        unattend: said.unattend.or_else(|| kept("sysprep", &set.unattend)),
        data_disk_bytes: said.data_disk_bytes.or(set.data_disk_bytes),
        ready_when: said.ready_when.or_else(|| set.ready_when.clone()),
        preparation,
    }
}

/// The same for how hosts are recreated.
pub(super) fn terms_over(set: &TermsBody, said: TermsBody) -> TermsBody {
    TermsBody {
        waves: said.waves.or_else(|| set.waves.clone()),
        deadline: said.deadline.or_else(|| set.deadline.clone()),
        failures_max: said.failures_max.or(set.failures_max),
        health_seconds: said.health_seconds.or(set.health_seconds),
    }
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

    #[test]
    fn what_is_not_said_stays_and_a_preparation_that_is_left_takes_its_text_along() {
        let set = SetupBody {
            preparation: Some("cloud-init".into()),
            user_data: Some("x".into()),
            data_disk_bytes: Some(1),
            ..SetupBody::default()
        };
        let said = SetupBody { ready_when: Some("address".into()), ..SetupBody::default() };
        let kept = over(&set, said);
        assert_eq!((kept.user_data.as_deref(), kept.data_disk_bytes), (Some("x"), Some(1)));
        let said = SetupBody { preparation: Some("none".into()), ..SetupBody::default() };
        assert_eq!(over(&set, said).user_data, None);
    }
}
