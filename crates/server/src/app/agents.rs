//! What agents ask and say: their assignment, and their report.

use crate::app::{
    App,
    authorise::Action,
    cx::{Actor, Cx},
    refused::Refused,
};
use diecast_api::agent::LONG_POLL;
use diecast_domain::{
    assignment::Assignment,
    code::Code,
    generation::Generation,
    host::HostReport,
    ids::{ProviderId, SessionId},
    reconcile::Heed,
    report::Report,
};

/// Things of one kind in a report: more is no hypervisor.
const ITEMS_MAX: usize = 20_000;
/// Users of one host: more than one machine serves.
const USERS_MAX: usize = 1000;
/// A user's name, with a domain before it.
const USER_LENGTH_MAX: usize = 300;
/// Former disks of one host: each recreation waits until the last one's are gone.
const SET_ASIDE_MAX: usize = 100;
/// Addresses of one depot.
const ADDRESSES_MAX: usize = 64;
/// A host's name and a port.
const ADDRESS_LENGTH_MAX: usize = 300;

impl App {
    /// The assignment that is newer than `after`: at once if there is one, else as soon as there is.
    /// None after [`LONG_POLL`].
    pub(crate) async fn assignment(
        &self,
        cx: &Cx,
        after: Option<Generation>,
        session: Option<SessionId>,
    ) -> Result<Option<Assignment>, Refused> {
        let provider = agent(cx)?;
        if session.is_some_and(|session| self.live().is_replaced(provider, session, cx.now)) {
            return Err(rival());
        }
        let mut told = self.told().watch(provider);
        let mut stopping = self.stopping();
        let deadline = tokio::time::Instant::now() + LONG_POLL;
        loop {
            told.mark_unchanged();
            let stored = self.store().view().await?.assignment(provider).await?;
            if let Some(assignment) = stored.filter(|it| after.is_none_or(|after| it.generation > after)) {
                return Ok(Some(assignment));
            }
            tokio::select! {
                changed = told.changed() => if changed.is_err() { return Ok(None) },
                () = tokio::time::sleep_until(deadline) => return Ok(None),
                _ = stopping.wait_for(|stop| *stop) => return Ok(None),
            }
        }
    }

    pub(crate) async fn report(&self, cx: &Cx, report: Report) -> Result<(), Refused> {
        cx.may(Action::ActFor(report.provider))?;
        check(&report)?;
        let provider = report.provider;
        match self.live().hear(report, cx.now) {
            Heed::Fresh => self.nudge(),
            Heed::Late => {}
            Heed::Rival => {
                tracing::warn!(%provider, "a second agent uses one identity; its report was refused");
                return Err(rival());
            }
        }
        Ok(())
    }
}

fn rival() -> Refused {
    Refused::new(Code::P0009, "another agent has taken this identity since, and is alive")
}

/// Which provider's agent asks.
pub(crate) fn agent(cx: &Cx) -> Result<ProviderId, Refused> {
    match &cx.actor {
        Actor::Agent { provider } => {
            cx.may(Action::ActFor(*provider))?;
            Ok(*provider)
        }
        Actor::Administrator { .. } | Actor::Token { .. } => {
            Err(Refused::new(Code::A0003, "only an agent may do this, with its certificate"))
        }
    }
}

fn check(report: &Report) -> Result<(), Refused> {
    let counts = [
        report.vms.len(),
        report.publications.len(),
        report.replicas.len(),
        report.hosts.len(),
        report.operations.len(),
        report.working_copies.len(),
        report.unassigned.len(),
        report.replicas.iter().map(|replica| replica.sources.len()).sum(),
    ];
    if counts.iter().any(|count| *count > ITEMS_MAX) || report.addresses.len() > ADDRESSES_MAX {
        return Err(Refused::malformed("the report has more items than are taken"));
    }
    let crowded = |host: &HostReport| {
        let users = host.users.as_deref().unwrap_or_default();
        users.len() > USERS_MAX
            || users.iter().any(|user| user.len() > USER_LENGTH_MAX)
            || host.set_aside.len() > SET_ASIDE_MAX
    };
    if let Some(host) = report.hosts.iter().find(|host| crowded(host)) {
        return Err(Refused::malformed(format!("the report of host {} is larger than is taken", host.id)));
    }
    let odd = |address: &&String| {
        let port = address.rsplit_once(':').map(|(host, port)| (host.is_empty(), port.parse::<u16>()));
        address.len() > ADDRESS_LENGTH_MAX || !matches!(port, Some((false, Ok(_))))
    };
    if let Some(address) = report.addresses.iter().find(odd) {
        let shown: String = address.chars().take(80).collect();
        return Err(Refused::malformed(format!(
            "`{}` is no address of the form host:port",
            shown.escape_debug()
        )));
    }
    Ok(())
}
