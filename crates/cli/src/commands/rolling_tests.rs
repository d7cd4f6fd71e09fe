//! Changing a template and rolling it out, from what was typed to what the server is asked for.

use super::{scripted::Scripted, *};
use diecast_api::operator::{recreation::RecreationView, template::TemplateView};

const ID: &str = "0190a5b2-0000-7000-8000-000000000001";

fn at_version(number: u32, outdated: u32) -> TemplateView {
    TemplateView { version: Some(number), outdated, warnings: vec![], ..samples::template() }
}

/// Without what depends on when the test runs: rates, and how long somebody has been silent.
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = match line.split_once(" MiB, ") {
            Some((before, rate)) if rate.ends_with("/s") => format!("{before} MiB"),
            _ => line.to_owned(),
        };
        match (line.split_once("(for "), line.split_once(" host")) {
            (Some((before, rest)), Some(_)) => {
                format!("{before}(for a while, {}", rest.split_once(", ").map_or(rest, |(_, rest)| rest))
            }
            _ => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A template in maintenance on version 1, which `leave` makes version 2.
fn changed() -> Scripted {
    changed_with(4)
}

fn changed_with(outdated: u32) -> Scripted {
    let before = |it: TemplateView| {
        let mut it = TemplateView { version: Some(1), ..it };
        it.maintenance.as_mut().unwrap().base = 1;
        it
    };
    let leaving = |phase, percent| before(samples::leaving(phase, percent));
    Scripted::default()
        .on("POST /templates/win11/maintenance/leave", [leaving("queued", 0.0)])
        .on(
            "GET /templates/win11",
            [
                before(samples::in_maintenance("Maintenance")),
                leaving("reading", 40.0),
                leaving("hashing", 90.0),
                at_version(2, outdated),
            ],
        )
        .on("GET /templates/win11/versions", [samples::versions()])
}

fn recreation(scripted: Scripted, created: RecreationView, seen: Vec<RecreationView>) -> Scripted {
    scripted
        .list("/recreations", Vec::<RecreationView>::new())
        .on("POST /recreations", [json!({"items": [created], "next": null})])
        .on(&format!("GET /recreations/{ID}"), seen)
}

fn proceeding() -> RecreationView {
    RecreationView { silent: samples::waiting_recreation().silent, ..samples::recreation() }
}

#[tokio::test]
async fn leaving_shows_progress_says_what_is_new_and_asks() {
    let server = changed().list("/recreations", Vec::<RecreationView>::new());
    let ended =
        typed_and_answered("diecast maintenance leave win11 --note patched", server.router(), &["later"])
            .await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    insta::assert_snapshot!(timeless(&ended.talk));
    assert_eq!(server.sent("POST /templates/win11/maintenance/leave")["note"], "patched");
    assert!(!server.was_asked("POST /recreations"), "later means that nothing is begun");
}

#[tokio::test]
async fn on_now_the_silent_are_listed_and_one_may_try_again_and_go_on() {
    let silent = samples::waiting_recreation();
    let again = RecreationView { silent: vec![silent.silent[1].clone()], ..silent.clone() };
    let server = recreation(changed(), silent, vec![again, proceeding()])
        .on(&format!("POST /recreations/{ID}/proceed"), [proceeding()]);
    let answers = ["perhaps", "now", "t", "g"];
    let ended =
        typed_and_answered("diecast maintenance leave win11 --wave 1,100%", server.router(), &answers).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    insta::assert_snapshot!(timeless(&ended.talk));
    let sent = server.sent("POST /recreations");
    assert_eq!(
        (&sent["template"], &sent["outdated"], &sent["if_unavailable"]),
        (&json!("win11"), &json!(true), &json!("ask"))
    );
    assert_eq!(sent["terms"]["waves"], "1,100%");
    assert!(ended.data.contains("win11 to v2  Running"), "{}", ended.data);
}

#[tokio::test]
async fn left_for_later_at_the_silent_providers_nothing_is_recreated() {
    let silent = samples::waiting_recreation();
    let cancelled = RecreationView { stage: "Cancelled".into(), silent: vec![], ..silent.clone() };
    // The answer to the cancel comes before the server has acted on it.
    let server = recreation(changed(), silent.clone(), vec![silent.clone(), cancelled])
        .on(&format!("POST /recreations/{ID}/cancel"), [silent]);
    let ended =
        typed_and_answered("diecast maintenance leave win11", server.router(), &["now", "later"]).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.talk.contains("diecast host recreate --template win11 --outdated"), "{}", ended.talk);
    assert_eq!(ended.talk.matches("try again (t)").count(), 1, "asked once: {}", ended.talk);
    assert!(!ended.talk.contains("follow it with"), "{}", ended.talk);
}

#[tokio::test]
async fn hosts_can_be_recreated_at_a_time() {
    let scheduled = RecreationView { stage: "Scheduled".into(), wave: 0, ..samples::recreation() };
    let server = recreation(changed(), scheduled, vec![]);
    let answers = ["at 2030-01-31T22:00:00Z"];
    let ended = typed_and_answered("diecast maintenance leave win11", server.router(), &answers).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert_eq!(server.sent("POST /recreations")["at"], "2030-01-31T22:00:00Z");
    assert!(ended.talk.contains(&format!("diecast recreation show {ID} --watch")), "{}", ended.talk);
}

#[tokio::test]
async fn nobody_is_asked_when_nothing_was_changed_or_no_host_is_outdated() {
    let untouched = Scripted::default()
        .on("POST /templates/win11/maintenance/leave", [samples::leaving("queued", 0.0)])
        .on("GET /templates/win11", [samples::in_maintenance("Maintenance"), at_version(2, 4)])
        .on("GET /templates/win11/versions", [samples::versions()])
        .list("/recreations", Vec::<RecreationView>::new());
    let ended = typed_and_answered("diecast maintenance leave win11", untouched.router(), &[]).await;
    assert_eq!(ended.code, 0);
    assert!(ended.talk.contains("nothing was changed: win11 stays at v2"), "{}", ended.talk);
    assert!(!ended.talk.contains("All hosts must be recreated"), "{}", ended.talk);

    let hostless = changed_with(0)
        .list("/recreations", Vec::<RecreationView>::new())
        .on("GET /templates/win11/distribution", [samples::settled()]);
    let ended = typed_and_answered("diecast maintenance leave win11 --wait", hostless.router(), &[]).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(
        ended.talk.contains("v2 of win11 is published") && !ended.talk.contains("All hosts"),
        "{}",
        ended.talk
    );
}

#[tokio::test]
async fn without_a_terminal_leaving_returns_at_once_and_recreates_nothing() {
    let server = changed().list("/recreations", Vec::<RecreationView>::new());
    let ended = typed("diecast maintenance leave win11 --json", server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert_eq!(ended.document()["changed"], Value::Null);
    let sent = server.sent("POST /templates/win11/maintenance/leave");
    assert_eq!((&sent["recreate"], &sent["if_unavailable"]), (&Value::Null, &Value::Null));
    assert_eq!(server.changes().len(), 1, "{:?}", server.changes());
}

/// `leave` was told to recreate; the server began this.
fn carried_out(first: RecreationView, seen: Vec<RecreationView>) -> Scripted {
    let before = json!({"items": [RecreationView { id: "an-old-one".into(), ..samples::done_recreation() }], "next": null});
    let mut after = before.clone();
    after["items"].as_array_mut().unwrap().insert(0, serde_json::to_value(first).unwrap());
    changed()
        .on("GET /recreations", [before.clone(), before, after])
        .on(&format!("GET /recreations/{ID}"), seen)
}

#[tokio::test]
async fn now_without_a_terminal_and_a_silent_provider_recreates_nothing_and_fails() {
    let silent = samples::waiting_recreation();
    let server = carried_out(silent.clone(), vec![silent.clone()])
        .on(&format!("POST /recreations/{ID}/cancel"), [silent]);
    let line = "diecast maintenance leave win11 --recreate now --json";
    let ended = typed(line, server.router()).await;
    assert_eq!(ended.code, 1, "{}", ended.talk);
    assert_eq!(server.sent("POST /templates/win11/maintenance/leave")["recreate"], "now");
    assert!(server.was_asked(&format!("POST /recreations/{ID}/cancel")));
    insta::assert_json_snapshot!(ended.document()["error"]["hint"]);
    assert_eq!(ended.document()["error"]["blockers"].as_array().unwrap().len(), 2);
    assert!(ended.talk.contains("blocked by: kvm-b, silent for"), "{}", ended.talk);
}

#[tokio::test]
async fn now_and_proceed_is_followed_to_its_end() {
    let server = carried_out(samples::recreation(), vec![samples::recreation(), samples::done_recreation()]);
    let line = "diecast maintenance leave win11 --recreate now --if-unavailable proceed --wait --json";
    let ended = typed(line, server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    let document = ended.document();
    assert_eq!((&document["changed"], &document["version"]["number"]), (&json!(true), &json!(2)));
    assert_eq!(document["recreations"][0]["stage"], "Done");
    assert_eq!(document["recreations"].as_array().unwrap().len(), 1, "the old one is no part of it");
    assert_eq!(server.changes().len(), 1, "the server carries it out: {:?}", server.changes());
}

#[tokio::test]
async fn a_guest_that_does_not_shut_down_ends_the_wait_and_says_how_to_go_on() {
    let mut stuck = samples::leaving("failed", 0.0);
    let publication = stuck.publication.as_mut().unwrap();
    publication.code = Some("M0002".into());
    publication.cause = Some("the guest has not shut down within 3 min".into());
    publication.hint = Some("shut it down at its console, or leave again with `--force`".into());
    let server = Scripted::default()
        .on("POST /templates/win11/maintenance/leave", [samples::leaving("queued", 0.0)])
        .on("GET /templates/win11", [samples::in_maintenance("Maintenance"), stuck])
        .list("/recreations", Vec::<RecreationView>::new());
    let ended = typed("diecast maintenance leave win11 --wait", server.router()).await;
    assert_eq!(ended.code, 1);
    assert!(ended.data.contains("--force"), "{}", ended.data);
}

#[tokio::test]
async fn activating_a_version_asks_the_same_question() {
    let server = Scripted::default()
        .on("GET /templates/win11", [at_version(2, 0), at_version(1, 6)])
        .on("POST /templates/win11/versions/1/activate", [at_version(1, 6)])
        .on("GET /templates/win11/versions", [samples::versions()]);
    let server = recreation(server, samples::recreation(), vec![samples::recreation()]);
    let ended = typed_and_answered("diecast version activate win11 v1", server.router(), &["now"]).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.talk.contains("v1 of win11 is current again"), "{}", ended.talk);
    assert!(ended.talk.contains("All hosts must be recreated because the template has been modified. Do you want to recreate them now?"));
    assert!(server.was_asked("POST /recreations"));
}

#[tokio::test]
async fn hosts_are_recreated_only_after_a_yes() {
    let server = || {
        let plan = Scripted::default().on("POST /recreations?dry_run=true", [samples::recreation_plan()]);
        recreation(plan, samples::recreation(), vec![samples::recreation(), samples::done_recreation()])
    };
    let unasked = server();
    let ended = typed("diecast host recreate --template win11 --outdated", unasked.router()).await;
    assert_eq!((ended.code, unasked.changes().len()), (2, 0), "{}", ended.talk);

    let refused = server();
    let ended = typed_and_answered("diecast host recreate desk-001", refused.router(), &["n"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.talk.contains("users signed in there (1): anna on desk-004"), "{}", ended.talk);
    assert_eq!(refused.changes().len(), 1, "only the plan was asked for");

    let told = server();
    let line = "diecast host recreate --pool desks --outdated --max-failures 0 --health-timeout 5m --wait --yes --json";
    let ended = typed(line, told.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert_eq!(ended.document()["items"][0]["stage"], "Done");
    let sent = told.sent("POST /recreations");
    assert_eq!((&sent["pool"], &sent["outdated"]), (&json!("desks"), &json!(true)));
    assert_eq!(sent["terms"], json!({"failures_max": 0, "health_seconds": 300}));
}

#[tokio::test]
async fn a_recreation_that_stops_is_a_failure_and_nothing_to_recreate_is_none() {
    let stopped = recreation(Scripted::default(), samples::recreation(), vec![samples::stopped_recreation()]);
    let ended = typed("diecast host recreate desk-002 --yes --wait", stopped.router()).await;
    assert_eq!(ended.code, 1);
    assert!(ended.data.contains("the wave is rolled back"), "{}", ended.data);
    let none = Scripted::default().on("POST /recreations", [json!({"items": [], "next": null})]);
    let ended = typed("diecast host recreate --template win11 --outdated --yes --wait", none.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.talk.contains("nothing to recreate"), "{}", ended.talk);
}

#[tokio::test]
async fn if_unavailable_later_was_a_decision_and_is_no_failure() {
    let cancelled = RecreationView { stage: "Cancelled".into(), ..samples::waiting_recreation() };
    let server = recreation(Scripted::default(), cancelled.clone(), vec![cancelled]);
    let line = "diecast host recreate --template win11 --outdated --if-unavailable later --yes --wait";
    let ended = typed(line, server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.talk.contains("no host is recreated"), "{}", ended.talk);
    assert_eq!(server.sent("POST /recreations")["if_unavailable"], "later");
}

#[tokio::test]
async fn a_watched_recreation_ends_as_it_does_and_with_json_every_change_is_a_line() {
    let views = |last| {
        let key = format!("GET /recreations/{ID}");
        Scripted::default()
            .on(&key, [samples::recreation(), samples::recreation(), samples::recreation(), last])
    };
    let line = format!("diecast recreation show {ID} --watch");
    let ended = typed(&line, views(samples::stopped_recreation()).router()).await;
    assert_eq!(ended.code, 1, "{}", ended.talk);
    let ended = typed(&format!("{line} --json"), views(samples::done_recreation()).router()).await;
    let stages: Vec<Value> =
        ended.data.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["stage"].take()).collect();
    assert_eq!((ended.code, stages), (0, vec![json!("Running"), json!("Done")]));
}

#[tokio::test]
async fn entering_waits_until_the_working_copy_stands() {
    let mut entering = samples::maintenance();
    entering.status = "Entering maintenance".into();
    let server = Scripted::default()
        .on("POST /templates/win11/maintenance", [entering.clone()])
        .on("GET /templates/win11/maintenance", [entering, samples::maintenance()]);
    let ended = typed("diecast maintenance enter win11 --provider kvm-b --wait", server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert_eq!(server.sent("POST /templates/win11/maintenance")["provider"], "kvm-b");
    assert!(ended.talk.contains("diecast maintenance console win11"), "{}", ended.talk);
}

#[tokio::test]
async fn the_second_to_enter_is_told_who_was_first() {
    let cause = "`win11` is in maintenance since 2026-01-01, entered by bert";
    let server = Scripted::default().refuses("POST /templates/win11/maintenance", Code::M0001, cause, &[]);
    let ended = typed("diecast maintenance enter win11", server.router()).await;
    assert_eq!(ended.code, 1);
    assert!(ended.talk.contains("error[M0001]") && ended.talk.contains("bert"), "{}", ended.talk);
}

#[tokio::test]
async fn a_working_copy_is_thrown_away_only_after_a_yes_that_knows_whose_it_is() {
    let server = || {
        Scripted::default()
            .on("GET /templates/win11/maintenance", [samples::maintenance()])
            .on("DELETE /templates/win11/maintenance", [Value::Null])
    };
    let refused = server();
    let ended = typed_and_answered("diecast maintenance cancel win11", refused.router(), &["no"]).await;
    assert_eq!((ended.code, refused.changes().len()), (1, 0));
    assert!(ended.talk.contains("opened by admin"), "{}", ended.talk);
    let told = server();
    let ended = typed("diecast maintenance cancel win11 --forget --yes --json", told.router()).await;
    assert_eq!(
        (ended.code, told.changes()),
        (0, vec!["DELETE /templates/win11/maintenance?forget=true".to_owned()])
    );
    assert_eq!(ended.document()["cancelled"], true);
}

#[tokio::test]
async fn a_version_is_deleted_by_its_tag_and_a_refusal_lists_what_stands_on_it() {
    let mut left = samples::versions();
    left.items.truncate(1);
    let server = Scripted::default()
        .on("GET /templates/win11/versions", [samples::versions(), left])
        .on("DELETE /templates/win11/versions/1", [Value::Null]);
    let ended = typed("diecast version delete win11 production --yes --wait", server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.talk.contains("v1 of win11 is deleted"), "{}", ended.talk);

    let server = Scripted::default().on("GET /templates/win11/versions", [samples::versions()]).refuses(
        "DELETE /templates/win11/versions/1",
        Code::A0007,
        "v1 of win11 is needed",
        &["host desk-001 on kvm-a", "pool desks"],
    );
    let ended = typed("diecast version delete win11 v1 --yes", server.router()).await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.talk.contains("blocked by: host desk-001 on kvm-a\nblocked by: pool desks"),
        "{}",
        ended.talk
    );

    let ended = typed("diecast version show win11 nightly", server.router()).await;
    assert!(ended.code == 1 && ended.talk.contains("error[A0004]"), "{}", ended.talk);
}

#[tokio::test]
async fn tags_are_given_and_taken() {
    let server = Scripted::default()
        .on("POST /templates/win11/versions/2/tags", [samples::versions().items[0].clone()])
        .on("DELETE /templates/win11/versions/2/tags/production", [Value::Null]);
    let ended = typed("diecast version tag win11 v2 production", server.router()).await;
    assert_eq!(
        (ended.code, server.sent("POST /templates/win11/versions/2/tags")),
        (0, json!({"tag": "production"}))
    );
    let ended = typed("diecast version untag win11 2 production --json", server.router()).await;
    assert_eq!(ended.document()["removed"], true);
}

#[tokio::test]
async fn a_pool_is_asked_for_as_it_was_typed_and_nothing_more() {
    let server = Scripted::default()
        .on("POST /pools", [samples::pool()])
        .on("POST /pools?dry_run=true", [samples::plan()]);
    let line = "diecast pool create flex --template win11 --min 10 --max 60 --spare 5 --name flex-{nnn} --version v2 \
                --weight kvm-a=3,kvm-b=1 --replace-elsewhere 5m --data-disk 1GiB --wave 5";
    let ended = typed(line, server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    let settings = json!({"version": "2", "min": 10, "max": 60, "spare": 5, "placement": "weights",
        "weights": {"kvm-a": 3, "kvm-b": 1}, "replace_elsewhere_seconds": 300,
        "setup": {"data_disk_bytes": 1 << 30}, "terms": {"waves": "5"}});
    assert_eq!(
        server.sent("POST /pools"),
        json!({"name": "flex", "template": "win11", "pattern": "flex-{nnn}", "settings": settings})
    );
    let ended =
        typed("diecast pool create flex --template win11 --size 900 --name f-{n} --dry-run", server.router())
            .await;
    assert!(ended.code == 0 && ended.talk.contains("nothing was changed"), "{}", ended.talk);
}

#[tokio::test]
async fn a_pool_that_cannot_be_filled_ends_its_wait_and_says_why() {
    let filling = diecast_api::operator::pool::PoolView { status: "Filling".into(), ..samples::short_pool() };
    let server = Scripted::default()
        .on("GET /pools/flex", [filling.clone(), filling.clone(), samples::short_pool()])
        .on("PATCH /pools/flex", [filling]);
    let ended = typed("diecast pool set flex --size 90 --any-provider --wait", server.router()).await;
    assert_eq!(ended.code, 1, "{}", ended.talk);
    assert_eq!(server.sent("PATCH /pools/flex"), json!({"size": 90, "providers": []}));
    assert!(ended.data.contains("no more may be there"), "{}", ended.data);
    let ended = typed("diecast pool set flex", server.router()).await;
    assert_eq!(ended.code, 2);
}

#[tokio::test]
async fn data_disks_are_deleted_only_when_it_is_said() {
    let server = Scripted::default()
        .on("GET /pools/desks", [samples::pool()])
        .on("DELETE /pools/desks", [Value::Null])
        .on("DELETE /hosts/desk-001", [Value::Null]);
    for (line, asked) in [
        ("diecast pool delete desks --yes", "DELETE /pools/desks?keep_hosts=false"),
        ("diecast pool delete desks --keep-hosts --yes", "DELETE /pools/desks?keep_hosts=true"),
        ("diecast pool delete desks --delete-data --yes", "DELETE /pools/desks?keep_hosts=false&data=true"),
        ("diecast host delete desk-001 --yes", "DELETE /hosts/desk-001"),
        ("diecast host delete desk-001 --keep-data --yes", "DELETE /hosts/desk-001?data=false"),
    ] {
        assert_eq!(typed(line, server.router()).await.code, 0, "{line}");
        assert_eq!(server.changes().last().map(String::as_str), Some(asked), "{line}");
    }
}

#[tokio::test]
async fn a_schedule_is_made_paused_and_deleted() {
    let schedule = samples::schedules().items[0].clone();
    let server = Scripted::default()
        .on("POST /schedules", [schedule.clone()])
        .on("PATCH /schedules/patch-night", [schedule])
        .on("DELETE /schedules/patch-night", [Value::Null]);
    let line = "diecast schedule create patch-night --stop --force --host desk-001,desk-002 --at 2030-01-01T00:00:00Z";
    let ended = typed(line, server.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    let sent = server.sent("POST /schedules");
    assert_eq!((&sent["action"], &sent["hosts"]), (&json!("stop"), &json!(["desk-001", "desk-002"])));
    assert_eq!((&sent["at"], &sent["force"]), (&json!("2030-01-01T00:00:00Z"), &json!(true)));
    let ended = typed("diecast schedule disable patch-night", server.router()).await;
    assert_eq!((ended.code, server.sent("PATCH /schedules/patch-night")), (0, json!({"enabled": false})));
    assert_eq!(typed("diecast schedule delete patch-night", server.router()).await.code, 2);
    assert_eq!(typed("diecast schedule delete patch-night --yes", server.router()).await.code, 0);
    let ended =
        typed("diecast schedule create x --start --pool desks --at 2h --wave 5", server.router()).await;
    assert_eq!(ended.code, 2, "waves are of recreations");
}

#[tokio::test]
async fn empty_lists_say_what_to_do_first_and_stdout_stays_empty() {
    let none = Scripted::default();
    let none = ["/templates", "/providers", "/sites", "/hosts", "/pools", "/schedules", "/recreations"]
        .into_iter()
        .fold(none, |server, path| server.list(path, Vec::<Value>::new()));
    for noun in ["template", "provider", "site", "host", "pool", "schedule", "recreation"] {
        let ended = typed(&format!("diecast {noun} list"), none.router()).await;
        assert_eq!((ended.code, ended.data.as_str()), (0, ""), "{noun}");
        assert!(ended.talk.starts_with("no ") && ended.talk.contains("diecast "), "{noun}: {}", ended.talk);
        let ended = typed(&format!("diecast {noun} list --json"), none.router()).await;
        assert_eq!(ended.document()["items"], json!([]), "{noun}");
    }
    assert!(typed("diecast host list --pool p --outdated", none.router()).await.code == 0);
    assert!(none.was_asked("GET /hosts?pool=p&outdated=true"));
}

#[tokio::test]
async fn a_link_is_limited_as_it_was_typed_and_the_limit_taken_away() {
    let link = samples::sites().items.remove(0).links.remove(0);
    let server = Scripted::default().on("PUT /sites/berlin/links/madrid", [link]);
    let typed = async |words: &str| typed(&format!("diecast site limit {words}"), server.router()).await;
    let ended = typed("berlin madrid 2 Mbit/s 8:00-18:00 Europe/Madrid").await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    let sent = server.sent("PUT /sites/berlin/links/madrid");
    assert_eq!(sent, json!({"limit": "2Mbit/s 08:00-18:00 Europe/Madrid"}));
    assert_eq!(typed("berlin madrid fast").await.code, 2);
    assert_eq!(typed("berlin madrid --none --json").await.code, 0);
}

#[tokio::test]
async fn a_mistyped_pool_is_recognised() {
    let server = Scripted::default()
        .refuses("GET /pools/deks", Code::A0004, "there is no pool `deks`", &[])
        .list("/pools", [samples::pool()]);
    let ended = typed("diecast pool show deks", server.router()).await;
    assert!(ended.code == 1 && ended.talk.contains("did you mean `desks`?"), "{}", ended.talk);
}

/// What `apply` looks at.
fn site() -> Scripted {
    let provider = |name: &str| {
        let mut it = serde_json::to_value(samples::provider()).unwrap();
        it["name"] = json!(name);
        it
    };
    Scripted::default()
        .list("/providers", [provider("kvm-a"), provider("kvm-b")])
        .list("/templates", [samples::template()])
        .list("/pools", [samples::pool()])
        .list("/sites", samples::sites().items)
        .on("GET /templates/win11/distribution", [samples::settled()])
        .on("PATCH /providers/kvm-a", [provider("kvm-a")])
        .on("POST /pools", [samples::pool()])
        .on("DELETE /pools/desks", [Value::Null])
        .on("POST /templates/win11/distribution/remove", [samples::settled()])
        .on("POST /pools?dry_run=true", [samples::plan()])
}

const WISHES: &str = "[provider.kvm-a]\nsite = \"madrid\"\n[template.win11]\ndistribution = [\"kvm-a\"]\n\
                      [pool.lab]\ntemplate = \"win11\"\npattern = \"lab-{n}\"\nsize = 2\n";

#[tokio::test]
async fn a_file_is_compared_asked_about_and_applied_in_a_safe_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, WISHES).unwrap();
    let line = format!("diecast apply -f {}", file.display());

    let dry = site();
    let ended = typed(&format!("{line} --dry-run"), dry.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(
        ended.data.contains("~ site: berlin → madrid") && ended.data.contains("+ pool lab"),
        "{}",
        ended.data
    );
    assert!(ended.talk.contains("send 4.20 GiB to kvm-b"), "the server's own plan: {}", ended.talk);
    assert!(dry.changes().iter().all(|it| it.contains("dry_run=true")), "{:?}", dry.changes());

    let unasked = site();
    assert_eq!(typed(&line, unasked.router()).await.code, 2, "a file needs a yes");
    assert_eq!(unasked.changes().len(), 0);

    let applied = site();
    let ended = typed(&format!("{line} --yes --json"), applied.router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert_eq!(
        (&ended.document()["applied"], &ended.document()["changes"][1]["name"]),
        (&json!(true), &json!("lab"))
    );
    let asked: Vec<_> =
        applied.changes().iter().map(|it| it.split(" {").next().unwrap().to_owned()).collect();
    assert_eq!(asked, ["PATCH /providers/kvm-a", "POST /pools"]);
    assert!(ended.talk.contains("--prune"), "what stays is told: {}", ended.talk);
}

#[tokio::test]
async fn pruning_asks_for_each_kind_and_one_no_leaves_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, WISHES).unwrap();
    let line = format!("diecast apply -f {} --prune", file.display());
    let refused = site();
    let ended = typed_and_answered(&line, refused.router(), &["y", "y", "n"]).await;
    assert_eq!((ended.code, refused.changes().len()), (1, 0), "{}", ended.talk);
    assert!(
        ended.talk.contains("Take kvm-b off win11")
            && ended.talk.contains("Delete pools with their hosts: desks")
    );
    let told = site();
    let ended = typed_and_answered(&line, told.router(), &["y", "y", "y"]).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    let asked: Vec<_> = told.changes().iter().map(|it| it.split(" {").next().unwrap().to_owned()).collect();
    let order = [
        "PATCH /providers/kvm-a",
        "POST /pools",
        "DELETE /pools/desks?keep_hosts=false",
        "POST /templates/win11/distribution/remove",
    ];
    assert_eq!(asked, order);
}

#[tokio::test]
async fn what_was_exported_is_applied_and_there_is_nothing_to_change() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["toml", "json"] {
        let file = folder.path().join(format!("site.{ending}"));
        let server = site();
        let ended = typed(&format!("diecast export {}", file.display()), server.router()).await;
        assert_eq!(ended.code, 0, "{}", ended.talk);
        let ended = typed(&format!("diecast export {}", file.display()), server.router()).await;
        assert_eq!(ended.code, 2, "a file that is there is replaced only after a yes");
        let ended = typed(&format!("diecast apply --prune -f {}", file.display()), server.router()).await;
        assert_eq!((ended.code, ended.data.as_str()), (0, "nothing to change\n"), "{}", ended.talk);
        assert_eq!(server.changes().len(), 0);
    }
}

#[tokio::test]
async fn a_file_with_an_unknown_key_is_wrong_usage_and_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[provider.kvm-a]\nsit = \"madrid\"\n").unwrap();
    let ended = typed(&format!("diecast apply -f {}", file.display()), site().router()).await;
    assert_eq!(ended.code, 2);
    assert!(ended.talk.contains("site.toml: line 2: unknown field `sit`"), "{}", ended.talk);
}
