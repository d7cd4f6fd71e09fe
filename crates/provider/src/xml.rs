//! A small XML tree: what libvirt says is read into it, what libvirt is told is written from it.
//!
//! Elements that nobody here knows are kept and skipped alike; every text and attribute is escaped
//! on the way out.

use quick_xml::{
    Reader, Writer, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesEnd, BytesStart, BytesText, Event},
};

/// The largest document that is read: libvirt's own limit for a domain is far below.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// The deepest nesting that is read; domains nest about ten deep, their backing chains more.
const DEPTH_MAX: usize = 512;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// All text directly inside, put together.
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BadXml {
    #[error("the document is larger than {DOCUMENT_BYTES_MAX} bytes or nested too deep")]
    TooLarge,
    #[error("the document is not well-formed: {0}")]
    Malformed(String),
}

impl Element {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    #[must_use]
    pub fn attr(mut self, name: &str, value: impl ToString) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// Gives an attribute another value, or adds it.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        match self.attributes.iter_mut().find(|(at, _)| at == name) {
            Some((_, old)) => *old = value.to_string(),
            None => self.attributes.push((name.to_owned(), value.to_string())),
        }
    }

    #[must_use]
    pub fn text(mut self, text: impl ToString) -> Self {
        self.text = text.to_string();
        self
    }

    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == attribute);
        found.map(|(_, value)| value.as_str())
    }

    /// Every element at the end of a path below this one: `devices/disk`.
    pub fn all<'a>(&'a self, path: &str) -> Vec<&'a Self> {
        path.split('/').fold(vec![self], |here, step| {
            here.iter().flat_map(|at| at.children.iter().filter(|c| c.name == step)).collect()
        })
    }

    pub fn first(&self, path: &str) -> Option<&Self> {
        self.all(path).into_iter().next()
    }

    pub fn has(&self, path: &str) -> bool {
        self.first(path).is_some()
    }

    /// The text at a path, without the space around it.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.first(path).map(|found| found.text.trim())
    }

    pub fn attr_at(&self, path: &str, attribute: &str) -> Option<&str> {
        self.first(path).and_then(|found| found.get(attribute))
    }

    pub fn parse(document: &str) -> Result<Self, BadXml> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(BadXml::TooLarge);
        }
        let malformed = |error: &dyn std::fmt::Display| BadXml::Malformed(error.to_string());
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| malformed(&error))?;
            let current = open.last_mut().expect("the document itself is never closed");
            match event {
                Event::Start(start) => {
                    if open.len() > DEPTH_MAX {
                        return Err(BadXml::TooLarge);
                    }
                    open.push(read_start(&start)?);
                }
                Event::Empty(start) => current.children.push(read_start(&start)?),
                Event::End(_) => {
                    let mut closed = open.pop().expect("it was opened");
                    if closed.text.trim().is_empty() {
                        closed.text.clear();
                    }
                    let parent = open.last_mut().ok_or_else(|| malformed(&"an end without a start"))?;
                    parent.children.push(closed);
                }
                Event::Text(text) => current.text.push_str(&text.xml10_content()),
                Event::CData(text) => current.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|e| malformed(&e))?;
                    match character {
                        Some(character) => current.text.push(character),
                        None => current.text.push_str(
                            resolve_predefined_entity(&reference.into_inner())
                                .ok_or_else(|| malformed(&"an unknown entity"))?,
                        ),
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => (),
            }
        }
        let document = open.pop().filter(|_| open.is_empty());
        document
            .and_then(|document| document.children.into_iter().next())
            .ok_or_else(|| malformed(&"it ends too early"))
    }

    /// Written with an indent of two.
    pub fn render(&self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        self.write(&mut writer).expect("writing to memory cannot fail");
        let mut text = String::from_utf8(writer.into_inner()).expect("strings were written");
        text.push('\n');
        text
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let pairs = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let start = BytesStart::new(self.name.as_str()).with_attributes(pairs);
        if self.children.is_empty() && self.text.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.trim().is_empty() {
            writer.write_event(Event::Text(BytesText::new(self.text.trim())))?;
        }
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

fn read_start(start: &BytesStart<'_>) -> Result<Element, BadXml> {
    // It would be written as what nobody can read.
    if start.name().as_ref().is_empty() {
        return Err(BadXml::Malformed("an element without a name".to_owned()));
    }
    let mut element = Element::new(start.name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| BadXml::Malformed(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| BadXml::Malformed(error.to_string()))?;
        element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_unknown_is_kept_and_what_is_special_is_escaped() {
        let text = "<a x='1 &lt; 2'><?pi?><!-- c --><b:new xmlns:b='u'>R&amp;D &#65;</b:new><c/></a>";
        let tree = Element::parse(text).unwrap();
        assert_eq!(tree.get("x"), Some("1 < 2"));
        assert_eq!(tree.text_at("b:new"), Some("R&D A"));
        assert_eq!(Element::parse(&tree.render()).unwrap(), tree);
    }

    #[test]
    fn broken_documents_are_refused_and_never_panic() {
        for broken in ["", "<a>", "</a>", "<a></b>", "<a>&nope;</a>", "<a x='1' x='2'/>"] {
            assert!(Element::parse(broken).is_err(), "{broken}");
        }
        assert!(Element::parse(&"<a>".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_can_break_out(value in "[ -~äß]{0,40}") {
            let tree = Element::new("a").attr("v", &value).child(Element::new("b").text(value.trim()));
            let read = Element::parse(&tree.render()).unwrap();
            prop_assert_eq!(read.get("v"), Some(value.as_str()));
            prop_assert_eq!(read.text_at("b"), Some(value.trim()));
            prop_assert_eq!(read.children.len(), 1);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[<>/a'\"&;= !?-]{0,60}") {
            let _ = Element::parse(&text);
        }
    }

    #[test]
    fn an_element_without_a_name_is_refused() {
        for text in ["<></>", "<a></a><></>", "< x='1'/>", "<a></a>< />"] {
            let again = Element::parse(text).map(|tree| tree.render());
            assert!(again.is_err() || Element::parse(&again.unwrap()).is_ok(), "{text}");
        }
        assert!(Element::parse("<></>").is_err());
    }
}
