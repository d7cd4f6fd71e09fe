//! What is taken out before anything is written: secrets by the name they stand under and by how they look,
//! and addresses if that is wanted.
//!
//! It rather takes out too much: a word too many costs a question, a secret too many costs a house.

use regex::{Captures, Regex};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

/// What stands where a secret stood.
pub const REMOVED: &str = "[removed]";

/// Parts of names under which secrets stand.
const SECRET_NAMES: &str = "authorization|cookie|credential|passphrase|password|passwd|private_?key|secret|\
                            token|unattend|user[_-]?data";
/// Ends of names that stand for something else: where it is kept, when it ends, how often it was used.
const HARMLESS_ENDS: [&str; 6] = ["_file", "-file", "_at", "_from", "_dir", "_name"];

/// Takes out secrets. The same address gets the same stand-in wherever it occurs, so that what belongs together
/// still does.
#[derive(Debug)]
pub struct Redactor {
    addresses: bool,
    stand_ins: BTreeMap<String, String>,
    patterns: Patterns,
}

#[derive(Debug)]
struct Patterns {
    secret_name: Regex,
    key_block: Regex,
    token: Regex,
    bearer: Regex,
    user_of_url: Regex,
    named: Regex,
    address: Regex,
}

impl Patterns {
    fn new() -> Self {
        let pattern = |text: &str| Regex::new(text).expect("the pattern is this program's own, and tested");
        let name = format!(r"[\w.-]*(?:{SECRET_NAMES})[\w.-]*");
        // A value in quotes, in quotes within quotes, or a word; after `=` or `:`.
        let value = r#"\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}\])"']+"#;
        Self {
            secret_name: pattern(&format!("(?i){SECRET_NAMES}")),
            key_block: pattern(
                r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
            ),
            token: pattern(r"\bdc[a-z]_[A-Za-z0-9_-]{8,}|AGE-SECRET-KEY-[0-9A-Za-z-]+"),
            bearer: pattern(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"),
            user_of_url: pattern(r#"://[^/\s@"']+@"#),
            named: pattern(&format!(
                r#"(?i)\b({name})(\\?["']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?(?:{value})"#
            )),
            address: pattern(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"),
        }
    }
}

impl Redactor {
    /// `addresses`: also those of networks and machines.
    pub fn new(addresses: bool) -> Self {
        Self { addresses, stand_ins: BTreeMap::new(), patterns: Patterns::new() }
    }

    /// A document, by the names in it and the texts in it.
    pub fn json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        // Numbers and yes or no, such as `has_password`, are no secrets.
                        Value::Null | Value::Bool(_) | Value::Number(_) => {}
                        Value::String(_) if self.is_secret(name) => *value = REMOVED.into(),
                        value => self.json(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn is_secret(&self, name: &str) -> bool {
        self.patterns.secret_name.is_match(name) && !is_harmless(name)
    }

    /// A text: a log, a file of settings, what a program said.
    pub fn text(&mut self, text: &str) -> String {
        let Patterns { key_block, token, bearer, user_of_url, named, address, .. } = &self.patterns;
        let text = key_block.replace_all(text, REMOVED);
        let text = token.replace_all(&text, REMOVED);
        let text = user_of_url.replace_all(&text, format!("://{REMOVED}@"));
        let text = named.replace_all(&text, |found: &Captures<'_>| match &found[1] {
            name if is_harmless(name) => found[0].to_owned(),
            name => format!("{name}{}{REMOVED}", &found[2]),
        });
        let text = bearer.replace_all(&text, format!("$1 {REMOVED}"));
        if !self.addresses {
            return text.into_owned();
        }
        let stand_ins = &mut self.stand_ins;
        let text = address.replace_all(&text, |found: &Captures<'_>| {
            let found = &found[0];
            if !is_address(found) {
                return found.to_owned();
            }
            let number = stand_ins.len() + 1;
            stand_ins.entry(found.to_owned()).or_insert_with(|| format!("address-{number}")).clone()
        });
        text.into_owned()
    }
}

fn is_harmless(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

/// An address that says where something is. Of this machine itself every machine has the same.
fn is_address(text: &str) -> bool {
    let of_a_card = text.len() == 17 && text.split(':').all(|part| part.len() == 2);
    let ours = |it: IpAddr| it.is_loopback() || it.is_unspecified() || it == IpAddr::V4(Ipv4Addr::BROADCAST);
    of_a_card || text.parse::<IpAddr>().is_ok_and(|it| !ours(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn secrets_go_by_their_names_and_by_their_looks() {
        let mut redactor = Redactor::new(false);
        for (said, left) in [
            ("password=geheim next", "password=[removed] next"),
            ("smtp_password: \"a b\" next", "smtp_password: [removed] next"),
            (r#"{"token":"geheim","a":1}"#, r#"{"token":[removed],"a":1}"#),
            (r#"said {\"secret\":\"geheim\",\"a\":1}"#, r#"said {\"secret\":[removed],\"a\":1}"#),
            ("Authorization: Bearer abcd", "Authorization: [removed]"),
            ("it says bearer abcdefghijklmnop.", "it says bearer [removed]"),
            ("dcs_0123456789 dct_abcdefghij", "[removed] [removed]"),
            ("https://admin:geheim@example/x", "https://[removed]@example/x"),
            ("--token geheim", "--token geheim"),
            ("the request carries no bearer token", "the request carries no bearer token"),
            ("password_file=/etc/x 10.0.0.1", "password_file=/etc/x 10.0.0.1"),
            ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nx", "[removed]\nx"),
            ("-----BEGIN EC PRIVATE KEY-----\\nabc", "[removed]"),
            ("AGE-SECRET-KEY-1ABC", "[removed]"),
        ] {
            assert_eq!(redactor.text(said), left);
        }
    }

    #[test]
    fn a_document_keeps_its_form() {
        let mut value = json!({
            "name": "kvm-a", "token": "geheim", "has_password": true, "tokens": [{"name": "x"}],
            "setup": {"user_data": "#cloud-config", "note": "password=geheim"}, "last_used_from": "10.0.0.7",
        });
        Redactor::new(false).json(&mut value);
        let left = json!({
            "name": "kvm-a", "token": REMOVED, "has_password": true, "tokens": [{"name": "x"}],
            "setup": {"user_data": REMOVED, "note": "password=[removed]"}, "last_used_from": "10.0.0.7",
        });
        assert_eq!(value, left);
    }

    #[test]
    fn an_address_has_one_stand_in_everywhere() {
        let mut redactor = Redactor::new(true);
        let said = "10.1.2.3:7443 and 10.1.2.3, fe80::1%eth0, 52:54:00:aa:bb:cc; 127.0.0.1:80 [::1] 02:26:00";
        let left = "address-1:7443 and address-1, address-2%eth0, address-3; 127.0.0.1:80 [::1] 02:26:00";
        assert_eq!(redactor.text(said), left);
        assert_eq!(redactor.text("from 52:54:00:aa:bb:cc"), "from address-3");
    }

    proptest! {
        #[test]
        fn no_token_survives_wherever_it_stands(before in ".{0,40}", secret in "[A-Za-z0-9_-]{43}", after in ".{0,40}") {
            let said = format!("{before} dct_{secret} {after}");
            thread_local!(static REDACTOR: std::cell::RefCell<Redactor> = Redactor::new(true).into());
            let left = REDACTOR.with_borrow_mut(|redactor| redactor.text(&said));
            prop_assert!(!left.contains(&secret));
        }
    }
}
