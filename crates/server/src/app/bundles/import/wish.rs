//! What an import would do, checked against what there is: which template, which provider, whether at all.

use crate::{
    app::{
        plans::{self, Wanted},
        refused::Refused,
        templates::check_note,
    },
    picture::Picture,
};
use diecast_api::operator::{bundle::ImportBundle, template::PlanView};
use diecast_domain::{
    bundle::Header,
    code::{Code, Problem},
    digest::Digest,
    distribution::Desire,
    ids::{ProviderId, TemplateId},
    names::{ProviderName, TemplateName},
    profile::HardwareProfile,
    recovery,
    wishes::{Import, Refusal, may_import_version},
};
use std::collections::BTreeSet;

pub(super) struct Wish {
    pub(super) template: TemplateName,
    /// None: it is to be made.
    pub(super) id: Option<TemplateId>,
    pub(super) import: Import,
    /// Who unpacks it.
    pub(super) provider: ProviderId,
    pub(super) provider_name: ProviderName,
    /// Of a template that is to be made.
    pub(super) members: BTreeSet<ProviderId>,
}

impl Wish {
    pub(super) fn of(picture: &Picture, asked: &ImportBundle, header: &Header) -> Result<Self, Refused> {
        if picture.world.recovery.is_some() {
            return Err(recovery::waits().into());
        }
        check_note(header.note.as_deref())?;
        let named = asked.template.as_deref();
        let template = named.map_or_else(|| Ok(header.template.clone()), str::parse)?;
        let named = asked.provider.as_deref().map(|name| picture.provider_named(name)).transpose()?;
        let named = named.map(|record| record.id);
        let there = picture.templates.values().find(|record| record.name == template);
        let (id, import, provider) = match there {
            Some(record) => {
                let import = may_import_version(&picture.world, record.id, header.number, header.digest)?;
                let known = import != Import::New;
                if !known && (asked.to_all || asked.to.is_some()) {
                    let hint = format!("change its list with `diecast distribution add {template} PROVIDER`");
                    let cause = format!("template `{template}` is there already, with its list");
                    return Err(Problem::new(Code::A0005, cause).with_hint(hint).into());
                }
                let holder = holder(picture, header.digest).filter(|_| known);
                let provider = match holder {
                    Some(holder) => holder,
                    None => of_the_list(picture, record.id, named, header)?,
                };
                (Some(record.id), import, provider)
            }
            None => {
                let provider = named.ok_or_else(|| {
                    let cause = format!("there is no template `{template}` yet, so no provider to unpack it");
                    let hint = "name one with `--provider`, and others that shall hold it with `--to`";
                    Problem::new(Code::A0001, cause).with_hint(hint)
                })?;
                (None, Import::New, provider)
            }
        };
        let mut members = BTreeSet::from([provider]);
        for other in asked.to.iter().flat_map(|to| to.split(',')).filter(|name| !name.is_empty()) {
            members.insert(picture.provider_named(other)?.id);
        }
        if asked.to_all {
            members.extend(picture.providers.keys());
        }
        let record = picture.providers.get(&provider);
        let record = record.ok_or_else(|| crate::picture::no_such("provider", &provider.to_string()))?;
        picture.must_answer(record)?;
        Ok(Self { template, id, import, provider, provider_name: record.name.clone(), members })
    }

    /// The header, of what the template is called here and how the version is numbered.
    pub(super) fn named(&self, header: &Header) -> Header {
        let number = match self.import {
            Import::Known(number) => number,
            Import::New => header.number,
        };
        Header { template: self.template.clone(), number, ..header.clone() }
    }

    /// The template has the version, and somebody holds it: there is nothing to do.
    pub(super) fn has_it_all(&self, picture: &Picture, header: &Header) -> bool {
        matches!(self.import, Import::Known(_)) && picture.world.is_ready_somewhere(header.digest)
    }

    pub(super) fn obstacles(
        &self,
        picture: &Picture,
        header: &Header,
        profile: &HardwareProfile,
    ) -> Vec<Problem> {
        // What is there already is not written again, so what the file brings is the most that is.
        let wanted = Wanted { profile, bytes: header.carried };
        plans::obstacles(picture, self.provider, Some(wanted))
    }

    pub(super) fn plan(&self, picture: &Picture, header: &Header, profile: &HardwareProfile) -> PlanView {
        let (number, name, on) = (header.number, &self.template, &self.provider_name);
        if self.has_it_all(picture, header) {
            return plans::plan(Vec::new(), &[]);
        }
        let carried = header.carried;
        let mut steps = vec![format!("unpack v{number} of `{}` on {on}: {carried}", header.template)];
        match self.import {
            Import::Known(known) => steps.push(format!("hold it again as v{known} of `{name}`")),
            Import::New if self.id.is_some() => {
                steps.push(format!("make it v{number} of `{name}`, and the current version"));
            }
            Import::New => steps.push(format!("make template `{name}` with it as v{number}")),
        }
        let list = self.id.and_then(|id| picture.list(id));
        let members = list.map_or_else(|| self.members.clone(), |it| it.members.keys().copied().collect());
        let mut others: Vec<_> =
            members.iter().filter(|id| **id != self.provider).map(|id| picture.provider_name(*id)).collect();
        others.sort();
        steps.extend(others.iter().map(|to| format!("bring v{number} of `{name}` to {to}")));
        let mut plan = plans::plan(steps, &[]);
        plans::block(&mut plan, picture, self.provider, self.obstacles(picture, header, profile));
        plan
    }

    /// What its provider has not, another one may have.
    pub(super) fn with_advice(&self, picture: &Picture, header: &Header, problem: Problem) -> Problem {
        let holder = header.since.and_then(|since| holder(picture, since.digest));
        let holder = holder.map(|id| picture.provider_name(id));
        match holder.filter(|_| problem.code == Code::T0022) {
            Some(holder) => problem
                .with_hint(format!("{holder} holds it: import the bundle there, with `--provider {holder}`")),
            None => problem,
        }
    }
}

/// Who has a version ready, the first by name.
fn holder(picture: &Picture, digest: Digest) -> Option<ProviderId> {
    let holders = picture.world.providers.keys().filter(|id| picture.world.is_ready_on(**id, digest));
    holders.min_by_key(|id| picture.provider_name(**id)).copied()
}

/// Who unpacks it, of those on the list: the one named, else who has most of it already.
fn of_the_list(
    picture: &Picture,
    template: TemplateId,
    named: Option<ProviderId>,
    header: &Header,
) -> Result<ProviderId, Refused> {
    let world = &picture.world;
    let list = picture.list(template).ok_or(Refusal::Unknown)?;
    let members = list.members.iter().filter(|(_, member)| member.desire == Desire::Hold);
    let mut members: Vec<ProviderId> = members.map(|(id, _)| *id).collect();
    if let Some(named) = named {
        if members.contains(&named) {
            return Ok(named);
        }
        let provider = world.providers.get(&named).ok_or(Refusal::Unknown)?.name.clone();
        return Err(Refusal::NotOnTheList { template: list.name.clone(), provider }.into());
    }
    let has = |id: ProviderId, digest: Option<Digest>| digest.is_some_and(|it| world.is_ready_on(id, it));
    let since = header.since.map(|since| since.digest);
    let current = list.current.as_ref().map(|current| current.digest);
    members.sort_by_key(|id| {
        let rank = if has(*id, since) {
            0
        } else if has(*id, current) {
            1
        } else {
            2
        };
        (!world.answers(*id), rank, picture.provider_name(*id))
    });
    members.first().copied().ok_or_else(|| {
        let cause = format!("template `{}` has nobody on its list to unpack it", list.name);
        let hint = format!("add a provider with `diecast distribution add {} PROVIDER`", list.name);
        Problem::new(Code::A0010, cause).with_hint(hint).into()
    })
}
