//! Transfers under limits, in virtual time.

use super::*;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::{Instant, timeout};

const MB: u64 = 1_000_000;

fn limited(bytes: u64) -> Arc<Pacer> {
    let pacer = Pacer::default();
    pacer.set(Some(BytesPerSecond(bytes)));
    Arc::new(pacer)
}

/// Takes slice after slice, in so many tasks at once as a transfer has frames under way.
fn busy(pace: Arc<Pace>, frames: usize) -> Arc<AtomicU64> {
    let taken = Arc::new(AtomicU64::default());
    for _ in 0..frames {
        let (pace, taken) = (pace.clone(), taken.clone());
        tokio::spawn(async move {
            loop {
                let slice = pace.slice(FRAME_SIZE_MAX).await.unwrap_or(FRAME_SIZE_MAX) as u64;
                taken.fetch_add(slice, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    taken
}

async fn in_seconds(seconds: u64, taken: &AtomicU64) -> f64 {
    let before = taken.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    (taken.load(Ordering::Relaxed) - before) as f64 / seconds as f64
}

#[track_caller]
fn near(rate: f64, wanted: u64) {
    let wanted = wanted as f64 / (1.0 + f64::from(crate::limits::PACE_HEADERS_PERCENT) / 100.0);
    assert!((wanted * 0.95..wanted * 1.05).contains(&rate), "{rate} and not {wanted}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_while_a_transfer_runs_is_kept_from_then_on() {
    let pacer = limited(2 * MB);
    let taken = busy(Arc::new(Pace::new(vec![pacer.clone()])), 4);
    near(in_seconds(20, &taken).await, 2 * MB);
    pacer.set(Some(BytesPerSecond(10 * MB)));
    near(in_seconds(20, &taken).await, 10 * MB);
    pacer.set(Some(BytesPerSecond(MB / 4)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    near(in_seconds(20, &taken).await, MB / 4);
    pacer.set(None);
    assert!(in_seconds(5, &taken).await > 20.0 * MB as f64, "as fast as it goes");
}

#[tokio::test(start_paused = true)]
async fn transfers_share_a_providers_limit_evenly_however_many_frames_each_has_under_way() {
    let provider = limited(3 * MB);
    let many = busy(Arc::new(Pace::new(vec![provider.clone()])), 16);
    let few = busy(Arc::new(Pace::new(vec![provider.clone()])), 2);
    let held = busy(Arc::new(Pace::new(vec![limited(MB / 2), provider])), 8);
    let (many, few, held) = tokio::join!(in_seconds(60, &many), in_seconds(60, &few), in_seconds(60, &held));
    near(held, MB / 2);
    near(many + few + held, 3 * MB);
    assert!((0.8..1.25).contains(&(many / few)), "{many} and {few}");
}

#[tokio::test(start_paused = true)]
async fn what_several_transfers_bring_over_one_link_keeps_to_the_share_of_it_and_to_none_while_there_is_none()
{
    let (link, provider) = (limited(MB), limited(5 * MB));
    let over_link = || Arc::new(Pace::new(vec![Arc::default(), link.clone(), provider.clone()]));
    let here = busy(Arc::new(Pace::new(vec![provider.clone()])), 4);
    let far: Vec<_> = (0..3).map(|_| busy(over_link(), 4)).collect();
    let (one, two, three, rest) = tokio::join!(
        in_seconds(60, &far[0]),
        in_seconds(60, &far[1]),
        in_seconds(60, &far[2]),
        in_seconds(60, &here)
    );
    let sum = one + two + three;
    near(sum, MB);
    near(sum + rest, 5 * MB);
    link.set(Some(BytesPerSecond(0)));
    // What was taken before it closed is under way.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (none, rest) = tokio::join!(in_seconds(20, &far[0]), in_seconds(20, &here));
    assert_eq!(none, 0.0);
    near(rest, 5 * MB);
    link.set(Some(BytesPerSecond(MB / 2)));
    let (one, two, three) =
        tokio::join!(in_seconds(60, &far[0]), in_seconds(60, &far[1]), in_seconds(60, &far[2]));
    near(one + two + three, MB / 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_a_new_limit_at_once() {
    let pacer = limited(32_000);
    let pace = Arc::new(Pace::new(vec![pacer.clone()]));
    let waiting = tokio::spawn({
        let pace = pace.clone();
        async move { pace.take(32_000_000).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    let begun = Instant::now();
    pacer.set(None);
    waiting.await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_is_stopped_while_it_waits_holds_nobody_up() {
    let pacer = limited(32_000);
    let (one, two) = (Arc::new(Pace::new(vec![pacer.clone()])), Pace::new(vec![pacer]));
    one.take(32_000).await;
    let stopped = timeout(Duration::from_millis(100), one.take(32_000)).await;
    assert!(stopped.is_err());
    timeout(Duration::from_secs(2), two.take(1)).await.expect("the line moves on");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nothing_is_sliced_and_nobody_waits() {
    let pace = Pace::new(vec![Arc::default()]);
    assert_eq!((pace.slice(7).await, pace.rate(), pace.frames_max()), (None, None, FRAMES_IN_FLIGHT_MAX));
    let begun = Instant::now();
    pace.take(usize::MAX).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[test]
fn slices_and_frames_under_way_are_fewer_the_slower_it_is() {
    let of = |rate: u64| {
        let pace = Pace::new(vec![limited(rate)]);
        (pace.slice_now().unwrap(), pace.frames_max())
    };
    assert_eq!(of(32_000), (PACE_SLICE_MIN, PACE_FRAMES_MIN), "the slowest that there may be");
    assert_eq!(of(250_000), (62_500, PACE_FRAMES_MIN));
    assert_eq!(of(1_000_000_000), (FRAME_SIZE_MAX, FRAMES_IN_FLIGHT_MAX));
}
