//! An answer file for Windows: well-formed XML of the right kind, without anything that refers
//! elsewhere. `{name}` in it is left for the agent to fill in.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};

/// The namespace of every answer file.
const NAMESPACE: &str = "urn:schemas-microsoft-com:unattend";
const ROOT: &str = "unattend";
/// Answer files nest about ten deep.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUnattend {
    #[error("it is not well-formed XML: {cause}")]
    Malformed { cause: String },
    #[error("it has a document type or an entity of its own, which is not taken")]
    Entities,
    #[error("it says that it is in `{encoding}`, and it is read as UTF-8")]
    Encoding { encoding: String },
    #[error("its root must be `<{ROOT} xmlns=\"{NAMESPACE}\">`")]
    Root,
    #[error("it is nested more than {DEPTH_MAX} deep")]
    TooDeep,
}

fn malformed(cause: impl ToString) -> BadUnattend {
    BadUnattend::Malformed { cause: cause.to_string() }
}

pub(crate) fn check(text: &str) -> Result<(), BadUnattend> {
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let (mut depth, mut roots) = (0_usize, 0_usize);
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(malformed)?;
        match event {
            Event::Start(element) => {
                let ours = matches!(&namespace, ResolveResult::Bound(it) if it.as_ref() == NAMESPACE);
                if depth == 0 {
                    roots += 1;
                    if roots > 1 || !ours || element.local_name().as_ref() != ROOT {
                        return Err(BadUnattend::Root);
                    }
                }
                if let ResolveResult::Unknown(prefix) = namespace {
                    return Err(malformed(format!("the prefix `{prefix:?}` is not declared")));
                }
                attributes(&element)?;
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(BadUnattend::TooDeep);
                }
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(_) => return Err(BadUnattend::Entities),
            Event::GeneralRef(reference) => {
                let known = quick_xml::escape::resolve_predefined_entity(&reference).is_some();
                let character = reference.resolve_char_ref().map_err(malformed)?.is_some();
                if !known && !character {
                    return Err(BadUnattend::Entities);
                }
            }
            Event::Decl(declaration) => {
                if let Some(encoding) = declaration.encoding().transpose().map_err(malformed)? {
                    let encoding = encoding.to_string();
                    if !encoding.eq_ignore_ascii_case("utf-8") {
                        return Err(BadUnattend::Encoding { encoding });
                    }
                }
            }
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => {
                return Err(malformed("there is text outside its root"));
            }
            Event::CData(_) if depth == 0 => return Err(malformed("there is text outside its root")),
            Event::Eof if depth > 0 => return Err(malformed("it ends within an element")),
            Event::Eof if roots == 0 => return Err(BadUnattend::Root),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<(), BadUnattend> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(malformed)?;
        attribute.normalized_value(XmlVersion::Implicit1_0).map_err(malformed)?;
    }
    Ok(())
}
