//! Starts and stops machines of Diecast's, and takes them out of the hypervisor; touches no machine
//! that does not carry the mark.

use super::mark::{self, Mark};
use crate::{
    capability::Stop,
    libvirt::{
        Libvirt,
        inspect::{self, MachineState},
        managed::Managed,
        session::{ASK_DEADLINE, CallError, POWER_DEADLINE, WORK_DEADLINE},
    },
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::MaintenanceId,
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
/// What a definition leaves behind in libvirt's own directories goes with it, a TPM's state too.
const UNDEFINE: u32 = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;

/// A machine as it stands, if it is there.
pub struct Standing {
    pub state: MachineState,
    pub mark: Mark,
}

impl Standing {
    pub fn is_off(&self) -> bool {
        is_off(self.state.power)
    }
}

/// What becomes of the firmware's variables when a machine is undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nvram {
    Keep,
    Delete,
}

impl Libvirt {
    /// None if the hypervisor does not know it; refuses a machine that is not ours.
    pub(in crate::libvirt) async fn standing(
        &self,
        managed: Managed,
        code: Code,
    ) -> Result<Option<Standing>, Problem> {
        let uuid = managed.uuid();
        let asked = self.session.call("looking up the machine", ASK_DEADLINE, move |connection| {
            let domain = match Domain::lookup_by_uuid(connection, uuid) {
                Err(error) if error.code() == ErrorNumber::NoDomain => return Ok(None),
                found => found?,
            };
            Ok(Some((inspect::state(&domain)?, domain.get_xml_desc(0)?)))
        });
        let found = match asked.await {
            // It went in the middle of the look.
            Err(error) if error.is_missing() => return Ok(None),
            answer => answer.map_err(|error| error.problem(code, &managed.to_string()))?,
        };
        let Some((state, xml)) = found else { return Ok(None) };
        let mark = Element::parse(&xml).ok().and_then(|tree| mark::read(&tree));
        match mark.filter(|mark| mark.is_of(managed)) {
            Some(mark) => Ok(Some(Standing { state, mark })),
            None => {
                let cause = format!("the machine {uuid} does not carry Diecast's mark of {managed}");
                Err(Problem::new(code, cause))
            }
        }
    }

    /// The machine's power, or why it may not be touched.
    async fn ours(&self, managed: Managed, code: Code) -> Result<Power, Problem> {
        match self.standing(managed, code).await? {
            Some(standing) => Ok(standing.state.power),
            None => Err(Problem::new(managed.gone(), format!("{managed} is not defined here"))),
        }
    }

    pub(in crate::libvirt) async fn power_on(&self, managed: Managed) -> Result<(), Problem> {
        let code = managed.starting();
        match self.ours(managed, code).await? {
            Power::Running => return Ok(()),
            Power::Paused => {
                return self.act(managed, code, "resuming the machine", |d| d.resume().map(drop)).await;
            }
            Power::Off | Power::Crashed => (),
        }
        let start = |domain: &Domain| domain.create().map(drop);
        match self.act(managed, code, "starting the machine", start).await {
            // Somebody else was faster, or an earlier call's answer came too late.
            Err(_) if self.ours(managed, code).await? == Power::Running => Ok(()),
            other => other,
        }
    }

    pub(in crate::libvirt) async fn power_off(&self, managed: Managed, how: Stop) -> Result<(), Problem> {
        let code = managed.stopping();
        if is_off(self.ours(managed, code).await?) {
            return Ok(());
        }
        let Stop::Politely { deadline } = how else { return self.pull_plug(managed).await };
        let until = Instant::now() + deadline;
        let mut asked = None::<Instant>;
        let mut refusal = None;
        loop {
            if asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN) {
                asked = Some(Instant::now());
                let ask = |domain: &Domain| domain.shutdown().map(drop);
                // A guest whose agent is just starting refuses; the next ask may do.
                refusal = self.act(managed, code, "asking the guest to shut down", ask).await.err();
            }
            if is_off(self.ours(managed, code).await?) {
                return Ok(());
            }
            if Instant::now() >= until {
                let seconds = deadline.as_secs();
                let cause = format!("{managed} was asked to shut down and still runs after {seconds} s");
                let cause = match refusal {
                    Some(refusal) => {
                        let named = format!("{managed}: ");
                        format!("{cause}: {}", refusal.cause.strip_prefix(&named).unwrap_or(&refusal.cause))
                    }
                    None => cause,
                };
                return Err(Problem::new(managed.stays_up(), cause));
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// A working copy whose machine is gone has nothing left to stop.
    pub(in crate::libvirt) async fn stop_work(&self, id: MaintenanceId, how: Stop) -> Result<(), Problem> {
        let copy = Managed::WorkingCopy(id);
        match self.power_off(copy, how).await {
            Err(problem) if problem.code == copy.gone() => Ok(()),
            other => other,
        }
    }

    async fn pull_plug(&self, managed: Managed) -> Result<(), Problem> {
        let code = managed.stopping();
        let pulled = self.act(managed, code, "stopping the machine", Domain::destroy).await;
        match pulled {
            Err(_) if self.standing(managed, code).await?.is_none_or(|standing| standing.is_off()) => Ok(()),
            other => other,
        }
    }

    /// Stops the machine if it runs, and undefines it. One that is not there is gone already.
    pub(in crate::libvirt) async fn take_out(&self, managed: Managed, nvram: Nvram) -> Result<(), Problem> {
        let code = managed.removing();
        let Some(standing) = self.standing(managed, code).await? else { return Ok(()) };
        if !standing.is_off() {
            self.pull_plug(managed).await?;
        }
        let flags = UNDEFINE
            | match nvram {
                Nvram::Keep => sys::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
                Nvram::Delete => sys::VIR_DOMAIN_UNDEFINE_NVRAM,
            };
        let undefine = move |domain: &Domain| domain.undefine_flags(flags);
        match self.call(managed, WORK_DEADLINE, "undefining the machine", undefine).await {
            Ok(()) => Ok(()),
            // One without a definition goes as it stops.
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error.problem(code, &managed.to_string())),
        }
    }

    /// Does something to a machine. One that is gone meanwhile is left to the caller's look.
    async fn act(
        &self,
        managed: Managed,
        code: Code,
        doing: &'static str,
        act: impl Fn(&Domain) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Problem> {
        let acted = self.call(managed, POWER_DEADLINE, doing, act).await;
        acted.map_err(|error| error.problem(code, &managed.to_string()))
    }

    async fn call(
        &self,
        managed: Managed,
        deadline: Duration,
        doing: &'static str,
        act: impl Fn(&Domain) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), CallError> {
        let uuid = managed.uuid();
        let act = move |connection: &virt::connect::Connect| act(&Domain::lookup_by_uuid(connection, uuid)?);
        self.session.call(doing, deadline, act).await
    }
}

fn is_off(power: Power) -> bool {
    matches!(power, Power::Off | Power::Crashed)
}
