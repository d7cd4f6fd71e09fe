//! The server has another address: checked before it is written down, by what this agent knows of it.

use crate::{
    data::{self, DataDir, Identity},
    join, server,
    settings::SetServerArgs,
    worker::own_trouble,
};
use diecast_api::agent::ASSIGNMENT;
use diecast_domain::code::{Code, Problem};
use diecast_identity::{Timeouts, reqwest_client};
use reqwest::StatusCode;
use std::time::Duration;

/// How long the new address may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes down another address of the same server: the one that has this agent's authority, and knows
/// this agent. A running agent takes it at its next start.
pub async fn set_server(args: &SetServerArgs) -> Result<Identity, Problem> {
    let data = DataDir::open(&args.data.data)?;
    let credentials = join::load(&data)?;
    let url = args.url.trim_end_matches('/');
    if !url.starts_with("https://") {
        let cause = format!("`{}` is not an address of a server: it begins with https://", args.url);
        return Err(Problem::new(Code::A0001, cause));
    }
    if !args.unchecked {
        check(url, &credentials).await?;
    }
    let identity = Identity { server: url.to_owned(), ..credentials.identity };
    data::write_json(&data.file("identity.json"), &identity).map_err(|error| own_trouble(&error))?;
    Ok(identity)
}

async fn check(url: &str, own: &join::Credentials) -> Result<(), Problem> {
    let timeouts = Timeouts { connect: PATIENCE, read: Some(PATIENCE), total: Some(PATIENCE) };
    let trouble = |error: &dyn std::fmt::Display| Problem::new(Code::S0003, error.to_string());
    let client = reqwest_client(&own.ca, Some(&own.keyed), timeouts).map_err(|error| trouble(&error))?;
    let hint = "check the address; `--unchecked` writes it down all the same";
    // Asked for anything newer than nothing, a server that knows this agent answers at once.
    let asked = client.get(format!("{url}{ASSIGNMENT}?after=0.0")).send().await;
    let response = asked.map_err(|error| match diecast_identity::tls_error_of(&error) {
        Some(tls) => {
            let cause = format!("what answers at {url} is not this agent's server: {tls}");
            Problem::new(Code::A0013, cause).with_hint(hint)
        }
        None => {
            let cause = format!("nothing answers at {url}: {}", server::innermost(&error));
            Problem::new(Code::A0012, cause).with_hint(hint)
        }
    })?;
    match response.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
        _ => server::refused(response).await.map(drop),
    }
}
