//! The words of the Distribution column, told as stories.

use super::*;
use crate::{ids::TemplateId, units::ByteCount};
use proptest::prelude::*;
use uuid::Uuid;

fn current() -> VersionRef {
    VersionRef {
        template: TemplateId::from_uuid(Uuid::from_u128(1)),
        name: "win11".parse().unwrap(),
        number: 2,
        digest: Digest::from_bytes([2; 32]),
    }
}

fn member() -> Member {
    Member::new(false, Timestamp(0))
}

fn holds_current() -> Member {
    let held = HeldVersion { number: 2, digest: current().digest, verified_at: Timestamp(5) };
    Member { held: Some(held), ..member() }
}

fn provider(state: ProviderState) -> ProviderNow<'static> {
    ProviderNow { name: "kvm-b", state, since: Timestamp(7), problem: None }
}

fn report(phase: Phase) -> ReplicaReport {
    ReplicaReport {
        serves: false,
        damage: None,
        sources: Vec::new(),
        digest: current().digest,
        phase,
        attempt: 1,
        progress: Progress { done: ByteCount(1), total: ByteCount(2), ..Progress::default() },
        verified_at: matches!(phase, Phase::Ready).then_some(Timestamp(5)),
        problem: matches!(phase, Phase::Failed).then(|| Problem::new(Code::T0001, "no source")),
    }
}

fn see(member: &Member, state: ProviderState, phase: Option<Phase>) -> ReplicaView {
    view(member, provider(state), Some(&current()), phase.map(report).as_ref())
}

fn words(view: &ReplicaView) -> (&'static str, &'static str) {
    (view.state.as_str(), view.progress.as_str())
}

use ProviderState::{Available, NotAvailable};

#[test]
fn a_founding_member_is_distributing_and_a_later_one_is_being_added() {
    let founding = see(&member(), Available, Some(Phase::Transferring));
    assert_eq!(words(&founding), ("Needs update", "Distributing"));
    let later = Member { joined_later: true, ..member() };
    assert_eq!(
        words(&see(&later, Available, Some(Phase::Transferring))),
        ("Needs update", "Adding provider")
    );
    let held =
        Some(HeldVersion { number: 1, digest: Digest::from_bytes([1; 32]), verified_at: Timestamp(1) });
    let updated = Member { joined_later: true, held, ..member() };
    assert_eq!(words(&see(&updated, Available, Some(Phase::Transferring))), ("Needs update", "Distributing"));
}

#[test]
fn ready_without_a_verification_is_not_believed() {
    let mut claim = report(Phase::Ready);
    claim.verified_at = None;
    let seen = view(&member(), provider(Available), Some(&current()), Some(&claim));
    assert_ne!(seen.state, ReplicaState::Ready);
    assert_eq!(words(&see(&member(), Available, Some(Phase::Ready))), ("Ready", "OK"));
}

#[test]
fn a_provider_that_falls_silent_after_its_copy_was_verified_leaves_the_word_ok() {
    let silent = see(&holds_current(), NotAvailable, Some(Phase::Ready));
    assert_eq!(words(&silent), ("Not available", "OK"));
    assert_eq!(silent.problem.as_ref().unwrap().code, Code::P0001);
    let ready = see(&holds_current(), Available, Some(Phase::Ready));
    let status = status(&[(Desire::Hold, silent), (Desire::Hold, ready)]);
    assert_eq!(status.to_string(), "OK (1 not available, 1 of 2 ready)");
}

#[test]
fn a_provider_that_is_silent_and_lacks_the_version_has_failed() {
    let silent = see(&member(), NotAvailable, Some(Phase::Transferring));
    assert_eq!(words(&silent), ("Not available", "Failed to distribute"));
    assert!(!silent.moving, "what does not answer does not move");
}

#[test]
fn waiting_for_a_retry_is_not_moving() {
    let mut waiting = member();
    waiting.next_attempt_at = Some(Timestamp(99));
    let seen = see(&waiting, Available, Some(Phase::Failed));
    assert_eq!(words(&seen), ("Needs update", "Failed to distribute"));
    assert_eq!(seen.problem.unwrap().code, Code::T0001);
    assert!(!seen.moving);
    waiting.next_attempt_at = None;
    waiting.attempt = 2;
    assert!(see(&waiting, Available, Some(Phase::Failed)).moving, "the next attempt was ordered");
}

#[test]
fn precedence_is_the_order_of_the_table() {
    let moving = |progress| {
        let mut view = see(&member(), Available, Some(Phase::Transferring));
        view.progress = progress;
        view
    };
    let removing = (Desire::Remove { when_free: false }, moving(Distribution::RemovingProvider));
    let adding = (Desire::Hold, moving(Distribution::AddingProvider));
    let distributing = (Desire::Hold, moving(Distribution::Distributing));
    let failed = (Desire::Hold, see(&member(), NotAvailable, None));
    let ready = (Desire::Hold, see(&member(), Available, Some(Phase::Ready)));
    let mut all = vec![removing, adding, distributing, failed, ready];
    let mut seen = String::new();
    while !all.is_empty() {
        seen.push_str(&format!("{}\n", status(&all)));
        all.remove(0);
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn a_removal_from_a_silent_provider_is_pending_and_does_not_move() {
    let leaving = Member { desire: Desire::Remove { when_free: false }, ..holds_current() };
    let silent = see(&leaving, NotAvailable, None);
    assert_eq!(words(&silent), ("Not available", "Removing provider"));
    assert_eq!(status(&[(leaving.desire, silent)]).to_string(), "OK (1 removal pending)");
    assert!(see(&leaving, Available, Some(Phase::Ready)).moving);
}

proptest! {
    #[test]
    fn ok_means_that_every_provider_on_the_list_verified_the_current_version(
        members in proptest::collection::vec((0_usize..4, 0_usize..11, any::<bool>()), 1..6)
    ) {
        let states = [Available, NotAvailable, ProviderState::AwaitingAgent, ProviderState::HypervisorSilent];
        let views: Vec<_> = members.iter().map(|(state, phase, holds)| {
            let member = if *holds { holds_current() } else { member() };
            (Desire::Hold, see(&member, states[*state], Phase::ALL.get(*phase).copied()), *holds)
        }).collect();
        let pairs: Vec<_> = views.iter().map(|(desire, view, _)| (*desire, view.clone())).collect();
        if status(&pairs).word == Distribution::Ok {
            for (_, view, holds) in &views {
                prop_assert!(view.state == ReplicaState::Ready || *holds && view.state == ReplicaState::NotAvailable);
            }
        }
    }
}
