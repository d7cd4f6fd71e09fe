//! Frames over HTTPS: where they are found, and the client that gets one from a source.
//!
//! The server's half (axum, mutual TLS, who may ask) is in the `agent` crate, and so is the
//! certificate in the `reqwest::Client` handed in here. What arrives is not checked here, only
//! bounded in size and time: `fetch` checks it.

use crate::{
    frame::{FrameBytes, FrameForm, Wanted},
    limits::{FRAME_LEAVES_MAX, STALL_BYTES_MIN, STALL_WINDOW},
    manifest::Manifest,
    parts::Part,
    progress::Progress,
};
use bytes::BytesMut;
use diecast_domain::{digest::Digest, ids::ProviderId, provider::Source};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_RANGE, RANGE},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// The route as axum writes it. Both parameters are 64 hex digits.
pub const FRAME_ROUTE: &str = "/depot/v1/versions/{version}/frames/{frame}";
/// The route of leaves that lie in no frame, as axum writes it: the version in 64 hex digits, and what
/// [`leaves_of_path`] reads.
pub const LEAVES_ROUTE: &str = "/depot/v1/versions/{version}/leaves/{leaves}";
/// Answers 204 to whoever may ask for frames: agents probe each other with it.
pub const PROBE_PATH: &str = "/depot/v1/probe";
/// Says in which form the frame's bytes follow; see [`FrameForm`].
pub const FORM_HEADER: &str = "diecast-form";

pub fn frame_path(version: &Digest, frame: &Digest) -> String {
    format!("/depot/v1/versions/{}/frames/{}", version.hex(), frame.hex())
}

fn leaves_path(version: &Digest, ordinals: &[u32]) -> String {
    let ordinals: Vec<_> = ordinals.iter().map(u32::to_string).collect();
    format!("/depot/v1/versions/{}/leaves/{}", version.hex(), ordinals.join(","))
}

/// The ordinals that a request names: 1 to 16, rising, with commas between. None if it is anything else.
pub fn leaves_of_path(text: &str) -> Option<Vec<u32>> {
    let ordinals = text.split(',').take(FRAME_LEAVES_MAX + 1);
    let ordinals: Vec<u32> = ordinals.map(|one| one.parse().ok()).collect::<Option<_>>()?;
    let rising = ordinals.is_sorted_by(|one, next| one < next);
    (rising && ordinals.len() <= FRAME_LEAVES_MAX).then_some(ordinals)
}

impl FrameForm {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Leaves => "leaves",
            Self::Packed => "packed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Named, Self::Leaves, Self::Packed].into_iter().find(|form| form.as_str() == text)
    }
}

/// Why a source gave no frame. None of these says that it lied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFrame {
    #[error("no connection to {}: {cause}", addresses.join(", "))]
    Unreachable { addresses: Vec<String>, cause: String },
    #[error("{address} sent less than {} in {} s", diecast_domain::units::ByteCount(*bytes), window.as_secs_f32())]
    Stalled { address: String, bytes: u64, window: Duration },
    #[error("{address} answered {status}")]
    Refused { address: String, status: u16 },
    #[error("{address} broke off: {cause}")]
    Broken { address: String, cause: String },
    /// More bytes than the frame can have: as wrong as wrong bytes are.
    #[error("{address} sent more than {expected} bytes")]
    TooLong { address: String, expected: usize },
}

/// How long a source may be slow before it is left.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until an address answers at all.
    pub answer: Duration,
    pub stall_window: Duration,
    pub stall_bytes_min: u64,
    /// Without any good frame for so long, the whole transfer ends.
    pub no_source: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: crate::limits::ANSWER_TIMEOUT,
            stall_window: STALL_WINDOW,
            stall_bytes_min: STALL_BYTES_MIN,
            no_source: crate::limits::NO_SOURCE_TIMEOUT,
        }
    }
}

/// Gives the client for the depot of one provider, which must prove to be that provider.
pub type HttpFor = Box<dyn Fn(ProviderId) -> reqwest::Client + Send + Sync>;

/// Gets frames from sources. One for all transfers of an agent: connections are kept.
pub struct FrameClient {
    http: HttpFor,
    scheme: &'static str,
    /// The address that answered last, of each source: asked first next time.
    answered: Mutex<HashMap<ProviderId, String>>,
}

impl std::fmt::Debug for FrameClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameClient").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl FrameClient {
    /// `http` brings the certificates, both its own and those it believes.
    pub fn new(http: impl Fn(ProviderId) -> reqwest::Client + Send + Sync + 'static) -> Self {
        Self { http: Box::new(http), scheme: "https", answered: Mutex::default() }
    }

    /// For simulations.
    #[cfg(any(test, feature = "test-util"))]
    pub fn without_tls(http: reqwest::Client) -> Self {
        Self { scheme: "http", ..Self::new(move |_| http.clone()) }
    }

    /// Asks one source for one thing, at each of its addresses until one answers.
    pub(crate) async fn get(
        &self,
        source: &Source,
        manifest: &Manifest,
        wanted: Wanted<'_>,
        patience: &Patience,
        progress: &Progress,
        part: &mut Part,
    ) -> Result<FrameBytes, NoFrame> {
        let (path, named_length) = match wanted {
            Wanted::Frame(frame) => {
                (frame_path(&manifest.digest(), &frame.digest), Some(frame.length as usize))
            }
            Wanted::Loose(ordinals) => (leaves_path(&manifest.digest(), ordinals), None),
        };
        if named_length == Some(part.kept().len()) {
            let bytes = part.kept().to_vec().into();
            return Ok(FrameBytes { form: FrameForm::Named, bytes });
        }
        let (address, response) = self.connect(source, &path, part.kept().len(), patience).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if continues(&response, part.kept().len()) => {}
            StatusCode::OK => part.restart(),
            status => {
                part.restart();
                return Err(NoFrame::Refused { address, status: status.as_u16() });
            }
        }
        let form = match response.headers().get(FORM_HEADER) {
            None => Some(FrameForm::Named),
            Some(value) => value.to_str().ok().and_then(FrameForm::parse),
        };
        let (form, expected) = match (form, named_length) {
            (Some(FrameForm::Named), Some(length)) => (FrameForm::Named, length),
            (Some(form @ (FrameForm::Leaves | FrameForm::Packed)), _) => {
                part.keep_nothing();
                (form, manifest.decoded_length(wanted.ordinals()))
            }
            (Some(FrameForm::Named), None) | (None, _) => {
                let cause = format!("its {FORM_HEADER} header is unknown");
                return Err(NoFrame::Broken { address, cause });
            }
        };
        let bytes = body(address, response, expected, patience, progress, part).await?.freeze();
        Ok(FrameBytes { form, bytes })
    }

    async fn connect(
        &self,
        source: &Source,
        path: &str,
        from: usize,
        patience: &Patience,
    ) -> Result<(String, Response), NoFrame> {
        let mut cause = "it has no address".to_owned();
        for address in self.addresses(source) {
            let http = (self.http)(source.provider);
            let mut request = http.get(format!("{}://{address}{path}", self.scheme));
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let request = request.send();
            // The answer's head counts as connecting: a source that accepts and is silent is no use.
            match tokio::time::timeout(patience.answer, request).await {
                Ok(Ok(response)) => {
                    let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
                    answered.insert(source.provider, address.clone());
                    return Ok((address, response));
                }
                Ok(Err(error)) => cause = innermost(&error),
                Err(_) => cause = format!("no answer in {} s", patience.answer.as_secs_f32()),
            }
        }
        Err(NoFrame::Unreachable { addresses: source.addresses.clone(), cause })
    }

    fn addresses(&self, source: &Source) -> Vec<String> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut addresses = source.addresses.clone();
        let last = answered.get(&source.provider);
        if let Some(position) = addresses.iter().position(|address| Some(address) == last) {
            addresses[..=position].rotate_right(1);
        }
        addresses
    }
}

/// Reads at most `expected` bytes, and leaves a source that is too slow.
async fn body(
    address: String,
    mut response: Response,
    expected: usize,
    patience: &Patience,
    progress: &Progress,
    part: &mut Part,
) -> Result<BytesMut, NoFrame> {
    let mut bytes = BytesMut::with_capacity(expected);
    bytes.extend_from_slice(part.kept());
    if response.content_length().is_some_and(|length| length > (expected - bytes.len()) as u64) {
        return Err(NoFrame::TooLong { address, expected });
    }
    let (mut window_end, mut in_window) = (Instant::now() + patience.stall_window, 0_u64);
    loop {
        let chunk = match timeout_at(window_end, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Err(error)) => return Err(NoFrame::Broken { address, cause: innermost(&error) }),
            Err(_) if in_window < patience.stall_bytes_min => {
                let window = patience.stall_window;
                return Err(NoFrame::Stalled { address, bytes: patience.stall_bytes_min, window });
            }
            Err(_) => {
                (window_end, in_window) = (Instant::now() + patience.stall_window, 0);
                continue;
            }
        };
        progress.add_network(chunk.len() as u64);
        in_window += chunk.len() as u64;
        if bytes.len() + chunk.len() > expected {
            return Err(NoFrame::TooLong { address, expected });
        }
        bytes.extend_from_slice(&chunk);
        part.push(&chunk);
    }
}

/// Whether the answer goes on where what is kept ends.
fn continues(response: &Response, kept: usize) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    kept > 0 && range.is_some_and(|range| range.starts_with(&format!("bytes {kept}-")))
}

/// What a request's `Range` header leaves of a frame, and the `Content-Range` of that answer if it is
/// not the whole. Only the form that this client sends is understood (`bytes=N-`), and only for the
/// named bytes: anything else is answered with the whole, as RFC 9110 allows.
pub fn rest_of(mut frame: FrameBytes, range: Option<&str>) -> (FrameBytes, Option<String>) {
    let whole = frame.bytes.len();
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start = start.filter(|start| frame.form == FrameForm::Named && (1..whole).contains(start));
    let Some(start) = start else { return (frame, None) };
    frame.bytes = frame.bytes.slice(start..);
    (frame, Some(format!("bytes {start}-{}/{whole}", whole - 1)))
}

/// What happened at the bottom: `Connection refused`, not `error sending request for url`.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
