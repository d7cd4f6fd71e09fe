//! What is not well in a heap of documents: everything that carries a code, with whose it is.

use serde_json::Value;
use std::collections::BTreeSet;

/// A line for each thing that is not well, with what to do about it.
pub(crate) fn remarks(states: &[(String, Value)]) -> String {
    let mut found = BTreeSet::new();
    for (name, value) in states {
        gather(&mut found, name, "", value);
    }
    found.extend(releases(states));
    if found.is_empty() {
        return "Nothing that is not well was found.\n".to_owned();
    }
    found.into_iter().collect()
}

/// Whatever has a code and a cause is a problem, whichever document it stands in.
fn gather(found: &mut BTreeSet<String>, place: &str, whose: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(found, place, whose, item)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            let whose = text("name").or(text("provider")).or(text("template")).unwrap_or(whose);
            if let (Some(code), Some(cause)) = (text("code"), text("cause")) {
                let hint = text("hint").map(|hint| format!("\n    {hint}")).unwrap_or_default();
                found.insert(format!("{place}: {whose}: {code} {cause}{hint}\n"));
            }
            fields.values().for_each(|value| gather(found, place, whose, value));
        }
        _ => {}
    }
}

/// Agents of another release than the server's.
fn releases(states: &[(String, Value)]) -> Vec<String> {
    let document = |name: &str| states.iter().find(|(there, _)| there == name).map(|(_, value)| value);
    let server = document("session").and_then(|session| session["server_version"].as_str());
    let providers = document("providers").and_then(|list| list["items"].as_array());
    let (Some(server), Some(providers)) = (server, providers) else { return Vec::new() };
    let others = providers.iter().filter_map(|provider| {
        let agent = provider["agent_version"].as_str().filter(|agent| *agent != server)?;
        let name = provider["name"].as_str()?;
        Some(format!("providers: {name}: its agent is of release {agent}, the server of {server}\n"))
    });
    others.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_carries_a_code_is_told_with_whose_it_is_and_what_to_do() {
        let problem = json!({"code": "P0001", "cause": "kvm-b does not answer", "hint": "look at it"});
        let states = [
            ("session".to_owned(), json!({"user": "admin", "server_version": "0.2.0"})),
            (
                "providers".to_owned(),
                json!({"items": [
                    {"name": "kvm-a", "agent_version": "0.1.0", "problem": null},
                    {"name": "kvm-b", "agent_version": "0.2.0", "problem": problem},
                ]}),
            ),
            (
                "templates/win11/distribution".to_owned(),
                json!({"template": "win11", "providers": [
                    {"provider": "kvm-b", "code": "T0003", "cause": "the disk is full", "hint": "make room"},
                    {"provider": "kvm-a", "code": null, "cause": null, "hint": null},
                ]}),
            ),
        ];
        insta::assert_snapshot!(remarks(&states));
        assert_eq!(remarks(&[]), "Nothing that is not well was found.\n");
    }
}
