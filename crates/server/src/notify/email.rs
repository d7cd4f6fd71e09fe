//! E-mail: a message as plain text, handed to a mail server that proved who it is.

use super::{
    Payload,
    deliver::{ATTEMPT_MAX, connection_problem, root, short},
};
use diecast_domain::{
    code::{Code, Problem},
    notification::{MailTls, Way},
};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, header,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        response::Response,
    },
};
use std::error::Error;

/// Answers that speak of who signs in: RFC 4954.
const SIGN_IN_REFUSED: [u16; 4] = [530, 534, 535, 538];

pub(super) async fn send(way: &Way, payload: &Payload) -> Result<String, Problem> {
    let Way::Email { to, from, host, port, tls, user, password, ca } = way else {
        return Err(Problem::new(Code::S0004, "this is no notification by e-mail"));
    };
    let whom = format!("{host}:{port}");
    let message = message(from, to, payload).map_err(|error| {
        Problem::new(Code::N0002, format!("the message cannot be written: {}", root(&*error)))
    })?;
    let tls = security(host, *tls, ca.as_deref()).map_err(|error| {
        Problem::new(Code::N0004, format!("TLS with {whom} is not possible: {}", root(&error)))
    })?;
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(*port)
        .timeout(Some(ATTEMPT_MAX))
        .tls(tls);
    if let Some((user, password)) = user.as_ref().zip(password.as_ref()) {
        transport = transport.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
    }
    let answer = transport.build::<Tokio1Executor>().send(message).await;
    answer.map(|answer| words(&answer)).map_err(|error| problem(&whom, user.as_deref(), &error))
}

fn security(host: &str, tls: MailTls, ca: Option<&str>) -> Result<Tls, smtp::Error> {
    if tls == MailTls::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(ca) = ca {
        let authority = Certificate::from_pem(ca.as_bytes())?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    let parameters = parameters.build_rustls()?;
    Ok(if tls == MailTls::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
}

fn message(from: &str, to: &[String], payload: &Payload) -> Result<Message, Box<dyn Error>> {
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut builder = Message::builder()
        .from(mailbox(from)?)
        .subject(payload.subject())
        .message_id(Some(format!("<{}@diecast>", payload.id())))
        .header(header::ContentType::TEXT_PLAIN)
        // Nobody's absence is to answer it.
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    for to in to {
        builder = builder.to(mailbox(to)?);
    }
    Ok(builder.body(payload.text())?)
}

/// `Diecast <diecast@example.org>`, or the address alone.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, lettre::address::AddressError> {
    match text.parse::<Address>() {
        Ok(address) => Ok(Mailbox::new(None, address)),
        Err(_) => text.parse(),
    }
}

/// `250 2.0.0 Ok: queued as 4F2`
fn words(answer: &Response) -> String {
    short(&format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")))
}

fn problem(whom: &str, user: Option<&str>, error: &smtp::Error) -> Problem {
    let said = root(error);
    if let Some(status) = error.status() {
        let number: u16 = status.to_string().parse().unwrap_or_default();
        if SIGN_IN_REFUSED.contains(&number) {
            let who = user.map_or_else(|| "nobody".to_owned(), |user| format!("`{user}`"));
            return Problem::new(Code::N0003, format!("{whom} lets {who} not sign in: {number} {said}"));
        }
        return Problem::new(Code::N0002, format!("{whom} answered {number} {said}"));
    }
    if error.is_tls() {
        return Problem::new(Code::N0004, format!("TLS with {whom} failed: {said}"));
    }
    // What the mail server does not offer: TLS, or a way to sign in.
    if error.is_client() {
        let code = if said.contains("STARTTLS") { Code::N0004 } else { Code::N0003 };
        return Problem::new(code, format!("{whom}: {said}"));
    }
    if error.is_response() {
        return Problem::new(Code::N0002, format!("{whom} does not answer as a mail server: {said}"));
    }
    connection_problem(whom, error)
}
