//! What a template is made from: checked as far as the server knows, before anybody is told.

use crate::{app::refused::Refused, picture::Picture};
use diecast_api::operator::template::CreateTemplate;
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    protocol,
    provider::{Vm, VmContent},
    template::PublicationSource,
};
use diecast_store::ProviderRecord;

/// The longest path that Linux takes.
const PATH_LENGTH_MAX: usize = 4096;

/// Either a machine or an image, and not both.
pub(crate) fn source_of(asked: &CreateTemplate) -> Result<PublicationSource, Refused> {
    match (&asked.vm, &asked.image) {
        (Some(name), None) if !name.is_empty() && name.len() <= PATH_LENGTH_MAX => {
            Ok(PublicationSource::Vm { name: name.clone() })
        }
        (None, Some(path)) => {
            let steps_up = path.split('/').any(|part| part == "..");
            let odd = path.len() > PATH_LENGTH_MAX || path.chars().any(char::is_control);
            if !path.starts_with('/') || steps_up || odd {
                let cause = "`image` must be a whole path on the provider's machine, without `..`";
                return Err(Refused::malformed(cause));
            }
            Ok(PublicationSource::Image { path: path.clone() })
        }
        _ => Err(Refused::malformed("give either `vm` or `image`, and one of them only")),
    }
}

/// What is known to stand in the way of reading `source` on `provider` now.
pub(crate) fn obstacles(
    picture: &Picture,
    provider: &ProviderRecord,
    source: &PublicationSource,
    trim: bool,
) -> Vec<Problem> {
    if let Err(problem) = picture.must_answer(provider) {
        return vec![problem];
    }
    let mut found = storage(picture, provider);
    found.extend(cannot_trim(picture, provider).filter(|_| trim));
    if let PublicationSource::Vm { name } = source {
        match machine(picture, provider.id, name) {
            Some(vm) => found.extend(vm.obstacle.clone()),
            None => {
                let cause = format!("{} has no machine `{name}`", provider.name);
                let hint = format!("look it up with `diecast vm list --provider {}`", provider.name);
                found.push(Problem::new(Code::V0002, cause).with_hint(hint));
            }
        }
    }
    found
}

/// An agent that does not know the word would publish the machine as it is, and say nothing of it.
pub(crate) fn cannot_trim(picture: &Picture, provider: &ProviderRecord) -> Option<Problem> {
    let report = picture.report(provider.id).filter(|report| report.protocol < protocol::PROTOCOL)?;
    let cause =
        format!("the agent of {} is of release {}, which cannot trim", provider.name, report.agent_version);
    let hint = "upgrade diecast-agent on that machine, or publish without trimming";
    Some(Problem::new(Code::A0010, cause).with_hint(hint))
}

fn machine<'a>(picture: &'a Picture, provider: ProviderId, name: &str) -> Option<&'a Vm> {
    picture.report(provider)?.vms.iter().find(|vm| vm.name == name || vm.uuid.to_string() == name)
}

/// What a version of it would ask of others, as far as it is known before it is read.
pub(crate) fn content<'a>(
    picture: &'a Picture,
    provider: ProviderId,
    source: &PublicationSource,
) -> Option<&'a VmContent> {
    let PublicationSource::Vm { name } = source else { return None };
    machine(picture, provider, name)?.content.as_ref()
}

/// Whether the pool that a provider is to use is there.
pub(crate) fn storage(picture: &Picture, provider: &ProviderRecord) -> Vec<Problem> {
    let Some(facts) = picture.report(provider.id).and_then(|report| report.facts.as_ref()) else {
        return Vec::new();
    };
    let wanted = &provider.settings.storage;
    match facts.storages.iter().find(|storage| storage.name == *wanted) {
        Some(storage) if storage.active => Vec::new(),
        Some(_) => {
            let cause = format!("storage pool `{wanted}` on {} is not active", provider.name);
            vec![Problem::new(Code::P0003, cause)]
        }
        None => {
            let cause = format!("{} has no storage pool `{wanted}`", provider.name);
            vec![Problem::new(Code::P0003, cause)]
        }
    }
}
