//! Bundles: an operator's end and an agent's end, and between them what the server makes of it.
//!
//! The bytes only pass through. Of an export the server knows the history, and who holds the version; of an
//! import it reads the head, asks whether the template may have such a version, and writes that down when its
//! agent holds it, verified: nothing half done is ever known of.

mod export;
mod import;

use crate::{
    app::{App, agents::agent, cx::Cx, refused::Refused},
    relay::{End, Near, NotYours, Relays},
};
use bytes::Bytes;
use diecast_api::bundle::Word;
use diecast_domain::{
    bundle::{BundleAct, BundleOrder},
    code::{Code, Problem},
    ids::{BundleId, ProviderId},
    names::ProviderName,
};
use std::{collections::BTreeMap, time::Duration};

/// Bundles of one provider at a time: more would only share its disk.
const BUNDLES_MAX: usize = 4;
/// How long an agent may take to dial in: it is told at once, and dials at once, unless it works on the
/// same version just now.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// Bundles that are carried now, each with what its agent is told to do.
pub(crate) type Bundles = Relays<BundleAct, Said>;

/// What passes from one end to the other.
#[derive(Debug)]
pub(crate) enum Said {
    Bytes(Bytes),
    Word(Word),
}

pub(crate) fn none() -> Bundles {
    Relays::none(BUNDLES_MAX)
}

/// What agents are told.
pub(crate) fn orders(bundles: &Bundles) -> BTreeMap<ProviderId, Vec<BundleOrder>> {
    bundles.orders(|id, act| BundleOrder { id: BundleId::from_uuid(id), act: act.clone() })
}

impl App {
    /// Hands an agent its end of a bundle that its orders name.
    pub(crate) fn answer_bundle(&self, cx: &Cx, id: BundleId) -> Result<End<Said>, Refused> {
        let provider = agent(cx)?;
        self.live().bundles.answer(id.as_uuid(), provider).map_err(|not| match not {
            NotYours::Unknown => Refused::new(Code::A0004, format!("nobody carries bundle {id}")),
            NotYours::OfAnotherProvider => {
                Refused::new(Code::A0003, format!("bundle {id} is of another provider"))
            }
            NotYours::Taken => Refused::new(Code::A0010, format!("bundle {id} is carried already")),
        })
    }

    /// Has an agent carry a bundle. Its orders say so until what is given back is dropped.
    fn open_bundle(
        &self,
        provider: ProviderId,
        name: &ProviderName,
        act: BundleAct,
    ) -> Result<Near<BundleAct, Said>, Problem> {
        let near = self.live().bundles.open(provider, act).ok_or_else(|| {
            let cause = format!("{name} carries {BUNDLES_MAX} bundles already");
            Problem::new(Code::A0010, cause).with_hint("wait until one of them is done")
        })?;
        self.nudge();
        Ok(near)
    }
}

/// Waits until the agent has dialled in.
async fn answered(near: &mut Near<BundleAct, Said>, name: &ProviderName) -> Result<(), Problem> {
    match tokio::time::timeout(ANSWER_PATIENCE, &mut near.answered).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => {
            let seconds = ANSWER_PATIENCE.as_secs();
            let cause = format!("{name} did not begin to carry the bundle in {seconds} seconds");
            Err(Problem::new(Code::P0001, cause))
        }
    }
}

fn broke_off(what: &str) -> Problem {
    Problem::new(Code::T0024, format!("{what} was cut off before the bundle was done"))
}
