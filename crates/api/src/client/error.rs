//! What can go wrong when the server is asked, as the problem that a person is shown.

use crate::problem::ProblemDetails;
use diecast_domain::code::{Code, Problem};
use std::{error::Error, io};

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered, and refused or failed.
    #[error("{}", .0.detail)]
    Problem(Box<ProblemDetails>),
    #[error("the server at {url} does not answer")]
    Unreachable {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the certificate of {url} is not trusted")]
    Untrusted {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// An answer, but none that Diecast's server gives.
    #[error("{url} answered {request} with {what}")]
    Unexpected { url: String, request: String, what: String },
    #[error("`{url}` cannot be used: {why}")]
    BadUrl { url: String, why: &'static str },
    #[error("the CA given is no certificate in PEM")]
    BadCa {
        #[source]
        source: Option<reqwest::Error>,
    },
    #[error("the token has characters that no token has")]
    BadToken,
    #[error("no connection can be prepared")]
    Unusable {
        #[source]
        source: reqwest::Error,
    },
}

impl ClientError {
    /// What went wrong with the transport, told apart by its innermost cause.
    pub(super) fn transport(url: &str, source: reqwest::Error) -> Self {
        let url = url.to_owned();
        if is_untrusted(&source) {
            Self::Untrusted { url, source }
        } else {
            Self::Unreachable { url, source }
        }
    }

    /// The code, if it is one that this release knows.
    pub fn code(&self) -> Option<Code> {
        self.details().code.parse().ok()
    }

    /// As the API words errors, whether the server said it or it was found out here.
    pub fn details(&self) -> ProblemDetails {
        let problem = match self {
            Self::Problem(details) => return (**details).clone(),
            Self::Unreachable { source, .. } => {
                Problem::new(Code::A0012, format!("{self}: {}", innermost(source)))
            }
            Self::Untrusted { source, .. } => {
                Problem::new(Code::A0013, format!("{self}: {}", innermost(source)))
            }
            Self::Unexpected { .. } => Problem::new(Code::S0004, self.to_string())
                .with_hint("check that the address is that of a Diecast server of this release"),
            Self::BadUrl { .. } => Problem::new(Code::A0001, self.to_string())
                .with_hint("correct the address given with `--url` or DIECAST_URL"),
            Self::BadToken => Problem::new(Code::A0002, self.to_string())
                .with_hint("give it without spaces and line breaks: correct DIECAST_TOKEN, or sign in anew"),
            Self::BadCa { .. } => Problem::new(Code::A0013, self.to_string()),
            Self::Unusable { source } => Problem::new(Code::S0004, format!("{self}: {}", innermost(source))),
        };
        ProblemDetails::from(&problem)
    }

    /// The server, or the way to it, may be back in a moment.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// Every error below, outermost first. What `io::Error` wraps is a step of its own: its `source` skips it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| below(error))
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn is_untrusted(error: &reqwest::Error) -> bool {
    chain(error).any(|error| {
        matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
            || matches!(error.downcast_ref(), Some(rustls::Error::NoCertificatesPresented))
    })
}
