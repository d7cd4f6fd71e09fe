//! To whom each piece is given, told as stories.

use super::*;

const ANYBODY: Claimant = Claimant { provider: None, beyond: false };

fn near(number: u128) -> Claimant {
    Claimant { provider: Some(ProviderId::from_uuid(uuid::Uuid::from_u128(number))), beyond: false }
}

fn wanted(count: u32, pieces: &[u32]) -> PieceSet {
    let mut set = PieceSet::none(count);
    pieces.iter().for_each(|piece| assert!(set.insert(*piece)));
    set
}

#[test]
fn each_piece_goes_to_one_receiver_first() {
    let mut given = Given::nothing(PieceSet::all(6), 0);
    let all = wanted(6, &[0, 1, 2, 3, 4, 5]);
    let now = Duration::from_secs(1);
    assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [0, 1]);
    assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [2, 3]);
    given.give(4, now);
    assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [5]);
    assert_eq!(
        given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now),
        [0; 0],
        "all are on their way to somebody"
    );
}

#[test]
fn two_holders_begin_with_different_pieces_and_come_to_all() {
    let mut given = Given::nothing(PieceSet::all(5), 3);
    let all = wanted(5, &[0, 1, 2, 3, 4]);
    assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [3, 4, 0]);
    assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [1, 2]);
}

#[test]
fn what_was_given_to_who_is_gone_is_given_again_oldest_first() {
    let mut given = Given::nothing(PieceSet::all(3), 0);
    let all = wanted(3, &[0, 1, 2]);
    for (second, piece) in [(1, 1), (2, 0), (3, 2)] {
        given.give(piece, Duration::from_secs(second));
    }
    let now = Duration::from_secs(12);
    assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_AFTER, now), [1, 0], "2 was given nine seconds ago");
    assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_IDLE, now), [2]);
    assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_IDLE, now), [0; 0]);
}

#[test]
fn who_wants_what_it_was_given_begins_anew_and_holds_up_nobody() {
    let (one, other) = (near(1), near(2));
    let mut given = Given::nothing(PieceSet::all(6), 0);
    let all = PieceSet::all(6);
    let now = Duration::from_secs(1);
    assert_eq!(given.claim(one, &all, 4, GIVEN_AGAIN_AFTER, now), [0, 1, 2, 3]);
    assert_eq!(given.claim(other, &all, 9, GIVEN_AGAIN_AFTER, now), [4, 5]);
    assert_eq!(given.claim(other, &wanted(6, &[0, 1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
    assert_eq!(given.claim(one, &wanted(6, &[4, 5]), 9, GIVEN_AGAIN_AFTER, now), [0; 0], "they are coming");
    // Its replica was removed, and it is given the template again at once.
    assert_eq!(given.claim(one, &all, 1, GIVEN_AGAIN_AFTER, now), [0]);
    assert_eq!(given.claim(other, &wanted(6, &[0, 1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [1, 2, 3]);
    assert_eq!(given.claim(one, &wanted(6, &[1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
}

#[test]
fn what_another_site_gets_is_not_waited_for_here_and_what_is_given_here_comes_to_it_from_here() {
    let mut given = Given::nothing(PieceSet::all(6), 0);
    let all = PieceSet::all(6);
    let gateway = Claimant { beyond: true, ..near(9) };
    let now = Duration::from_secs(1);
    assert_eq!(given.claim(near(1), &all, 2, GIVEN_AGAIN_AFTER, now), [0, 1]);
    assert_eq!(
        given.claim(gateway, &all, 2, GIVEN_AGAIN_AFTER, now),
        [2, 3],
        "0 and 1 are on their way near"
    );
    // The gateway asks for what it claimed: still nobody near has got it.
    given.give(2, now);
    assert_eq!(given.claim(near(2), &all, 1, GIVEN_AGAIN_AFTER, now), [4], "nobody at all was given it");
    assert_eq!(given.claim(gateway, &wanted(6, &[0, 1, 4, 5]), 9, GIVEN_AGAIN_AFTER, now), [5]);
    assert_eq!(given.claim(gateway, &wanted(6, &[0, 1, 4]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
    // The last is claimed here too, and then is not claimed twice.
    assert_eq!(given.claim(near(1), &wanted(6, &[2, 3, 4, 5]), 9, GIVEN_AGAIN_AFTER, now), [2, 3, 5]);
    assert_eq!(given.claim(near(2), &wanted(6, &[0, 1, 2, 5]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
    // All of them lose it, and begin anew: as if nobody had ever been given anything.
    let again = now + GIVEN_AGAIN_IDLE;
    assert_eq!(given.claim(near(1), &all, 1, GIVEN_AGAIN_AFTER, again).len(), 1);
    assert_eq!(given.claim(near(2), &all, 1, GIVEN_AGAIN_AFTER, again).len(), 1);
    assert_eq!(
        given.claim(gateway, &all, 9, GIVEN_AGAIN_AFTER, again).len(),
        4,
        "what those two were not given"
    );
    // What nobody claimed and somebody asks for counts on both sides.
    let mut given = Given::nothing(PieceSet::all(2), 0);
    assert_eq!(given.claim(gateway, &wanted(2, &[1]), 1, GIVEN_AGAIN_AFTER, now), [1]);
    given.give(0, now);
    let both = PieceSet::all(2);
    assert_eq!(given.claim(near(1), &both, 9, GIVEN_AGAIN_AFTER, now), [1]);
    assert_eq!(given.claim(gateway, &wanted(2, &[0]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
}

#[test]
fn who_still_receives_gives_what_has_come_and_each_piece_to_one_receiver_first() {
    let mut given = Given::nothing(wanted(6, &[4]), 0);
    let all = PieceSet::all(6);
    let now = Duration::from_secs(60);
    assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [4]);
    assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [0; 0], "the others have not come");
    // Whatever is said to have come twice, or is no piece, changes nothing.
    for piece in [5, 2, 4, 6] {
        given.came(piece);
    }
    assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [2, 5]);
    assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_AFTER, 2 * now).len(), 3, "again, to somebody else");
}

#[test]
fn only_what_is_wanted_and_exists_is_claimed() {
    let mut given = Given::nothing(PieceSet::all(3), 0);
    assert_eq!(given.claim(ANYBODY, &wanted(100, &[2, 99]), 100, GIVEN_AGAIN_AFTER, Duration::ZERO), [2]);
    assert_eq!(given.claim(ANYBODY, &wanted(100, &[99]), 100, Duration::ZERO, Duration::MAX), [0; 0]);
    assert_eq!(from_bytes(&to_bytes(&[7, u32::MAX])), Some(vec![7, u32::MAX]));
    assert_eq!(from_bytes(&[0; 5]), None);
    assert_eq!(from_bytes(&[0; 4 * (CLAIMS_MAX + 1)]), None);
}
