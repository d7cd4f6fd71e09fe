//! The doors of this crate: every reading of what an operator, a server or a script sends. See
//! `diecast_domain::doors`.

use crate::{
    agent::identity_of_uri,
    client::events,
    operator::{
        distribution::{ProviderNames, RemoveProviders},
        event::EventView,
        host::CreateHosts,
        maintenance::{EnterMaintenance, LeaveMaintenance},
        notification::{ChangeNotification, CreateNotification},
        pool::{CreatePool, PoolSettings},
        provider::{AddProvider, ChangeProvider},
        recreation::CreateRecreation,
        schedule::{ChangeSchedule, CreateSchedule},
        template::{ActivateVersion, ChangeTemplate, CreateTemplate},
        token::CreateToken,
    },
    problem::ProblemDetails,
    time::{instant, rfc3339},
};
use diecast_domain::doors::{Door, same_json_again, same_when_written, texts};

pub const DOORS: &[Door] = &[BODY, EVENTS, PROBLEM, TIME];

/// The body of a request. What it is meant for is nobody's secret, so every meaning is tried.
pub const BODY: Door = Door {
    name: "body",
    seeds: || {
        texts(&[
            r#"{"name":"win11","provider":"kvm-a","vm":"golden","distribution":["kvm-b"],"concurrency":2,
                "limit":"2Mbit/s 08:00-18:00; off","host_defaults":{"kind":"linked","name":"desk-{nnn}"}}"#,
            r#"{"template":"win11","pattern":"desk-{n}","name":"desk-{n}","count":3,"min":1,"max":9,
                "setup":{"preparation":"none","data_disk_bytes":1048576},"terms":{"waves":"1,100%"}}"#,
            r##"{"template":"win11","hosts":["desk-1"],"action":"recreate","cron":"0 3 * * *","zone":"UTC",
                "terms":{"deadline":"2030-01-31T22:00:00Z","failures_max":1,"health_seconds":60}}"##,
            r#"{"name":"ops","webhook":{"url":"https://x","secret":"s"},"kinds":["copy-damaged"]}"#,
            r#"{"providers":["kvm-a"],"recreate":"now","if_unavailable":"ask","role":"viewer"}"#,
        ])
    },
    knock: |bytes| {
        same_when_written::<CreateTemplate>(bytes);
        same_when_written::<ChangeTemplate>(bytes);
        same_when_written::<ActivateVersion>(bytes);
        same_when_written::<AddProvider>(bytes);
        same_when_written::<ChangeProvider>(bytes);
        same_when_written::<ProviderNames>(bytes);
        same_when_written::<RemoveProviders>(bytes);
        same_when_written::<CreateHosts>(bytes);
        same_when_written::<CreatePool>(bytes);
        same_when_written::<PoolSettings>(bytes);
        same_when_written::<CreateRecreation>(bytes);
        same_when_written::<CreateSchedule>(bytes);
        same_when_written::<ChangeSchedule>(bytes);
        same_when_written::<EnterMaintenance>(bytes);
        same_when_written::<LeaveMaintenance>(bytes);
        same_when_written::<CreateNotification>(bytes);
        same_when_written::<ChangeNotification>(bytes);
        same_when_written::<CreateToken>(bytes);
    },
};

/// The stream of events, however it is cut.
pub const EVENTS: Door = Door {
    name: "events",
    seeds: || {
        texts(&[": hello\n\nid: 7\nevent: replica.ready\ndata: {\"a\":\ndata: 1}\r\n\r\nevent: reset\n\n"])
    },
    knock: |bytes| {
        let whole = events::messages(bytes, bytes.len().max(1));
        for size in [1, 7] {
            assert_eq!(events::messages(bytes, size), whole, "in pieces of {size}");
        }
        for (_, _, data) in whole.unwrap_or_default() {
            let _ = serde_json::from_str::<EventView>(&data);
        }
    },
};

/// A refusal, as the server words it.
pub const PROBLEM: Door = Door {
    name: "problem",
    seeds: || {
        texts(&[r#"{"type":"/api/v1/errors/T0001","title":"t","status":502,"detail":"d","code":"T0001",
            "hint":"h","blockers":["b"],"request":"r"}"#])
    },
    knock: same_json_again::<ProblemDetails>,
};

/// An instant; and whose a certificate is, which is one word too.
pub const TIME: Door = Door {
    name: "time",
    seeds: || texts(&["2026-01-31T09:00:00.5+01:00", "-009999-01-02T01:59:59Z", "2030-01-31T22:00:00Z"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let _ = identity_of_uri(text);
        let Some(at) = instant(text) else { return };
        let written = rfc3339(at);
        let again = instant(&written).unwrap_or_else(|| panic!("`{text}` is written as `{written}`"));
        assert_eq!(rfc3339(again), written);
        assert!(at.0.abs_diff(again.0) < 1000, "`{text}` is written as `{written}`");
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        assert!((TIME.seeds)().iter().all(|seed| instant(std::str::from_utf8(seed).unwrap()).is_some()));
        assert_eq!(events::messages(&(EVENTS.seeds)()[0], 9).unwrap().len(), 2);
        serde_json::from_slice::<ProblemDetails>(&(PROBLEM.seeds)()[0]).unwrap();
    }

    diecast_domain::no_door_gives_way!(DOORS, 3000);
}
