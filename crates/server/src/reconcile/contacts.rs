//! Whether agents answer: a change of state is remembered, and said.

use super::Pass;
use crate::picture::Picture;
use diecast_domain::{code::Code, provider::ProviderState};
use diecast_store::{Change, Contact, NewEvent, StoreError};

pub(super) async fn reconcile(
    change: &mut Change,
    picture: &Picture,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    for (id, there) in &picture.world.providers {
        let Some(contact) = picture.contacts.get(id) else { continue };
        if contact.state == there.state {
            continue;
        }
        change.put_contact(&Contact { state: there.state, since: picture.now, ..contact.clone() }).await?;
        pass.dirty = true;
        let name = &there.name;
        let (kind, message, code) = match there.state {
            ProviderState::Available if contact.state == ProviderState::AwaitingAgent => {
                ("provider.joined", format!("{name} has joined"), None)
            }
            ProviderState::Available => ("provider.back", format!("{name} answers again"), None),
            ProviderState::HypervisorSilent => {
                let message = format!("the hypervisor of {name} does not answer its agent");
                ("provider.hypervisor-silent", message, Some(Code::P0002))
            }
            ProviderState::NotAvailable => {
                ("provider.lost", format!("{name} has stopped answering"), Some(Code::P0001))
            }
            ProviderState::AwaitingAgent => {
                ("provider.awaiting-agent", format!("{name} waits for its agent"), None)
            }
        };
        pass.events.push(NewEvent {
            at: picture.now,
            kind: kind.to_owned(),
            object: "provider".to_owned(),
            name: name.to_string(),
            actor: super::events::ACTOR.to_owned(),
            message,
            code,
        });
    }
    Ok(())
}
