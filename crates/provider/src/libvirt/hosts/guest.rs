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
const USERS_MAX: usize = 64;

pub const ASK_NAME: &str = r#"{"execute":"guest-get-host-name"}"#;
pub const ASK_ADDRESSES: &str = r#"{"execute":"guest-network-get-interfaces"}"#;
pub const ASK_USERS: &str = r#"{"execute":"guest-get-users"}"#;

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

#[derive(Deserialize)]
struct User {
    user: String,
    /// Only Windows has one.
    domain: Option<String>,
}

pub fn name(answer: &str) -> Option<String> {
    let answer: Answer<HostName> = serde_json::from_str(answer).ok()?;
    shown(&answer.value.host_name)
}

/// Who is logged in, each once. Nobody is an answer; what makes no sense is none.
pub fn users(answer: &str) -> Option<Vec<String>> {
    let answer: Answer<Vec<User>> = serde_json::from_str(answer).ok()?;
    let mut users = Vec::new();
    for User { user, domain } in answer.value {
        let user = match domain.filter(|domain| !domain.is_empty()) {
            Some(domain) => format!("{domain}\\{user}"),
            None => user,
        };
        // Somebody without a name is somebody.
        let user = shown(&user).unwrap_or_else(|| "?".to_owned());
        if !users.contains(&user) && users.len() < USERS_MAX {
            users.push(user);
        }
    }
    Some(users)
}

fn shown(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
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

    #[test]
    fn nobody_logged_in_and_no_answer_are_told_apart() {
        assert_eq!(users(r#"{"return":[]}"#), Some(Vec::new()));
        for none in ["", "{}", r#"{"error":{"class":"CommandNotFound"}}"#, r#"{"return":[{}]}"#] {
            assert_eq!(users(none), None, "{none}");
        }
        let said = r#"{"return":[{"login-time":1.5,"user":"ann"},{"login-time":2,"user":"ann"},
            {"login-time":3,"domain":"CORP","user":"b\nob"},{"login-time":4,"user":""}]}"#;
        assert_eq!(users(said).unwrap(), ["ann", "CORP\\bob", "?"]);
        let many: Vec<_> = (0..999).map(|n| format!("{{\"user\":\"u{n}\"}}")).collect();
        assert_eq!(users(&format!("{{\"return\":[{}]}}", many.join(","))).unwrap().len(), USERS_MAX);
    }
}
