//! Following work until it has ended: look, pause, look again. A server that restarts is waited for.

use crate::{Failure, args::WaitArgs, printer::Printer, render::time};
use diecast_api::{
    client::Client,
    operator::{distribution::DistributionRow, operation::OperationView},
};
use diecast_domain::code::{Code, Retry};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Between two looks: as often as a person sees a change, little for the server.
const PAUSE: Duration = Duration::from_millis(500);
/// A server that is silent for longer than this has not just restarted.
const PATIENCE: Duration = Duration::from_secs(60);
/// An automatic attempt that is due within this is part of the work; a later one is not waited for.
const SOON_SECONDS: i64 = 60;

/// Looks until `look` gives something.
pub(crate) async fn until<T>(
    wait: WaitArgs,
    printer: &mut Printer,
    what: &str,
    mut look: impl AsyncFnMut(&mut Printer) -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let begun = Instant::now();
    let mut answered = Instant::now();
    let mut said = false;
    loop {
        match look(printer).await {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => (answered, said) = (Instant::now(), false),
            Err(Failure::Client(error)) if error.is_unreachable() && answered.elapsed() < PATIENCE => {
                if !std::mem::replace(&mut said, true) {
                    printer.talk("the server does not answer; still trying");
                }
            }
            Err(failure) => return Err(failure),
        }
        if let Some(timeout) = wait.timeout.filter(|timeout| begun.elapsed() >= *timeout) {
            return Err(Failure::refused(
                format!("{what} has not ended after {}", time::span(timeout.as_secs())),
                "the work goes on; look again later, or wait with a longer `--timeout`",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Something failed, and the next automatic attempt is part of waiting for it: the cause passes by
/// itself, and the attempt is due soon.
pub(crate) fn is_tried_soon(code: Option<&str>, next_attempt_at: Option<&str>, now: Timestamp) -> bool {
    let passes =
        code.and_then(|code| code.parse::<Code>().ok()).is_some_and(|code| code.retry() == Retry::Later);
    let due = next_attempt_at.and_then(|at| time::seconds_until(now, at));
    passes && due.is_some_and(|seconds| seconds <= SOON_SECONDS)
}

/// Whether a row of a distribution still has a way to go by itself.
pub(crate) fn goes_on(row: &DistributionRow, now: Timestamp) -> bool {
    is_tried_soon(row.code.as_deref(), row.next_attempt_at.as_deref(), now)
}

/// Waits until each operation is `done` or `failed`.
pub(crate) async fn operations(
    client: &Client,
    wait: WaitArgs,
    printer: &mut Printer,
    mut operations: Vec<OperationView>,
) -> Result<Vec<OperationView>, Failure> {
    until(wait, printer, "the operation", async |printer| {
        for operation in operations.iter_mut().filter(|operation| !is_over(operation)) {
            let now = client.operation(&operation.id).await?;
            if now.state != operation.state {
                let about = now.object.as_deref().map(|object| format!(" of {object}")).unwrap_or_default();
                printer.talk(&format!("{}{about} on {}: {}", now.kind, now.provider, now.state));
            }
            *operation = now;
        }
        Ok(operations.iter().all(is_over).then(|| operations.clone()))
    })
    .await
}

fn is_over(operation: &OperationView) -> bool {
    matches!(operation.state.as_str(), "done" | "failed")
}

/// Exit 1, without another word, if any of them ended badly.
pub(crate) fn all_well(operations: &[OperationView]) -> Result<(), Failure> {
    let bad = |it: &OperationView| it.state == "failed" || it.lines.iter().any(|line| !line.ok);
    if operations.iter().any(bad) { Err(Failure::Told) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::Captured;

    #[tokio::test]
    async fn a_time_that_is_over_is_a_failure_that_says_the_work_goes_on() {
        let mut captured = Captured::new(false);
        let wait = WaitArgs { wait: true, timeout: Some(Duration::ZERO) };
        let outcome: Result<(), _> = until(wait, &mut captured.printer, "it", async |_| Ok(None)).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.exit_code(), 1);
        assert!(failure.details().hint.contains("goes on"));
    }

    #[test]
    fn only_what_passes_by_itself_and_soon_is_waited_for() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let tried = |code, at| is_tried_soon(Some(code), at, now);
        assert!(tried("T0009", Some("2026-01-01T00:00:40Z")), "a stall, again in 40 s");
        assert!(!tried("T0009", Some("2026-01-01T00:05:00Z")), "a stall, again in 5 min");
        assert!(!tried("T0003", Some("2026-01-01T00:00:05Z")), "a full disk needs somebody");
        assert!(!tried("T0009", None));
    }
}
