//! User data for cloud-init: it must begin as cloud-init expects, and `#cloud-config` must be YAML.
//!
//! A guest that cannot read its user data boots all the same and merely logs it, so that a typing
//! error would show only when somebody looks inside.

use saphyr_parser::{Event, Parser};

/// How user data may begin; cloud-init takes anything else for nothing.
const HEADERS: &[&str] = &[
    "#cloud-config",
    "#cloud-config-archive",
    "#cloud-boothook",
    "#include",
    "#include-once",
    "#part-handler",
    "#!",
    "## template: jinja",
    "Content-Type: multipart",
    "MIME-Version:",
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUserData {
    #[error(
        "it begins with `{begins}`, which cloud-init does not know; begin with `#cloud-config`, `#!`, `#include` or `Content-Type: multipart`"
    )]
    Header { begins: String },
    #[error("it is not valid YAML: {cause}")]
    Yaml { cause: String },
    #[error("`{header}` must be followed by {wanted}")]
    Shape { header: &'static str, wanted: &'static str },
}

pub(crate) fn check(text: &str) -> Result<(), BadUserData> {
    let first = text.lines().next().unwrap_or_default();
    // Both MIME headers may be written in any case.
    let begins = |header: &&&str| {
        let head = first.get(..header.len());
        head.is_some_and(|head| {
            head == **header || (!header.starts_with('#') && head.eq_ignore_ascii_case(header))
        })
    };
    let header = HEADERS.iter().filter(begins).max_by_key(|header| header.len());
    let header = header.ok_or_else(|| BadUserData::Header { begins: first.chars().take(40).collect() })?;
    let rest = first.get(header.len()..).unwrap_or_default();
    match *header {
        "#cloud-config" | "#cloud-config-archive" if !rest.trim().is_empty() => {
            Err(BadUserData::Header { begins: first.chars().take(40).collect() })
        }
        "#cloud-config" => match first_node(text)? {
            Node::Nothing | Node::Mapping => Ok(()),
            Node::Sequence | Node::Other => {
                Err(BadUserData::Shape { header: "#cloud-config", wanted: "keys with values" })
            }
        },
        "#cloud-config-archive" => match first_node(text)? {
            Node::Sequence => Ok(()),
            _ => Err(BadUserData::Shape { header: "#cloud-config-archive", wanted: "a list of parts" }),
        },
        _ => Ok(()),
    }
}

/// What the first document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Nothing,
    Mapping,
    Sequence,
    Other,
}

/// Reads all of it. Nothing is put together from it, so aliases cannot make it grow.
fn first_node(text: &str) -> Result<Node, BadUserData> {
    let mut found = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| BadUserData::Yaml { cause: error.to_string() })?;
        let node = match event {
            Event::MappingStart(..) => Node::Mapping,
            Event::SequenceStart(..) => Node::Sequence,
            Event::Scalar(text, ..) if text.is_empty() || text == "~" || text == "null" => Node::Nothing,
            Event::Scalar(..) | Event::Alias(_) => Node::Other,
            _ => continue,
        };
        found.get_or_insert(node);
    }
    Ok(found.unwrap_or(Node::Nothing))
}
