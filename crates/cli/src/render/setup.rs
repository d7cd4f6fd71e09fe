//! What hosts are like beside their version, and how they are recreated: lines of a sheet.

use super::{bytes, time};
use diecast_api::operator::{host::SetupBody, recreation::TermsBody};

/// `cloud-init with user data; data disk 20.0 GiB; ready when guest-agent`
pub(crate) fn setup(setup: &SetupBody) -> String {
    let mut parts = Vec::new();
    if let Some(preparation) = &setup.preparation {
        let own = if setup.user_data.is_some() { " with user data of one's own" } else { "" };
        parts.push(format!("{preparation}{own}"));
    }
    parts.extend(setup.data_disk_bytes.map(|size| format!("data disk {}", bytes(size))));
    parts.extend(setup.ready_when.as_ref().map(|when| format!("ready when {when}")));
    parts.join("; ")
}

/// `waves 1,10%,100%; hosts in use wait until they are free; 2 failures borne; well within 10 min`
pub(crate) fn terms(terms: &TermsBody) -> String {
    let mut parts = Vec::new();
    parts.extend(terms.waves.as_ref().map(|waves| format!("waves {waves}")));
    parts.extend(terms.deadline.as_ref().map(|at| format!("hosts in use wait until {}", time::instant(at))));
    parts.extend(terms.failures_max.map(|count| format!("failures borne in a wave: {count}")));
    parts.extend(terms.health_seconds.map(|it| format!("well within {}", time::span(it.into()))));
    parts.join("; ")
}
