//! Templates: the list, and one with its size, hardware and distribution.

use super::{
    Look, NOTHING, bytes, limit, or_nothing, progress, sheet, short, time, trimming, trouble, version,
};
use diecast_api::operator::{
    ProblemView,
    host::HostDefaultsBody,
    template::{PublicationView, SizeView, TemplateList, TemplateView},
};

const HEADER: [&str; 8] = ["NAME", "STATUS", "VERSION", "DIGEST", "DISTRIBUTION", "SIZE", "HOSTS", "CREATED"];

pub(crate) fn list(look: Look, list: &TemplateList) -> String {
    let row = |template: &TemplateView| {
        vec![
            template.name.clone(),
            template.status.clone(),
            or_nothing(template.version),
            or_nothing(template.digest.as_deref().map(short)),
            template.distribution.text.clone(),
            template.size.as_ref().map_or_else(|| NOTHING.into(), |size| bytes(size.data_bytes)),
            hosts(template),
            time::ago(look.now, &template.created_at),
        ]
    };
    sheet::table(look, &HEADER, list.items.iter().map(row).collect())
}

pub(crate) fn show(look: Look, template: &TemplateView) -> String {
    let mut pairs = vec![
        ("Name", template.name.clone()),
        ("Status", template.status.clone()),
        ("Working copy", maintenance(look, template).unwrap_or_default()),
        ("Version", template.version.map(|number| number.to_string()).unwrap_or_default()),
        ("Digest", template.digest.clone().unwrap_or_default()),
        ("Distribution", template.distribution.text.clone()),
        ("Concurrency", template.concurrency.to_string()),
        ("Limit", limit(template.limit.as_ref(), template.limited.as_ref())),
        ("Newest versions kept", if template.keep == 0 { "all".into() } else { template.keep.to_string() }),
        ("Hosts", hosts(template)),
        ("New hosts", new_hosts(template)),
        (
            "Created",
            format!(
                "{} ({})",
                time::instant(&template.created_at),
                time::ago(look.now, &template.created_at)
            ),
        ),
        ("Size", template.size.as_ref().map(size).unwrap_or_default()),
        ("Trimming", trimming::sentence(template.trimming.as_ref())),
    ];
    if let Some(hardware) = &template.hardware {
        pairs.extend([
            ("CPUs", hardware.vcpus.to_string()),
            ("Memory", bytes(hardware.memory_bytes)),
            ("Machine", format!("{}, {}", hardware.machine, hardware.firmware)),
            ("Disks", hardware.disks.join(", ")),
            ("Networks", hardware.nics.join(", ")),
        ]);
    }
    if let Some(publication) = &template.publication {
        pairs.push(("Publication", attempt(look, publication)));
    }
    let mut text = sheet::details(look, &pairs);
    for warning in &template.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    if let Some(problem) = trouble_of(template) {
        text.push_str(&format!("\n{}", trouble(&template.name, &problem)));
    }
    text
}

/// `10 (4 outdated)`
fn hosts(template: &TemplateView) -> String {
    match template.outdated {
        0 => template.hosts.to_string(),
        outdated => format!("{} ({outdated} outdated)", template.hosts),
    }
}

/// `full; desk-{nnn}; cloud-init; ready when address`
fn new_hosts(template: &TemplateView) -> String {
    let HostDefaultsBody { kind, name, setup } = &template.host_defaults;
    let parts = [kind.clone(), name.clone(), setup.as_ref().map(super::setup::setup)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// `v1 on kvm-a, since 10 min, by admin`
fn maintenance(look: Look, template: &TemplateView) -> Option<String> {
    let it = template.maintenance.as_ref()?;
    let since = time::lasting(look.now, &it.since);
    Some(format!("of {} on {}, for {since}, by {}", version::number(it.base), it.provider, it.author))
}

/// `20.0 GiB for guests, 9.10 GiB on each provider, 4.20 GiB over the network`
pub(crate) fn size(size: &SizeView) -> String {
    let SizeView { virtual_bytes, data_bytes, packed_bytes } = size;
    format!(
        "{} for guests, {} on each provider, {} over the network",
        bytes(*virtual_bytes),
        bytes(*data_bytes),
        bytes(*packed_bytes)
    )
}

fn attempt(look: Look, publication: &PublicationView) -> String {
    let said = progress::publication(publication);
    match &publication.next_attempt_at {
        Some(at) => format!("{said}; attempt {}, next {}", publication.attempts, time::until(look.now, at)),
        None => said,
    }
}

/// Its own problem, or that of its publication.
pub(crate) fn trouble_of(template: &TemplateView) -> Option<ProblemView> {
    let of_publication = || {
        let publication = template.publication.as_ref()?;
        Some(ProblemView {
            code: publication.code.clone()?,
            cause: publication.cause.clone().unwrap_or_default(),
            hint: publication.hint.clone().unwrap_or_default(),
        })
    };
    let of_maintenance = || template.maintenance.as_ref()?.problem.clone();
    template.problem.clone().or_else(of_publication).or_else(of_maintenance)
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn templates_at_a_glance() {
        let items = vec![samples::template(), samples::failed_template()];
        insta::assert_snapshot!(list(samples::look(None), &TemplateList { items, next: None }));
    }

    #[test]
    fn one_template() {
        insta::assert_snapshot!(show(samples::look(None), &samples::template()));
    }

    #[test]
    fn a_template_whose_machine_runs_says_what_to_do() {
        insta::assert_snapshot!(show(samples::look(None), &samples::failed_template()));
    }
}
