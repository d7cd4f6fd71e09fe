//! Enrolment: a one-time token becomes a certificate.

use crate::{
    data::{self, DataDir, Identity},
    server,
    settings::JoinArgs,
    worker::own_trouble,
};
use diecast_api::agent::{ENROL, Enrolled, Enrolment};
use diecast_domain::code::{Code, Problem};
use diecast_identity::{Fingerprint, KeyedCertificate, Keys, Timeouts, fingerprint_client};
use std::{fs, time::Duration};

/// Enrols this folder's agent. Asks nothing that was not given, so that a script can run it.
pub async fn join(args: &JoinArgs) -> Result<Identity, Problem> {
    let data = DataDir::open(&args.data.data)?;
    let _lock = data.lock()?;
    let url = args.server.trim_end_matches('/');
    if !url.starts_with("https://") {
        let cause = format!("`{}` is not an address of a server: it begins with https://", args.server);
        return Err(Problem::new(Code::A0001, cause));
    }
    let fingerprint: Fingerprint = args.ca_fingerprint.parse().map_err(|error| {
        Problem::new(Code::A0001, format!("the fingerprint cannot be read: {error}"))
            .with_hint("copy the whole line that `diecast provider add` printed")
    })?;
    let timeouts = Timeouts { total: Some(Duration::from_secs(30)), ..Timeouts::default() };
    let trouble =
        |error: &dyn std::fmt::Display| Problem::new(Code::S0003, format!("no key could be made: {error}"));
    let client = fingerprint_client(fingerprint, timeouts).map_err(|error| trouble(&error))?;
    let keys = Keys::generate().map_err(|error| trouble(&error))?;
    let enrolment = Enrolment {
        token: args.token.clone(),
        csr: keys.csr_pem.clone(),
        agent_version: crate::report::AGENT_VERSION.to_owned(),
    };
    let answer = client.client().post(format!("{url}{ENROL}")).json(&enrolment).send().await;
    let answer = answer.map_err(|error| match diecast_identity::tls_error_of(&error) {
        Some(tls) => Problem::new(Code::A0013, format!("the server at {url} is not the one expected: {tls}"))
            .with_hint("copy the whole line that `diecast provider add` printed; if it is right, somebody is between"),
        None => Problem::new(Code::A0012, format!("the server at {url} does not answer: {}", server::innermost(&error))),
    })?;
    let enrolled: Enrolled = server::refused(answer).await?.json().await.map_err(|error| {
        Problem::new(Code::A0012, format!("the server's answer did not arrive whole: {error}"))
    })?;
    keep(&data, url, keys, &enrolled).map_err(|error| own_trouble(&error))
}

/// The identity is written last: without it the rest is nothing.
fn keep(data: &DataDir, url: &str, keys: Keys, enrolled: &Enrolled) -> anyhow::Result<Identity> {
    let identity =
        Identity { provider: enrolled.provider, name: enrolled.name.clone(), server: url.to_owned() };
    let before: Option<Identity> = data::read_json(&data.file("identity.json")).unwrap_or_default();
    if before.is_some_and(|before| before.provider != identity.provider) {
        // Another provider's orders mean nothing here. What is on the disk is kept, unassigned.
        data::remove(&data.file("assignment.json"))?;
    }
    data::write(&data.file("key.pem"), keys.key_pem.as_bytes(), 0o600)?;
    data::write(&data.file("ca.pem"), enrolled.ca.as_bytes(), 0o644)?;
    data::write(&data.file("certificate.pem"), enrolled.certificate.as_bytes(), 0o644)?;
    data::write_json(&data.file("identity.json"), &identity)?;
    Ok(identity)
}

/// What a folder's agent shows of itself on the wire.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub identity: Identity,
    pub ca: String,
    pub keyed: KeyedCertificate,
}

pub fn load(data: &DataDir) -> Result<Credentials, Problem> {
    let identity: Option<Identity> =
        data::read_json(&data.file("identity.json")).map_err(|error| own_trouble(&error))?;
    let identity = identity.ok_or_else(|| {
        let cause = format!("the agent in {} has not joined a server yet", data.file("").display());
        Problem::new(Code::A0010, cause).with_hint("run the line that `diecast provider add` prints")
    })?;
    let read = |name: &str| {
        fs::read_to_string(data.file(name)).map_err(|error| {
            let cause = format!("{} cannot be read: {error}", data.file(name).display());
            Problem::new(Code::S0003, cause).with_hint("enrol the agent anew: `diecast provider rejoin`")
        })
    };
    let keyed = KeyedCertificate { certificate_pem: read("certificate.pem")?, key_pem: read("key.pem")? };
    Ok(Credentials { identity, ca: read("ca.pem")?, keyed })
}
