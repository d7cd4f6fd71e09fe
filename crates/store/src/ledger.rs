//! What a change does to wishes, collected while it is made and written into the audit trail when it is
//! committed. Only for changes that have an author.

use crate::{
    AuditEntry, Author, Change, NewEvent, StoreError, author,
    error::{decode, doing, encode},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A record above this keeps only its small fields: a recreation of a thousand hosts names each of them.
const RECORD_BYTES_MAX: usize = 64 << 10;
/// What is a small field then.
const FIELD_BYTES_MAX: usize = 4 << 10;
/// Fields that may hold somebody's secret, wherever they stand in a record.
const SECRETS: &[&str] = &[
    "user_data",
    "unattend",
    "password",
    "password_hash",
    "token_hash",
    "secret",
    "passphrase",
    "key",
    "webhook_url",
];
/// Stands in place of a secret.
const WITHHELD: &str = "(withheld)";
/// Stands in place of one that is not what it was before.
const WITHHELD_CHANGED: &str = "(withheld, changed)";

/// A table of wishes: how the record of a key is read before it is written.
pub(crate) struct Kind {
    /// As operators call one.
    pub(crate) object: &'static str,
    /// Reads the body of the record with key `$1`.
    pub(crate) read: &'static str,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    author: Author,
    /// By what it is and its key.
    notes: BTreeMap<(&'static str, String), Note>,
    events: Vec<NewEvent>,
}

#[derive(Debug)]
struct Note {
    name: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Ledger {
    /// For the author in whose name the present task writes, if there is one.
    pub(crate) fn begin() -> Option<Self> {
        author::present().map(|author| Self { author, notes: BTreeMap::new(), events: Vec::new() })
    }

    pub(crate) fn happened(&mut self, event: &NewEvent) {
        self.events.push(event.clone());
    }

    fn entry(&self, action: &str, object: &str, name: &str, message: &str) -> AuditEntry {
        AuditEntry {
            at: self.author.at,
            who: self.author.who.clone(),
            from: self.author.from.clone(),
            request: self.author.request.clone(),
            call: self.author.call.clone(),
            action: action.to_owned(),
            object: object.to_owned(),
            name: name.to_owned(),
            message: message.to_owned(),
            before: None,
            after: None,
            refused: None,
        }
    }

    /// One entry for each record that changed and each event about anything else; one for the call
    /// itself if there is neither.
    pub(crate) fn entries(mut self) -> Vec<AuditEntry> {
        let notes = std::mem::take(&mut self.notes);
        let changed = notes.into_iter().filter(|(_, note)| note.before != note.after);
        let mut told: Vec<(&'static str, Note, Option<NewEvent>)> = changed
            .map(|((object, _), note)| {
                let about = |event: &NewEvent| event.object == object && event.name == note.name;
                let event = self.events.iter().position(about).map(|place| self.events.remove(place));
                (object, note, event)
            })
            .collect();
        // One event and one record without the other are of one thing, told of its owner: a version's
        // tag is an event of its template.
        let mut alone = told.iter_mut().filter(|(_, _, event)| event.is_none());
        if let (Some(only), None, 1) = (alone.next(), alone.next(), self.events.len()) {
            only.2 = self.events.pop();
        }
        let mut entries = Vec::new();
        for (object, note, event) in told {
            let (action, message) = event.map_or_else(|| in_words(object, &note), |it| (it.kind, it.message));
            let entry = self.entry(&action, object, &note.name, &message);
            let (before, after) = safe(note.before, note.after);
            entries.push(AuditEntry { before, after, ..entry });
        }
        for event in &self.events {
            entries.push(self.entry(&event.kind, &event.object, &event.name, &event.message));
        }
        if entries.is_empty() {
            entries.push(self.entry("server.called", "server", "", &self.author.call));
        }
        entries
    }
}

/// The action and the sentence for a record that no event tells of.
fn in_words(object: &str, note: &Note) -> (String, String) {
    let verb = match (&note.before, &note.after) {
        (None, _) => "created",
        (_, None) => "deleted",
        _ => "changed",
    };
    let sentence = match (object, verb) {
        ("session", "created") => format!("{} signed in", note.name),
        ("session", "deleted") => format!("{} signed out", note.name),
        _ => format!("{object} {} was {verb}", note.name),
    };
    (format!("{object}.{verb}"), sentence)
}

impl Change {
    /// To be called before a wish is written (`after`) or deleted (none).
    pub(crate) async fn note<T: Serialize + Sync>(
        &mut self,
        kind: &Kind,
        key: &str,
        name: impl FnOnce(&Value) -> String,
        after: Option<&T>,
    ) -> Result<(), StoreError> {
        if self.ledger.is_none() {
            return Ok(());
        }
        let after = after.map(plain);
        let place = (kind.object, key.to_owned());
        if let Some(note) = self.ledger.as_mut().and_then(|ledger| ledger.notes.get_mut(&place)) {
            note.after = after;
            return Ok(());
        }
        let before: Option<String> = sqlx::query_scalar(kind.read)
            .bind(key)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read what is to be changed"))?;
        let before: Option<Value> = before.map(|body| decode(kind.object, &body)).transpose()?;
        let Some(record) = after.as_ref().or(before.as_ref()) else { return Ok(()) };
        let note = Note { name: name(record), before, after };
        if let Some(ledger) = &mut self.ledger {
            ledger.notes.insert(place, note);
        }
        Ok(())
    }
}

/// The name that most records carry.
pub(crate) fn its_name(record: &Value) -> String {
    let name = record.get("name").or_else(|| record.get("id")).and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn plain<T: Serialize>(record: &T) -> Value {
    serde_json::to_value(record).expect("plain data with string keys is always JSON")
}

/// Without secrets, and of bearable size.
fn safe(mut before: Option<Value>, mut after: Option<Value>) -> (Option<Value>, Option<Value>) {
    withhold(before.as_mut(), after.as_mut());
    for record in [&mut before, &mut after].into_iter().flatten() {
        shorten(record);
    }
    (before, after)
}

fn withhold(before: Option<&mut Value>, after: Option<&mut Value>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for (field, value) in before.iter_mut() {
                withhold_field(field, Some(value), after.get_mut(field));
            }
            for (field, value) in after.iter_mut().filter(|(field, _)| !before.contains_key(*field)) {
                withhold_field(field, None, Some(value));
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            let mut after = after.iter_mut();
            for value in before {
                withhold(Some(value), after.next());
            }
            after.for_each(|value| withhold(None, Some(value)));
        }
        (Some(Value::Object(fields)), other) => {
            fields.iter_mut().for_each(|(field, value)| withhold_field(field, Some(value), None));
            withhold(None, other);
        }
        (other, Some(Value::Object(fields))) => {
            fields.iter_mut().for_each(|(field, value)| withhold_field(field, None, Some(value)));
            withhold(other, None);
        }
        (Some(Value::Array(values)), other) => {
            values.iter_mut().for_each(|value| withhold(Some(value), None));
            withhold(None, other);
        }
        (other, Some(Value::Array(values))) => {
            values.iter_mut().for_each(|value| withhold(None, Some(value)));
            withhold(other, None);
        }
        _ => {}
    }
}

fn withhold_field(field: &str, before: Option<&mut Value>, after: Option<&mut Value>) {
    if !SECRETS.contains(&field) {
        return withhold(before, after);
    }
    let changed = before.as_deref() != after.as_deref();
    for (value, instead) in [(before, WITHHELD), (after, if changed { WITHHELD_CHANGED } else { WITHHELD })] {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            *value = Value::from(instead);
        }
    }
}

fn shorten(record: &mut Value) {
    if encode(record).len() <= RECORD_BYTES_MAX {
        return;
    }
    let Value::Object(fields) = record else { return };
    for value in fields.values_mut() {
        let length = encode(value).len();
        if length > FIELD_BYTES_MAX {
            *value = Value::from(format!("({length} bytes, left out)"));
        }
    }
}
