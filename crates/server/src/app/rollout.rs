//! What becomes of hosts when another version becomes current: said by whoever leaves maintenance or
//! activates a version, and shown before it is done.

use crate::{
    app::{
        hosts::view::users_on,
        plans,
        refused::Refused,
        terms::{self, if_unavailable, to_come},
    },
    picture::Picture,
};
use diecast_api::{
    operator::{recreation::TermsBody, template::PlanView},
    time::rfc3339,
};
use diecast_domain::{
    host::Host,
    maintenance::{IfUnavailable, RecreateWish},
    recreation::Terms,
    units::Timestamp,
};

/// How hosts are to follow.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) when: RecreateWish,
    pub(crate) if_unavailable: IfUnavailable,
    pub(crate) terms: Terms,
}

impl Rollout {
    pub(crate) fn parse(
        when: Option<&str>,
        unavailable: Option<&str>,
        terms: &TermsBody,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        Ok(Self {
            when: recreate(when, now)?,
            if_unavailable: if_unavailable(unavailable)?,
            terms: terms::parse(terms, now)?,
        })
    }

    /// Adds to `plan` what becomes of `hosts`, which are to follow to `version`.
    pub(crate) fn tell(&self, picture: &Picture, hosts: &[&Host], version: &str, plan: &mut PlanView) {
        if hosts.is_empty() {
            return;
        }
        let count = plans::counted(hosts.len(), "host");
        // Which hosts fall behind, and who is on them, is to be known too if they are left as they are.
        plan.hosts = hosts.iter().map(|host| host.name.to_string()).collect();
        plan.users = users_on(picture, hosts.iter().copied());
        plan.blockers.extend(plans::silent(picture, hosts.iter().map(|host| host.provider)));
        let when = match self.when {
            RecreateWish::Later => {
                let (are, them) = if hosts.len() == 1 { ("it is", "it") } else { ("they are", "them") };
                plan.steps.push(format!(
                    "leave {count} as {are}, outdated, until somebody recreates {them} (`diecast host recreate --outdated`)"
                ));
                return;
            }
            RecreateWish::Now => String::new(),
            RecreateWish::At(at) => format!(", at {}", rfc3339(at)),
        };
        let waves = terms::body(&self.terms).waves.unwrap_or_default();
        let in_use = match self.terms.deadline {
            None => "those in use when they are free".to_owned(),
            Some(deadline) => format!("those in use at {} at the latest", rfc3339(deadline)),
        };
        plan.steps.push(format!("recreate {count} on {version}{when}, in waves of {waves}; {in_use}"));
    }
}

/// `now`, `later`, or a time that is still to come. Left out: later.
pub(crate) fn recreate(asked: Option<&str>, now: Timestamp) -> Result<RecreateWish, Refused> {
    match asked {
        None | Some("later") => Ok(RecreateWish::Later),
        Some("now") => Ok(RecreateWish::Now),
        Some(time) => to_come("recreate", time, now).map(RecreateWish::At),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_recreated_now_later_or_at_a_time_to_come() {
        let now = Timestamp(1_800_000_000_000);
        assert_eq!(recreate(None, now).unwrap(), RecreateWish::Later);
        assert_eq!(recreate(Some("now"), now).unwrap(), RecreateWish::Now);
        let at = recreate(Some("2030-01-31T22:00:00+02:00"), now).unwrap();
        assert_eq!(at, RecreateWish::At(Timestamp(1_896_120_000_000)));
        for bad in ["2001-01-01T00:00:00Z", "soon", "", "Now"] {
            assert!(recreate(Some(bad), now).is_err(), "{bad}");
        }
    }
}
