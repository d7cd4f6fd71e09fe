//! What tests of several files share: disks, sources, a depot behind HTTP.

use diecast_domain::{ids::ProviderId, provider::Source};

pub(crate) fn source(name: &str, address: &str) -> Source {
    let id = uuid::Uuid::from_u64_pair(1, crate::leaf::digest_of(name.as_bytes()).as_bytes()[0].into());
    Source {
        provider: ProviderId::from_uuid(id),
        name: name.parse().unwrap(),
        addresses: vec![address.to_owned()],
    }
}
