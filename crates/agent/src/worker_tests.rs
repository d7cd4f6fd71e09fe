//! What the loop does beside deciding.

use super::*;
use diecast_domain::{
    assignment::HostOrder, digest::Digest, generation::Generation, host::HostKind, ids::TemplateId,
    provider::Power, template::VersionRef,
};
use diecast_provider::HostFound;
use uuid::Uuid;

fn ordered(incarnation: u32, made: bool) -> Knowledge {
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let settings = ProviderSettings {
        uri: "qemu:///system".into(),
        storage: "default".into(),
        networks: Default::default(),
    };
    let mut orders = Orders::none(provider, "kvm-a".parse().unwrap(), settings);
    orders.hosts.push(HostOrder {
        id: host(),
        name: "desk-1".parse().unwrap(),
        version: VersionRef {
            template: TemplateId::from_uuid(Uuid::from_u128(2)),
            name: "win11".parse().unwrap(),
            number: 1,
            digest: Digest::from_bytes([1; 32]),
        },
        kind: HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        made,
        incarnation,
        restores: None,
        setup: Default::default(),
    });
    let told = Assignment { generation: Generation { epoch: 1, number: 1 }, orders };
    let mut known = Knowledge { assignment: Some(told), ..Knowledge::default() };
    known.hypervisor.answered = true;
    known
}

fn host() -> HostId {
    HostId::from_uuid(Uuid::from_u128(7))
}

fn standing(incarnation: u32) -> HostFound {
    HostFound {
        id: host(),
        machine: host().as_uuid(),
        name: "desk-1".into(),
        template: "win11".into(),
        number: 1,
        digest: Digest::from_bytes([1; 32]),
        incarnation,
        power: Power::Running,
        addresses: Vec::new(),
        guest_agent: false,
        guest_name: None,
        users: None,
    }
}

#[test]
fn an_agent_whose_folder_was_lost_takes_hosts_on_as_they_stand() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(place.path()).unwrap();
    let mut known = ordered(3, true);
    known.hypervisor.marked.put(standing(2));
    take_on_hosts(&mut known, &data);
    assert_eq!(data.incarnation_made(host()).unwrap(), Some(2), "the third is still to be made");
    known.hypervisor.marked.put(standing(3));
    known.local.hosts_made.clear();
    take_on_hosts(&mut known, &data);
    assert_eq!(data.incarnation_made(host()).unwrap(), Some(2), "a mark that is there is not guessed anew");
}

#[test]
fn a_host_that_is_gone_when_its_agent_is_new_is_made_again_only_when_that_is_wished_for_now() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(place.path()).unwrap();
    let mut known = ordered(3, true);
    take_on_hosts(&mut known, &data);
    let recreated = |known: &Knowledge| {
        let orders = known.assignment.as_ref().unwrap().orders.clone();
        let mut local = known.local.clone();
        local.replicas.insert(Digest::from_bytes([1; 32]), diecast_domain::agent::Held::Ready);
        decide(&orders, &local)
    };
    assert_eq!(recreated(&known), []);
    known.assignment.as_mut().unwrap().orders.hosts[0].incarnation = 4;
    take_on_hosts(&mut known, &data);
    assert_eq!(recreated(&known), [Step::RecreateHost(host())]);
}

#[test]
fn nothing_is_taken_on_that_was_never_made_or_before_the_hypervisor_answered() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(place.path()).unwrap();
    let mut known = ordered(1, false);
    take_on_hosts(&mut known, &data);
    let mut silent = ordered(1, true);
    silent.hypervisor.answered = false;
    take_on_hosts(&mut silent, &data);
    assert_eq!(data.incarnation_made(host()).unwrap(), None);
}
