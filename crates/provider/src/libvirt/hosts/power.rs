//! Starts, stops and deletes hosts; touches no machine that does not carry the mark.

use super::mark;
use crate::{
    capability::Stop,
    layout,
    libvirt::{
        Libvirt, files, inspect,
        session::{ASK_DEADLINE, POWER_DEADLINE, WORK_DEADLINE},
    },
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::HostId,
    provider::Power,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use virt::{
    domain::Domain,
    error::{Error, ErrorNumber},
    sys,
};

/// How often a guest that was asked to shut down is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A guest that is still starting does not hear the first ask.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// A host's machine as it stands, if it is there.
struct Standing {
    power: Power,
    marked: bool,
}

impl Libvirt {
    async fn standing(&self, host: HostId, code: Code) -> Result<Option<Standing>, Problem> {
        let whose = format!("the host {host}");
        let uuid = host.as_uuid();
        let asked = self.session.call("looking up the host", ASK_DEADLINE, move |connection| {
            let domain = match Domain::lookup_by_uuid(connection, uuid) {
                Err(error) if error.code() == ErrorNumber::NoDomain => return Ok(None),
                found => found?,
            };
            Ok(Some((inspect::state(&domain)?.power, domain.get_xml_desc(0)?)))
        });
        let found = asked.await.map_err(|error| error.problem(code, &whose))?;
        Ok(found.map(|(power, xml)| {
            let mark = Element::parse(&xml).ok().and_then(|tree| mark::read(&tree));
            Standing { power, marked: mark.is_some_and(|mark| mark.id == host) }
        }))
    }

    /// The host's power, or why it may not be touched.
    async fn ours(&self, host: HostId, code: Code) -> Result<Power, Problem> {
        match self.standing(host, code).await? {
            Some(standing) if standing.marked => Ok(standing.power),
            Some(_) => Err(not_ours(host, code)),
            None => Err(Problem::new(Code::H0005, format!("the host {host} is not defined here"))),
        }
    }

    pub(in crate::libvirt) async fn power_on(&self, host: HostId) -> Result<(), Problem> {
        match self.ours(host, Code::H0002).await? {
            Power::Running => return Ok(()),
            Power::Paused => {
                return self.act(host, Code::H0002, "resuming the host", |d| d.resume().map(drop)).await;
            }
            Power::Off | Power::Crashed => (),
        }
        let started =
            self.act(host, Code::H0002, "starting the host", |domain| domain.create().map(drop)).await;
        match started {
            // Somebody else was faster, or an earlier call's answer came too late.
            Err(_) if self.ours(host, Code::H0002).await? == Power::Running => Ok(()),
            other => other,
        }
    }

    pub(in crate::libvirt) async fn power_off(&self, host: HostId, how: Stop) -> Result<(), Problem> {
        if is_off(self.ours(host, Code::H0003).await?) {
            return Ok(());
        }
        let Stop::Politely { deadline } = how else { return self.pull_plug(host).await };
        let until = Instant::now() + deadline;
        let mut asked = None::<Instant>;
        let mut refusal = None;
        loop {
            if asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN) {
                asked = Some(Instant::now());
                let ask = |domain: &Domain| domain.shutdown().map(drop);
                // A guest whose agent is just starting refuses; the next ask may do.
                refusal = self.act(host, Code::H0003, "asking the host to shut down", ask).await.err();
            }
            if is_off(self.ours(host, Code::H0003).await?) {
                return Ok(());
            }
            if Instant::now() >= until {
                let cause = format!(
                    "the host {host} was asked to shut down and still runs after {} s",
                    deadline.as_secs()
                );
                return Err(refusal.unwrap_or_else(|| Problem::new(Code::H0003, cause)));
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    async fn pull_plug(&self, host: HostId) -> Result<(), Problem> {
        let pulled = self.act(host, Code::H0003, "stopping the host", Domain::destroy).await;
        match pulled {
            Err(_) if is_off(self.ours(host, Code::H0003).await?) => Ok(()),
            other => other,
        }
    }

    pub(in crate::libvirt) async fn remove_host(&self, pool: &str, host: HostId) -> Result<(), Problem> {
        // Before anything is removed: without the pool, files would be left behind for good.
        let storage = self.prepare_storage(pool).await?;
        match self.standing(host, Code::H0004).await? {
            Some(standing) if !standing.marked => return Err(not_ours(host, Code::H0004)),
            Some(standing) => {
                if !is_off(standing.power) {
                    self.pull_plug(host).await?;
                }
                let all = sys::VIR_DOMAIN_UNDEFINE_NVRAM
                    | sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                    | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                    | sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
                let undefine = move |domain: &Domain| domain.undefine_flags(all);
                self.act(host, Code::H0004, "undefining the host", undefine).await?;
            }
            None => (),
        }
        let dir = layout::host_dir(&storage, host);
        let removed =
            tokio::task::spawn_blocking(move || files::remove_dir(&dir).map_err(|error| (dir, error)));
        match removed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((dir, error))) => Err(Problem::new(Code::H0004, format!("{}: {error}", dir.display()))),
            Err(error) => Err(Problem::new(Code::H0004, format!("the host {host}: {error}"))),
        }
    }

    /// Does something to a host's machine. One that is gone meanwhile is left to the caller's look.
    async fn act(
        &self,
        host: HostId,
        code: Code,
        doing: &'static str,
        act: impl Fn(&Domain) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Problem> {
        let uuid = host.as_uuid();
        let deadline = if code == Code::H0004 { WORK_DEADLINE } else { POWER_DEADLINE };
        let asked = self
            .session
            .call(doing, deadline, move |connection| act(&Domain::lookup_by_uuid(connection, uuid)?));
        asked.await.map_err(|error| error.problem(code, &format!("the host {host}")))
    }
}

fn is_off(power: Power) -> bool {
    matches!(power, Power::Off | Power::Crashed)
}

fn not_ours(host: HostId, code: Code) -> Problem {
    Problem::new(code, format!("the machine {host} does not carry Diecast's mark"))
}
