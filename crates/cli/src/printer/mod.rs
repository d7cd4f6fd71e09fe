//! The only place that prints: data to stdout, talk to stderr, progress where talk goes. And the only one that
//! hears what is answered.

pub(crate) mod carried;
pub(crate) mod live;
mod rate;

use crate::{Failure, render::Look};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Where output goes, and how it looks there.
pub struct Printer {
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    json: bool,
    data_terminal: bool,
    talk_terminal: bool,
    may_ask: bool,
    ears: Ears,
}

/// Where answers come from.
enum Ears {
    Stdin,
    /// What will have been typed, in this order.
    #[cfg(test)]
    Script(std::collections::VecDeque<String>),
}

impl Printer {
    /// stdout and stderr of this process.
    pub fn standard(json: bool) -> Self {
        let talk_terminal = io::stderr().is_terminal();
        Self {
            data: Box::new(io::stdout()),
            talk: Box::new(io::stderr()),
            json,
            data_terminal: io::stdout().is_terminal(),
            talk_terminal,
            may_ask: !json && talk_terminal && io::stdin().is_terminal(),
            ears: Ears::Stdin,
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Somebody sits there who can answer a question.
    pub(crate) fn may_ask(&self) -> bool {
        self.may_ask
    }

    /// Progress can be drawn, instead of told line by line.
    pub(crate) fn draws(&self) -> bool {
        self.talk_terminal
    }

    /// How text for stdout is laid out.
    pub(crate) fn look(&self) -> Look {
        Look::for_terminal(self.data_terminal, libc::STDOUT_FILENO)
    }

    /// How text for stderr is laid out.
    pub(crate) fn talk_look(&self) -> Look {
        Look::for_terminal(self.talk_terminal, libc::STDERR_FILENO)
    }

    /// An answer: the document with `--json`, else its text.
    pub(crate) fn answer<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(Look, &T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(value);
        }
        let text = text(self.look(), value);
        self.text(&text)
    }

    /// One JSON document, for eyes as well.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).expect("wire types are always JSON");
        self.text(&text)
    }

    /// One JSON document of a stream, on a line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).expect("wire types are always JSON");
        self.text(&text)
    }

    /// Data as it is, ending in a line break.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let written = writeln!(self.data, "{}", text.trim_end_matches('\n')).and_then(|()| self.data.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unheard,
            _ => Failure::local("stdout cannot be written", error),
        })
    }

    /// A line for a person. If nobody can hear it, nothing is lost.
    pub(crate) fn talk(&mut self, line: &str) {
        let _ = writeln!(self.talk, "{line}").and_then(|()| self.talk.flush());
    }

    /// A question, without a line break.
    pub(crate) fn ask(&mut self, question: &str) {
        let _ = write!(self.talk, "{question}").and_then(|()| self.talk.flush());
    }

    /// The next line that is typed; none if nobody will ever type one.
    pub(crate) fn hear(&mut self) -> Result<Option<String>, Failure> {
        match &mut self.ears {
            Ears::Stdin => {
                let mut line = String::new();
                let read = io::stdin().read_line(&mut line);
                let read = read.map_err(|source| Failure::local("stdin cannot be read", source))?;
                Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
            }
            #[cfg(test)]
            Ears::Script(lines) => {
                let line = lines.pop_front();
                // As a terminal echoes what is typed.
                line.iter().for_each(|line| self.talk(line));
                Ok(line)
            }
        }
    }
}

/// A printer whose output can be looked at.
#[cfg(test)]
pub(crate) struct Captured {
    pub(crate) printer: Printer,
    pub(crate) data: Paper,
    pub(crate) talk: Paper,
}

#[cfg(test)]
impl Captured {
    pub(crate) fn new(json: bool) -> Self {
        let (data, talk) = (Paper::default(), Paper::default());
        let printer = Printer {
            data: Box::new(data.clone()),
            talk: Box::new(talk.clone()),
            json,
            data_terminal: false,
            talk_terminal: false,
            may_ask: false,
            ears: Ears::Script(Default::default()),
        };
        Self { printer, data, talk }
    }

    /// Somebody sits there and will answer so.
    pub(crate) fn answering(mut self, answers: &[&str]) -> Self {
        self.printer.may_ask = true;
        self.printer.ears = Ears::Script(answers.iter().map(|answer| (*answer).to_owned()).collect());
        self
    }
}

#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Paper(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Paper {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
