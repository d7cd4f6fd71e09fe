//! How a command ends badly: what is told, and with which exit code.

use crate::{printer::Printer, render::error};
use diecast_api::{client::ClientError, problem::ProblemDetails};
use std::io;

/// Done.
pub(crate) const EXIT_DONE: u8 = 0;
/// Refused or failed.
pub(crate) const EXIT_FAILED: u8 = 1;
/// Typed wrongly. The same as clap's own.
pub(crate) const EXIT_USAGE: u8 = 2;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server refused, failed or is not there.
    #[error("{0}")]
    Client(ClientError),
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// Not done, for a reason that has no code: a no to a question, a time that is over.
    #[error("{message}")]
    Refused { message: String, hint: String },
    #[error("{doing}")]
    Local {
        doing: String,
        #[source]
        source: io::Error,
    },
    /// It ended badly, and what was printed says so already.
    #[error("it ended badly, as was said")]
    Told,
    /// Who read stdout has gone. Nothing is wrong: `diecast template list | head -1`.
    #[error("nobody reads on")]
    Unheard,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn local(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Local { doing: doing.into(), source }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unheard => EXIT_DONE,
            Self::Usage { .. } => EXIT_USAGE,
            _ => EXIT_FAILED,
        }
    }

    /// As the API words errors. What was found out here may have no code.
    pub fn details(&self) -> ProblemDetails {
        let plain = |detail: String, hint: &str| ProblemDetails {
            kind: "about:blank".into(),
            title: "Not done".into(),
            status: 0,
            detail,
            code: String::new(),
            hint: hint.to_owned(),
            blockers: Vec::new(),
            request: None,
        };
        match self {
            Self::Client(error) => error.details(),
            Self::Usage { hint, .. } | Self::Refused { hint, .. } => plain(self.to_string(), hint),
            Self::Local { source, .. } => plain(format!("{self}: {source}"), ""),
            Self::Told | Self::Unheard => plain(self.to_string(), ""),
        }
    }
}

/// Prints what there is to say of the end, and gives its exit code.
pub(crate) fn conclude(outcome: Result<(), Failure>, printer: &mut Printer) -> u8 {
    let Err(failure) = outcome else { return EXIT_DONE };
    if !matches!(failure, Failure::Told | Failure::Unheard) {
        let details = failure.details();
        tell(printer, &details);
        if printer.is_json() {
            // Whoever would have read the answer has gone too; the exit code still tells.
            let _ = printer.json(&error::json(&details));
        }
    }
    failure.exit_code()
}

/// An error on stderr.
pub(crate) fn tell(printer: &mut Printer, details: &ProblemDetails) {
    let text = error::text(printer.talk_look(), details);
    printer.talk(text.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::Captured;
    use diecast_domain::code::{Code, Problem};

    fn refused() -> Failure {
        let mut details = ProblemDetails::from(&Problem::new(Code::A0007, "2 hosts depend on `win11`"));
        details.blockers = vec!["host desk-001 on kvm-a".into(), "host desk-002 on kvm-b".into()];
        Failure::Client(ClientError::Problem(Box::new(details)))
    }

    #[test]
    fn a_refusal_is_told_on_stderr_with_code_hint_and_what_stands_in_the_way() {
        let Captured { mut printer, data, talk } = Captured::new(false);
        assert_eq!(conclude(Err(refused()), &mut printer), EXIT_FAILED);
        assert_eq!(data.text(), "");
        insta::assert_snapshot!(talk.text());
    }

    #[test]
    fn with_json_a_refusal_is_the_one_document() {
        let Captured { mut printer, data, .. } = Captured::new(true);
        conclude(Err(refused()), &mut printer);
        let document: serde_json::Value = serde_json::from_str(&data.text()).unwrap();
        insta::assert_json_snapshot!(document);
    }

    #[test]
    fn exit_codes_tell_usage_from_failure() {
        let codes = [
            Failure::usage("x", "y").exit_code(),
            Failure::refused("x", "y").exit_code(),
            refused().exit_code(),
            Failure::Told.exit_code(),
            Failure::Unheard.exit_code(),
        ];
        assert_eq!(codes, [2, 1, 1, 1, 0]);
    }
}
