//! Ratios of samples that were made up, so that each can be worked out by hand.

use super::*;

fn spread(who: &str, input: &str, n: u32, seconds: f64, source: f64) -> Sample {
    Sample::new("spread", who, input, n)
        .with("seconds", seconds)
        .with("target_bytes", 100.0 * MB)
        .with("source_bytes", source * MB)
        .with("rate_bits", 80.0 * MB)
}

/// Two runs of Diecast and one of each peer, as a quick run may give them.
pub(crate) fn some() -> Vec<Sample> {
    let failed =
        |scene: &str| Sample::new(scene, "uftp", "raw", 4).failed(&anyhow::anyhow!("no multicast here"));
    vec![
        spread(OURS, "", 1, 10.5, 102.0),
        spread(OURS, "", 1, 11.5, 102.0),
        spread(OURS, "", 4, 12.1, 108.0),
        spread(OURS, "", 16, 13.2, 150.0),
        spread("curl", "packed", 1, 10.0, 100.0),
        spread("curl", "packed", 4, 40.0, 400.0),
        spread("socat", "packed", 1, 10.0, 100.0),
        spread("socat", "packed", 4, 10.2, 101.0),
        failed("spread"),
        Sample::new("sites", OURS, "", 2).with("link_bytes", 104.0 * MB),
        Sample::new("image", OURS, "", 1)
            .with("used_bytes", 2.0 * GB)
            .with("wire_bytes", 0.6 * GB)
            .with("publish_cpu", 10.0)
            .with("receive_cpu", 2.0)
            .with("agent_peak_bytes", 90.0 * MB),
        Sample::new("memory", OURS, "", 32).with("server_peak_bytes", 120.0 * MB),
        Sample::new("patched", OURS, "", 1)
            .with("wire_bytes", 176.0 * MB)
            .with("new_bytes", 600.0 * MB)
            .with("disk_bytes", 630.0 * MB),
        Sample::new("resume", OURS, "", 1).with("received_bytes", 101.0 * MB),
        Sample::new("trouble calm", OURS, "", 4).with("seconds", 10.0),
        Sample::new("trouble slow", OURS, "", 4).with("seconds", 11.0),
        Sample::new("trouble calm", "udpcast", "packed", 4).with("seconds", 10.0),
        Sample::new("trouble slow", "udpcast", "packed", 4).with("seconds", 95.0),
        Sample::new("trouble dying", "udpcast", "packed", 4).failed(&anyhow::anyhow!("not done in 60 s")),
        Sample::new("read", OURS, "", 1).with("sequential", 990.0).with("sequential_of_copy", 1000.0),
    ]
}

fn value(results: &Results, measure: Measure) -> f64 {
    results[&measure].figure.unwrap().spread.value
}

#[test]
fn each_ratio_is_what_one_works_out_by_hand() {
    let results = results(&some());
    let told = |measure| (value(&results, measure) * 1000.0).round() / 1000.0;
    for (measure, expected) in [
        (Measure::R1, 1.1),   // 11 s * 10 MB/s over 100 MB
        (Measure::R2, 1.2),   // 13.2 s over 11 s
        (Measure::R3, 1.5),   // 150 MB over 100 MB
        (Measure::R4, 1.04),  // 104 MB over 100 MB
        (Measure::R5, 0.3),   // 0.6 GB over 2 GB
        (Measure::R6, 176.0), // as it is
        (Measure::R8, 5.0),   // 10 s over 2 GB
        (Measure::R9, 1.0),
        (Measure::R10, 120.0), // the server is further from its target than the agent
        (Measure::R11, 0.01),
        (Measure::R12, 1.1),
        (Measure::R13, 0.99),
        (Measure::R14, 1.05),
    ] {
        assert_eq!(told(measure), expected, "{measure:?}");
    }
    assert!(!results.contains_key(&Measure::R15), "what was not measured is not told");
}

#[test]
fn a_peer_that_is_better_is_said_to_win() {
    let results = results(&some());
    let wins = |measure: Measure, peer: &str| match &results[&measure].peers[peer] {
        Peer::Measured { wins, .. } => *wins,
        Peer::Failed { error } => panic!("{error}"),
    };
    assert!(wins(Measure::R2, "socat (packed)"), "1.02 is better than our 1.1 at N=4");
    assert!(!wins(Measure::R2, "curl (packed)"));
    assert!(wins(Measure::R1, "curl (packed)"));
}

#[test]
fn a_peer_that_could_not_run_says_why() {
    let results = results(&some());
    let why = Peer::Failed { error: "no multicast here".to_owned() };
    assert_eq!(results[&Measure::R2].peers["uftp (raw)"], why);
    assert!(matches!(&results[&Measure::R12].peers["udpcast (packed): dying"], Peer::Failed { .. }));
}

#[test]
fn a_measure_that_failed_says_why_instead_of_a_figure() {
    let samples = [Sample::new("image", OURS, "", 1).failed(&anyhow::anyhow!("no room"))];
    let results = results(&samples);
    let outcome = &results[&Measure::R5];
    assert_eq!((outcome.figure, outcome.error.as_deref()), (None, Some("no room")));
}
