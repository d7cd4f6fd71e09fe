//! The command tree is sound, takes what the design says, and refuses the rest before any server is asked.

use super::*;
use clap::{CommandFactory, Parser};

#[derive(Parser, Debug)]
#[command(name = "diecast")]
struct Whole {
    #[command(flatten)]
    _globals: Globals,
    #[command(subcommand)]
    command: ClientCommand,
}

fn parse(line: &str) -> Result<ClientCommand, clap::Error> {
    Whole::try_parse_from(line.split_whitespace()).map(|whole| whole.command)
}

#[test]
fn the_command_tree_is_sound() {
    Whole::command().debug_assert();
}

#[test]
fn every_argument_is_explained() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some(), "`{}` has no help", command.get_name());
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            assert!(arg.get_help().is_some(), "`{} {}` has no help", command.get_name(), arg.get_id());
        }
        command.get_subcommands().for_each(walk);
    }
    Whole::command().get_subcommands().for_each(walk);
}

#[test]
fn the_design_s_commands_are_taken() {
    for line in [
        "diecast login --url https://s --ca ca.pem --user admin --print-token --json",
        "diecast logout",
        "diecast provider add kvm-a --kind libvirt --uri qemu:///system --storage p --network corp=br20 --site s --label k=v",
        "diecast provider list --json",
        "diecast --json provider show kvm-a",
        "diecast provider check kvm-a",
        "diecast provider check kvm-a --wait",
        "diecast provider set kvm-a --storage fast --network corp=",
        "diecast provider rejoin kvm-a",
        "diecast site list",
        "diecast site limit madrid berlin 2 Mbit/s 08:00-18:00 Europe/Madrid",
        "diecast site limit - berlin --none",
        "diecast provider remove kvm-a --forget --yes",
        "diecast vm list --provider kvm-a",
        "diecast template create win11 --provider kvm-a --vm golden --to kvm-b,kvm-c --concurrency 2 --wait --timeout 10m",
        "diecast template create win11 --provider kvm-a --image /img.qcow2 --to-all --dry-run",
        "diecast template create win11 --provider kvm-a --vm golden --selector tier=prod --note first",
        "diecast template list",
        "diecast template show win11",
        "diecast template set win11 --concurrency 4",
        "diecast template delete win11 --yes",
        "diecast distribution add win11 kvm-b kvm-c --wait",
        "diecast distribution remove win11 kvm-b --when-free",
        "diecast distribution show win11 --watch",
        "diecast distribution retry win11",
        "diecast distribution verify win11 kvm-a --wait",
        "diecast version list win11",
        "diecast bundle export win11 f.bundle --version v4 --since 3 --provider kvm-a --force",
        "diecast bundle import a.bundle b.bundle --template w --provider kvm-a --to kvm-b,kvm-c --wait --timeout 1h",
        "diecast bundle import a.bundle --to-all --provider kvm-a --dry-run --json",
        "diecast bundle show a.bundle",
        "diecast host create --template t --provider a --provider b --count 3 --name desk-{nnn} --full --wait",
        "diecast host list --template win11 --provider kvm-a",
        "diecast host show desk-001",
        "diecast host start desk-001 desk-002",
        "diecast host stop desk-001 --force",
        "diecast host delete desk-001 desk-002 --yes",
        "diecast host create --template t --name d-{n} --version v2 --user-data u.yaml --data-disk 20GiB --ready-when address",
        "diecast host create --template t --name d-{n} --preparation sysprep --unattend un.xml",
        "diecast host list --pool desks --outdated",
        "diecast host recreate desk-001 desk-002 --version production --yes",
        "diecast host recreate --template win11 --outdated --wave 1,10%,100% --deadline 22:00 --at 2h --max-failures 2 --health-timeout 5m --wait --yes",
        "diecast host recreate --pool desks --outdated --if-unavailable proceed --dry-run",
        "diecast host delete desk-001 --delete-data --yes",
        "diecast host delete desk-001 --keep-data",
        "diecast template set win11 --keep 0",
        "diecast maintenance enter win11 --provider kvm-b --wait",
        "diecast maintenance show win11 --json",
        "diecast maintenance console win11 --listen 127.0.0.1:5910 --viewer",
        "diecast maintenance start win11",
        "diecast maintenance leave win11",
        "diecast maintenance leave win11 --recreate now --if-unavailable later --note patched --wave 5 --deadline 2h --max-failures 0 --shutdown-timeout 300 --force --wait",
        "diecast maintenance leave win11 --recreate at=2026-01-31T22:00:00Z --dry-run",
        "diecast maintenance cancel win11 --forget --yes",
        "diecast version show win11 v2",
        "diecast version tag win11 2 production",
        "diecast version untag win11 production production",
        "diecast version activate win11 v1 --recreate later",
        "diecast version delete win11 1 --yes --wait",
        "diecast recreation list --template win11 --running",
        "diecast recreation show 0190a5b2-0000-7000-8000-000000000001 --watch",
        "diecast recreation proceed 0190a5b2-0000-7000-8000-000000000001",
        "diecast recreation cancel 0190a5b2-0000-7000-8000-000000000001 --yes",
        "diecast pool create desks --template win11 --size 20 --name desk-{nnn}",
        "diecast pool create flex --template win11 --min 10 --max 60 --spare 5 --name flex-{nnn} --version production --full --placement weights --weight a=3,b=1 --cap 8 --provider a,b --replace-elsewhere 300 --data-disk 1G --wave 2 --wait",
        "diecast pool list",
        "diecast pool show desks",
        "diecast pool set desks --size 30 --any-provider --dry-run",
        "diecast pool delete desks --keep-hosts --yes",
        "diecast pool delete desks --delete-data --yes --wait",
        "diecast schedule create nightly --stop --host a,b --at 22:00 --force",
        "diecast schedule create nightly --recreate --pool desks --cron @daily --zone UTC",
        "diecast schedule list",
        "diecast schedule enable nightly",
        "diecast schedule disable nightly",
        "diecast schedule delete nightly --yes",
        "diecast alarm list --json",
        "diecast notification add ops --webhook https://hooks.example/x --secret-file s --trust ca.pem",
        "diecast notification add night --email a@b.c,d@e.f --smtp mail:587 --from d@e.f --user u --password-file p --tls tls --severity critical",
        "diecast notification add pager --script page --kind provider-lost,last-copy-damaged --group 1m --quiet 1h",
        "diecast notification list",
        "diecast notification show ops",
        "diecast notification set night --password-file p --kind all",
        "diecast notification test night",
        "diecast notification disable night",
        "diecast notification remove night --yes",
        "diecast apply -f site.toml --dry-run",
        "diecast apply -f - --prune --yes --wait",
        "diecast export site.toml",
        "diecast event list --follow",
        "diecast explain t0001",
        "diecast completions zsh",
    ] {
        if let Err(error) = parse(line) {
            panic!("`{line}` was refused: {error}");
        }
    }
}

#[test]
fn what_is_typed_wrongly_is_refused_at_the_door() {
    for line in [
        "diecast provider add Kvm_A",
        "diecast provider add kvm-a --network corp",
        "diecast template create win11 --provider kvm-a",
        "diecast template create win11 --provider kvm-a --vm a --image /b",
        "diecast template create win11 --provider kvm-a --image relative.qcow2",
        "diecast template create win11 --provider kvm-a --vm a --to b --to-all",
        "diecast template create win11 --provider kvm-a --vm a --timeout 5m",
        "diecast template create win11 --provider kvm-a --vm a --dry-run --wait",
        "diecast template create win11 --provider kvm-a --vm a --concurrency 0",
        "diecast template set win11",
        "diecast distribution add win11",
        "diecast host create --template win11 --name desk",
        "diecast host create --template win11 --name desk-{n} --count 0",
        "diecast host delete",
        "diecast host delete a --delete-data --keep-data",
        "diecast host create --template t --name d-{n} --user-data a --unattend b",
        "diecast host create --template t --name d-{n} --data-disk lots",
        "diecast host recreate",
        "diecast host recreate --template win11",
        "diecast host recreate a --template win11 --outdated",
        "diecast host recreate a --wave 0",
        "diecast host recreate a --at yesterday",
        "diecast maintenance leave win11 --recreate perhaps",
        "diecast maintenance leave win11 --recreate at=",
        "diecast maintenance leave win11 --if-unavailable hope",
        "diecast maintenance leave win11 --dry-run --wait",
        "diecast maintenance console win11 --listen 0.0.0.0:5901",
        "diecast version tag win11 2 Production",
        "diecast version tag win11 2 v3",
        "diecast version delete win11 v0",
        "diecast recreation show newest",
        "diecast pool create desks --template win11 --name desk-{nnn}",
        "diecast pool create desks --template win11 --min 1 --name desk-{nnn}",
        "diecast pool create desks --template win11 --size 1 --max 2 --name desk-{nnn}",
        "diecast pool create desks --template win11 --size 1 --name desk",
        "diecast pool delete desks --keep-hosts --delete-data",
        "diecast schedule create x --start --at 22:00",
        "diecast schedule create x --start --stop --pool p --at 22:00",
        "diecast schedule create x --start --pool p --at 22:00 --cron *",
        "diecast schedule create x --start --pool p --at 22:00 --zone UTC",
        "diecast schedule create x --start --force --pool p --at 22:00",
        "diecast notification add ops",
        "diecast notification add ops --webhook https://x --script y",
        "diecast notification add ops --email a@b.c",
        "diecast notification add ops --webhook https://x --smtp mail",
        "diecast notification add ops --webhook https://x --kind lost",
        "diecast notification add ops --webhook https://x --severity loud",
        "diecast site limit berlin madrid",
        "diecast site limit berlin --none",
        "diecast site limit berlin madrid 2Mbit/s --none",
        "diecast apply",
        "diecast explain T9999",
        "diecast frobnicate",
    ] {
        assert_eq!(parse(line).expect_err(line).exit_code(), 2, "`{line}`");
    }
}

#[test]
fn flags_stand_under_their_own_heading_also_after_a_group_of_others() {
    let mut whole = Whole::command();
    whole.build();
    let leave =
        whole.find_subcommand_mut("maintenance").and_then(|it| it.find_subcommand_mut("leave")).unwrap();
    let heading = |id: &str| {
        let arg = leave.get_arguments().find(|arg| arg.get_id() == id).unwrap();
        arg.get_help_heading()
    };
    assert_eq!((heading("waves"), heading("recreate")), (Some("Recreation"), Some("Recreation")));
    assert_eq!((heading("force"), heading("dry_run"), heading("wait")), (None, None, None));
}

#[test]
fn the_help_of_the_longest_command_reads_well() {
    let mut whole = Whole::command();
    whole.build();
    let create = whole.find_subcommand_mut("template").and_then(|it| it.find_subcommand_mut("create"));
    insta::assert_snapshot!(create.unwrap().clone().term_width(100).render_long_help());
}

/// What renders help takes `{n}` for the end of a line, so no example may hold it.
#[test]
fn no_example_is_torn_in_its_pattern() {
    let mut whole = Whole::command();
    whole.build();
    let mut open = vec![whole];
    while let Some(mut command) = open.pop() {
        let help = command.render_long_help().to_string();
        let torn = help.lines().find(|line| line.starts_with('\''));
        assert_eq!(torn, None, "in the help of `{}`", command.get_name());
        open.extend(command.get_subcommands().cloned());
    }
}
