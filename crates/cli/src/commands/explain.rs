//! `diecast explain` and `diecast completions`: what needs no server.

use crate::{Failure, printer::Printer, render::explain as render};
use clap_complete::Shell;
use diecast_domain::code::Code;
use serde_json::json;

/// The page of a code, or the list of all.
pub(super) fn explain(code: Option<Code>, printer: &mut Printer) -> Result<(), Failure> {
    match code {
        Some(code) => printer.answer(&render::json(code), |_, _| render::page(code)),
        None => {
            let items: Vec<_> = Code::ALL.iter().copied().map(render::json).collect();
            printer.answer(&json!({"items": items, "next": null}), |look, _| render::all(look))
        }
    }
}

pub(super) fn completions(
    shell: Shell,
    mut whole: clap::Command,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    let name = whole.get_name().to_owned();
    clap_complete::generate(shell, &mut whole, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    printer.answer(&json!({"shell": shell.to_string(), "script": script}), |_, _| script.to_string())
}
