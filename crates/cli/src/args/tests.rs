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
        "diecast host create --template t --provider a --provider b --count 3 --name desk-{nnn} --full --wait",
        "diecast host list --template win11 --provider kvm-a",
        "diecast host show desk-001",
        "diecast host start desk-001 desk-002",
        "diecast host stop desk-001 --force",
        "diecast host delete desk-001 desk-002 --yes",
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
        "diecast explain T9999",
        "diecast frobnicate",
    ] {
        assert_eq!(parse(line).expect_err(line).exit_code(), 2, "`{line}`");
    }
}

#[test]
fn the_help_of_the_longest_command_reads_well() {
    let mut whole = Whole::command();
    whole.build();
    let create = whole.find_subcommand_mut("template").and_then(|it| it.find_subcommand_mut("create"));
    insta::assert_snapshot!(create.unwrap().clone().term_width(100).render_long_help());
}
