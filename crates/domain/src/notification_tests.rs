//! Stories of who is told what, and how often.

use super::*;
use crate::{
    alarm::AlarmKind,
    code::Code,
    testing::{NOW, seconds},
};
use proptest::prelude::*;

fn alarm(kind: AlarmKind, name: &str) -> Alarm {
    Alarm {
        key: format!("{kind}/{name}"),
        kind,
        severity: kind.severity(),
        object: kind.object().into(),
        name: name.into(),
        since: NOW,
        problem: Problem::new(Code::P0001, format!("{name} has stopped answering")),
    }
}

fn lost(name: &str) -> Alarm {
    alarm(AlarmKind::ProviderLost, name)
}

/// Somebody who is told, second by second.
struct Told {
    notification: Notification,
    memory: Memory,
    clock: i64,
}

impl Told {
    fn new() -> Self {
        let way = Way::Script { name: "told".into() };
        let notification = Notification {
            name: "ops".parse().unwrap(),
            way,
            terms: Terms::default(),
            author: "admin".into(),
            created_at: NOW,
        };
        Self { notification, memory: Memory::default(), clock: 0 }
    }

    /// So many seconds in which these stand; what was told, with its time.
    fn pass(&mut self, count: i64, standing: &[Alarm]) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..count {
            let now = seconds(NOW, self.clock);
            self.memory.see(&self.notification, standing, now);
            if let Some(telling) = self.memory.due(&self.notification, now) {
                assert!(!telling.is_empty());
                told.push(format!("{}: {}", self.clock, said(&telling)));
            }
            self.clock += 1;
        }
        told
    }
}

fn said(telling: &Telling) -> String {
    let raised = telling.raised.iter().map(|it| format!("{} up", it.name));
    let cleared = telling.cleared.iter().map(|it| format!("{} well", it.alarm.name));
    let flapped = telling.flapped.iter().map(|it| {
        format!("{} came {} times and is {}", it.alarm.name, it.times, if it.stands { "up" } else { "well" })
    });
    raised.chain(cleared).chain(flapped).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_comes_up_together_is_one_message() {
    let mut told = Told::new();
    assert_eq!(told.pass(10, &[lost("a")]), [""; 0]);
    assert_eq!(told.pass(100, &[lost("a"), lost("b"), lost("c")]), ["30: a up, b up, c up"]);
    assert_eq!(told.pass(5000, &[lost("a"), lost("b"), lost("c")]), [""; 0], "and it is said once");
    assert_eq!(told.pass(100, &[lost("b")]), ["5140: a well, c well"], "that it is well is told");
}

#[test]
fn what_is_gone_before_it_was_told_is_not_told() {
    let mut told = Told::new();
    assert_eq!(told.pass(20, &[lost("a")]), [""; 0]);
    assert_eq!(told.pass(5000, &[]), [""; 0]);
    assert_eq!(told.memory, Memory::default(), "nothing of it is kept");
}

#[test]
fn what_flaps_is_told_once_and_then_once_in_a_quiet_time() {
    let mut told = Told::new();
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(told.pass(60, &[lost("a")]));
        all.extend(told.pass(60, &[]));
    }
    all.extend(told.pass(4000, &[]));
    assert_eq!(
        all,
        [
            "30: a up",
            "90: a well",
            "930: a came 7 times and is well",
            "1830: a came 8 times and is up",
            "1890: a well",
            "2730: a came 4 times and is well"
        ]
    );
    assert_eq!(told.memory, Memory::default());
}

#[test]
fn what_stays_after_flapping_is_told_as_it_stays() {
    let mut told = Told::new();
    told.pass(100, &[lost("a")]);
    assert_eq!(told.pass(100, &[]), ["130: a well"]);
    told.pass(10, &[lost("a")]);
    told.pass(10, &[]);
    assert_eq!(told.pass(1000, &[lost("a")]), ["930: a came 2 times and is up"]);
    assert_eq!(told.pass(100, &[]), ["1250: a well"]);
}

#[test]
fn what_comes_back_after_the_quiet_time_is_told_like_the_first_time() {
    let mut told = Told::new();
    told.pass(100, &[lost("a")]);
    told.pass(1000, &[]);
    assert_eq!(told.pass(100, &[lost("a")]), ["1130: a up"]);
}

#[test]
fn what_comes_back_in_the_quiet_time_and_stays_is_told_when_it_is_over() {
    let mut told = Told::new();
    told.pass(100, &[lost("a")]);
    told.pass(100, &[]);
    assert_eq!(told.pass(5000, &[lost("a")]), ["930: a up"]);
}

#[test]
fn flickers_too_short_to_be_told_are_told_when_they_go_on() {
    let mut told = Told::new();
    let mut all = Vec::new();
    for _ in 0..100 {
        all.extend(told.pass(5, &[lost("a")]));
        all.extend(told.pass(5, &[]));
    }
    assert_eq!(all, ["905: a came 91 times and is well"]);
}

#[test]
fn each_is_told_only_what_it_asked_for() {
    let mut told = Told::new();
    let low = alarm(AlarmKind::StorageLow, "b");
    told.notification.terms.severity = Severity::Critical;
    assert_eq!(told.pass(100, &[lost("a"), low.clone()]), ["30: a up"]);
    told.notification.terms = Terms { kinds: [AlarmKind::StorageLow].into(), ..Terms::default() };
    assert_eq!(told.pass(100, &[lost("a"), low.clone()]), ["130: b up"]);
    told.notification.terms.enabled = false;
    assert_eq!(told.pass(100, &[]), [""; 0]);
    told.notification.terms = Terms::default();
    let own = alarm(AlarmKind::NotificationFailed, "ops");
    assert_eq!(told.pass(100, &[own]), [""; 0], "it cannot tell of its own failure");
}

#[test]
fn what_did_not_arrive_is_told_anew_while_it_stands() {
    let mut told = Told::new();
    told.pass(100, &[lost("a"), lost("b")]);
    told.memory.forget();
    assert_eq!(told.pass(100, &[lost("b")]), ["130: b up"]);
}

#[test]
fn no_secret_is_written_by_looking_at_a_notification() {
    let way = Way::Webhook { url: "https://x".into(), secret: Secret::new("hidden"), ca: None };
    assert!(!format!("{way:?}").contains("hidden"));
}

proptest! {
    /// Whatever comes and goes: in the end the last word is the truth, nobody is told the same twice in
    /// a row, and no more than three messages go out in a quiet time about one thing.
    #[test]
    fn the_last_word_is_the_truth(spans in proptest::collection::vec(1..200i64, 1..40)) {
        let mut told = Told::new();
        let mut words = Vec::new();
        let mut up = false;
        for span in spans {
            up = !up;
            let standing = if up { vec![lost("a")] } else { Vec::new() };
            words.extend(told.pass(span, &standing));
        }
        let standing = if up { vec![lost("a")] } else { Vec::new() };
        words.extend(told.pass(2000, &standing));
        let is_up = words.last().is_some_and(|word| word.ends_with("up"));
        prop_assert!(is_up == up || words.is_empty(), "{words:?}");
        prop_assert!(!(up && words.is_empty()));
        for pair in words.windows(2).filter(|pair| !pair[1].contains("times")) {
            let ends = |word: &str| word.ends_with("up");
            prop_assert!(ends(&pair[0]) != ends(&pair[1]), "{words:?}");
        }
        let times: Vec<i64> = words.iter().map(|it| it.split(':').next().unwrap().parse().unwrap()).collect();
        for few in times.windows(4) {
            prop_assert!(few[3] - few[0] >= 900, "{words:?}");
        }
    }
}
