//! Where a machine's screen can be seen.

use super::mark;
use crate::{
    libvirt::{Libvirt, session::ASK_DEADLINE},
    xml::Element,
};
use diecast_domain::code::{Code, Problem};
use std::path::PathBuf;
use uuid::Uuid;
use virt::domain::Domain;

impl Libvirt {
    pub(in crate::libvirt) async fn screen_of(&self, machine: Uuid) -> Result<PathBuf, Problem> {
        let whose = format!("the machine {machine}");
        let asked = self.session.call("looking for the screen", ASK_DEADLINE, move |connection| {
            let domain = Domain::lookup_by_uuid(connection, machine)?;
            Ok((domain.is_active()?, domain.get_xml_desc(0)?))
        });
        let (active, xml) = asked.await.map_err(|error| error.problem(Code::M0008, &whose))?;
        let refuse = |what: &str| Err(Problem::new(Code::M0008, format!("{whose} {what}")));
        let domain = Element::parse(&xml).unwrap_or_default();
        // Anybody else's screen is none of our business.
        if mark::read(&domain).is_none_or(|mark| mark.id != machine) {
            return refuse("does not carry Diecast's mark");
        }
        match socket(&domain) {
            _ if !active => refuse("is off"),
            Some(socket) => Ok(socket),
            None => refuse("has no screen on a Unix socket"),
        }
    }
}

/// Only a machine that runs has one: libvirt chooses it at each start.
pub fn socket(domain: &Element) -> Option<PathBuf> {
    let screens = domain.all("devices/graphics").into_iter();
    let mut screens = screens.filter(|graphics| graphics.get("type") == Some("vnc"));
    screens.find_map(|graphics| {
        let listens = graphics.all("listen").into_iter().filter_map(|listen| listen.get("socket"));
        graphics.get("socket").or_else(|| listens.into_iter().next()).map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_found_on_its_socket_and_never_on_a_port() {
        let look = |graphics: &str| {
            let text = format!("<domain><devices>{graphics}</devices></domain>");
            socket(&Element::parse(&text).unwrap())
        };
        let running = "<graphics type='spice' socket='/x'/>
            <graphics type='vnc' socket='/run/vnc.sock'><listen type='socket' socket='/run/vnc.sock'/></graphics>";
        assert_eq!(look(running), Some(PathBuf::from("/run/vnc.sock")));
        let listens = "<graphics type='vnc'><listen type='socket' socket='/run/2'/></graphics>";
        assert_eq!(look(listens), Some(PathBuf::from("/run/2")));
        assert_eq!(look("<graphics type='vnc'><listen type='socket'/></graphics>"), None, "it is off");
        assert_eq!(look("<graphics type='vnc' port='5900'><listen type='address'/></graphics>"), None);
    }
}
