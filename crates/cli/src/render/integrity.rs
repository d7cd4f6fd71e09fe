//! Whether what is held is whole: when it was verified, what is damaged and who stands on it, and how it
//! is read back by itself.

use super::{Look, NOTHING, bytes, counted, sheet, time, trouble};
use diecast_api::operator::{
    ProblemView,
    damage::{DamageView, HeldView},
    scrub::ScrubView,
};
use diecast_domain::units::BytesPerSecond;

/// Hosts named below a table.
const HOSTS_MAX: usize = 20;

/// `2026-01-01 00:00:00Z (3 d ago)`
pub(crate) fn verified(look: Look, at: Option<&String>) -> String {
    at.map(|at| format!("{} ({})", time::instant(at), time::ago(look.now, at))).unwrap_or_default()
}

/// `3 d ago`, for a table.
pub(crate) fn verified_ago(look: Look, at: Option<&String>) -> String {
    at.map_or_else(|| NOTHING.into(), |at| time::ago(look.now, at))
}

/// `every 7 d at 32.0 MiB/s, 22:00-06:00 UTC; next in 2 d`
pub(crate) fn scrub(look: Look, scrub: &ScrubView) -> String {
    if !scrub.on {
        return "off".to_owned();
    }
    let window = scrub.window.as_ref().map_or_else(|| "at any time".into(), String::clone);
    let next = scrub.next_at.as_ref().map(|at| format!("; next {}", time::until(look.now, at)));
    format!(
        "every {} at {}, {window}{}",
        time::span(scrub.every_seconds),
        BytesPerSecond(scrub.bytes_per_second),
        next.unwrap_or_default()
    )
}

/// `golden v2, 1.00 GiB / 2.40 GiB`
pub(crate) fn scrubbing(scrub: &ScrubView) -> Option<String> {
    let running = scrub.running.as_ref()?;
    let waits = if running.reading { "" } else { ", waits for its window" };
    Some(format!("{}, {} / {}{waits}", running.what, bytes(running.bytes_done), bytes(running.bytes_total)))
}

/// What a provider holds, version by version.
pub(crate) fn held(look: Look, held: &[HeldView]) -> String {
    let row = |it: &HeldView| {
        let damaged = it.damage.as_ref().map_or(NOTHING.to_owned(), |damage| damage.code.clone());
        let verified = verified_ago(look, it.verified_at.as_ref());
        vec![it.template.clone(), format!("v{}", it.version), verified, damaged]
    };
    sheet::table(look, &["TEMPLATE", "VERSION", "VERIFIED", "DAMAGED"], held.iter().map(row).collect())
}

/// Who has a version.
pub(crate) fn holders(look: Look, held: &[HeldView]) -> String {
    let row = |it: &HeldView| {
        let damaged = it.damage.as_ref().map_or(NOTHING.to_owned(), |damage| damage.code.clone());
        vec![it.provider.clone(), verified_ago(look, it.verified_at.as_ref()), damaged]
    };
    sheet::table(look, &["HELD BY", "VERIFIED", "DAMAGED"], held.iter().map(row).collect())
}

/// What is damaged, where, and whose disks stand on it.
pub(crate) fn damage(whose: &str, damage: &DamageView) -> String {
    let problem =
        ProblemView { code: damage.code.clone(), cause: damage.cause.clone(), hint: damage.hint.clone() };
    let mut text = trouble(&format!("v{} of {whose}", damage.version), &problem);
    let more = damage.count.saturating_sub(damage.places.len() as u64);
    for place in &damage.places {
        text.push_str(&format!("  damaged: {place}\n"));
    }
    if more > 0 {
        text.push_str(&format!("  damaged: {} more\n", counted(more, "place")));
    }
    let named = damage.hosts.iter().take(HOSTS_MAX).cloned().collect::<Vec<_>>().join(", ");
    let rest = damage.hosts.len().saturating_sub(HOSTS_MAX);
    text.push_str(&match (damage.hosts.len(), rest) {
        (0, _) => "  no host stands on it\n".to_owned(),
        (_, 0) => format!("  hosts that stand on it: {named}\n"),
        (_, rest) => format!("  hosts that stand on it: {named} and {rest} more\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};
    use diecast_api::operator::scrub::ScrubbingView;

    fn sample() -> DamageView {
        DamageView {
            version: 2,
            found_at: "2026-01-01T00:00:00Z".into(),
            code: "T0011".into(),
            cause: "a byte is wrong, and nobody else has it".into(),
            hint: "bring back a provider".into(),
            places: vec!["64.0 KiB at offset 65536 of disk0".into()],
            count: 3,
            last_copy: true,
            hosts: vec!["desk-1".into(), "desk-2".into()],
        }
    }

    #[test]
    fn damage_names_its_places_and_its_hosts() {
        insta::assert_snapshot!(damage("win11 on kvm-a", &sample()));
    }

    #[test]
    fn how_a_provider_is_read_back_and_what_it_holds() {
        let running = ScrubbingView {
            what: "win11 v2".into(),
            bytes_done: 1 << 30,
            bytes_total: 3 << 30,
            reading: false,
        };
        let mut view = ScrubView {
            on: true,
            every_seconds: 7 * 24 * 3600,
            bytes_per_second: 32 << 20,
            window: Some("22:00-06:00 UTC".into()),
            next_at: None,
            running: Some(running),
        };
        let look = samples::look(None);
        let mut text = format!("{}\n{}\n", scrub(look, &view), scrubbing(&view).unwrap());
        (view.window, view.running) = (None, None);
        text.push_str(&format!("{}\n", scrub(look, &view)));
        view.on = false;
        text.push_str(&format!("{}\n", scrub(look, &view)));
        let whole = HeldView {
            template: "win11".into(),
            version: 1,
            provider: "kvm-a".into(),
            verified_at: Some("2026-01-01T00:00:00Z".into()),
            damage: None,
        };
        let bad = HeldView { version: 2, verified_at: None, damage: Some(sample()), ..whole.clone() };
        text.push_str(&held(look, &[whole.clone(), bad.clone()]));
        text.push_str(&holders(look, &[whole, bad]));
        insta::assert_snapshot!(text);
    }
}
