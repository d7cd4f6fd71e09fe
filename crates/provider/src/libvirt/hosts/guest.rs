//! What a guest says of itself, through its agent. The answers are the guest's: they are bounded
//! and only shown.

use serde::Deserialize;
use std::net::IpAddr;

/// How long one question may take: an agent that answers does so in milliseconds, an emulated one
/// on a busy provider in a second.
pub const QUESTION_SECONDS: i32 = 3;
/// The most that is shown of what a guest says.
const NAME_CHARS_MAX: usize = 253;
const ADDRESSES_MAX: usize = 16;

pub const ASK_NAME: &str = r#"{"execute":"guest-get-host-name"}"#;
pub const ASK_ADDRESSES: &str = r#"{"execute":"guest-network-get-interfaces"}"#;

#[derive(Deserialize)]
struct Answer<T> {
    #[serde(rename = "return")]
    value: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct HostName {
    host_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Interface {
    #[serde(default)]
    ip_addresses: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Address {
    ip_address: String,
}

pub fn name(answer: &str) -> Option<String> {
    let answer: Answer<HostName> = serde_json::from_str(answer).ok()?;
    let name: String =
        answer.value.host_name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    (!name.is_empty()).then_some(name)
}

pub fn addresses(answer: &str) -> Option<Vec<String>> {
    let answer: Answer<Vec<Interface>> = serde_json::from_str(answer).ok()?;
    let all = answer.value.into_iter().flat_map(|interface| interface.ip_addresses);
    Some(reachable(all.map(|address| address.ip_address)))
}

/// Addresses by which others can reach the guest, IPv4 first.
pub fn reachable(addresses: impl Iterator<Item = String>) -> Vec<String> {
    let parsed = addresses.filter_map(|text| text.parse::<IpAddr>().ok());
    let mut found: Vec<IpAddr> = parsed.filter(|address| !local(address)).collect();
    found.sort();
    found.dedup();
    found.truncate(ADDRESSES_MAX);
    found.iter().map(ToString::to_string).collect()
}

fn local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_believed_only_what_makes_sense() {
        assert_eq!(name(r#"{"return":{"host-name":"desk-001"}}"#).as_deref(), Some("desk-001"));
        assert_eq!(name(r#"{"return":{"host-name":"\u0000\n"}}"#), None);
        assert_eq!(name(r#"{"return":[]}"#), None);
        let said = r#"{"return":[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1"}]},
            {"name":"eth0","ip-addresses":[{"ip-address":"fe80::1"},{"ip-address":"10.0.0.7"},
            {"ip-address":"<script>"}]},{"name":"x"}]}"#;
        assert_eq!(addresses(said), Some(vec!["10.0.0.7".to_owned()]));
    }
}
