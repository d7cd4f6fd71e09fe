//! What hosts of a template are like where nobody says otherwise: in the operators' words, and what is made of it.

use crate::app::{refused::Refused, setup};
use diecast_api::operator::host::{CreateHosts, HostDefaultsBody, SetupBody};
use diecast_domain::{
    host::{HostDefaults, HostKind, HostSetup},
    pattern::NamePattern,
};
use diecast_store::TemplateRecord;

/// What `asked` changes of `before`; what it leaves out stays.
pub(crate) fn merged(before: &HostDefaults, asked: &HostDefaultsBody) -> Result<HostDefaults, Refused> {
    let kind = match asked.kind.as_deref() {
        None => before.kind,
        Some("linked") => Some(HostKind::Linked),
        Some("full") => Some(HostKind::Full),
        Some(other) => return Err(setup::unknown("kind", other, "`linked` or `full`")),
    };
    let name = match asked.name.as_deref() {
        None => before.name.clone(),
        Some("") => None,
        Some(text) => Some(text.parse::<NamePattern>().map_err(|bad| Refused::malformed(bad.to_string()))?),
    };
    let setup = match &asked.setup {
        Some(asked) if *asked != SetupBody::default() => {
            Some(setup::merged(&before.setup.clone().unwrap_or_default(), asked)?)
        }
        _ => before.setup.clone(),
    };
    Ok(HostDefaults { kind, name, setup })
}

/// The same in the operators' words.
pub(crate) fn body(defaults: &HostDefaults) -> HostDefaultsBody {
    HostDefaultsBody {
        kind: defaults.kind.map(|kind| kind.as_str().to_owned()),
        name: defaults.name.as_ref().map(ToString::to_string),
        setup: defaults.setup.as_ref().map(setup::body),
    }
}

/// What new hosts are called, how they are made and what they are like.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) kind: HostKind,
    pub(crate) setup: HostSetup,
}

/// What is asked, and the template's own defaults for what is left out.
pub(crate) fn wanted(template: &TemplateRecord, asked: &CreateHosts) -> Result<Wanted, Refused> {
    let defaults = &template.host_defaults;
    let Some(name) = asked.name.clone().or_else(|| defaults.name.as_ref().map(ToString::to_string)) else {
        let cause =
            format!("`name` is left out, and template `{}` has no name pattern of its own", template.name);
        return Err(Refused::malformed(cause));
    };
    let kind = match asked.full {
        Some(true) => HostKind::Full,
        Some(false) => HostKind::Linked,
        None => defaults.kind.unwrap_or(HostKind::Linked),
    };
    let setup = match &defaults.setup {
        Some(before) => setup::merged(before, &asked.setup)?,
        None => setup::parse(&asked.setup)?,
    };
    Ok(Wanted { name, kind, setup })
}
