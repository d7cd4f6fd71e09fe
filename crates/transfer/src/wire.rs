//! Frames over HTTPS: where they are found, and the client that gets one from a source.
//!
//! The server's half (axum, mutual TLS, who may ask) is in the `agent` crate, and so is the
//! certificate in the `reqwest::Client` handed in here. What arrives is not checked here, only
//! bounded in size and time: `fetch` checks it.

use crate::{
    frame::{FrameBytes, FrameForm, Wanted},
    limits::{ANSWER_TIMEOUT, CLAIM_TIME, FRAME_LEAVES_MAX, FRAME_SIZE_MAX, LIAR_BANNED, LISTEN_TIME},
    manifest::Manifest,
    pace::Pace,
    parts::Part,
    patience::Patience,
    progress::Progress,
    swarm::{
        arrivals::{After, TOLD_MAX, Told},
        claims::{self, CLAIMS_MAX},
        pieces::PieceSet,
    },
};
use bytes::{Bytes, BytesMut};
use diecast_domain::{digest::Digest, generation::Generation, ids::ProviderId, provider::Source};
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
/// The route of what has come so far, as axum writes it: the version in 64 hex digits, and from where in
/// its log, as [`After`] writes it.
pub const ARRIVALS_ROUTE: &str = "/depot/v1/versions/{version}/arrivals/{after}";
/// The route of claims, as axum writes it: the version in 64 hex digits, how many pieces, and after how many
/// milliseconds what was given before may be given again. The body has a bit for each piece that is wanted.
pub const CLAIMS_ROUTE: &str = "/depot/v1/versions/{version}/claims/{most}/{again}";
/// The same where the version still comes, as axum writes it: the answer waits at most so many milliseconds, the
/// last number, for something to give. Who does not know it knows claims of holders of the whole alone.
pub const CLAIMS_WAIT_ROUTE: &str = "/depot/v1/versions/{version}/claims/{most}/{again}/{wait}";
/// The query of a request for claims by who stands in another site.
pub const BEYOND: &str = "beyond";
/// Answers 204 to whoever may ask for frames: agents probe each other with it.
pub const PROBE_PATH: &str = "/depot/v1/probe";
/// Says in which form the frame's bytes follow; see [`FrameForm`].
pub const FORM_HEADER: &str = "diecast-form";
/// Says by which of the asking agent's assignments it asks: written to the log by both.
pub const ASSIGNMENT_HEADER: &str = "diecast-assignment";

pub fn frame_path(version: &Digest, frame: &Digest) -> String {
    format!("/depot/v1/versions/{}/frames/{}", version.hex(), frame.hex())
}

fn arrivals_path(version: &Digest, after: After) -> String {
    format!("/depot/v1/versions/{}/arrivals/{}", version.hex(), after.to_text())
}

fn claims_path(
    version: &Digest,
    most: usize,
    again: Duration,
    wait: Option<Duration>,
    beyond: bool,
) -> String {
    let path = format!("/depot/v1/versions/{}/claims/{most}/{}", version.hex(), again.as_millis());
    let path = wait.map_or_else(|| path.clone(), |wait| format!("{path}/{}", wait.as_millis()));
    if beyond { format!("{path}?{BEYOND}") } else { path }
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

/// Gives the client for the depot of one provider, which must prove to be that provider.
pub type HttpFor = Box<dyn Fn(ProviderId) -> reqwest::Client + Send + Sync>;

/// Gets frames from sources. One for all transfers of an agent: connections are kept.
pub struct FrameClient {
    http: HttpFor,
    scheme: &'static str,
    /// The address that answered last, of each source: asked first next time.
    answered: Mutex<HashMap<ProviderId, String>>,
    /// The shortest time from a request until its answer began, of each source: how far away it is.
    ways: Mutex<HashMap<ProviderId, Duration>>,
    /// Who sent wrong bytes of which version, and when: not asked for it again for a while.
    lied: Mutex<HashMap<(ProviderId, Digest), Instant>>,
}

/// One thing that is asked for, wherever it may be had.
struct Asked {
    path: String,
    /// How many bytes of it are here already.
    from: usize,
    /// Where the slice that is asked for ends; None: all of it.
    until: Option<usize>,
    assignment: Option<Generation>,
    /// Posted, if there is one.
    body: Option<Bytes>,
}

impl Asked {
    fn range(&self) -> Option<String> {
        match (self.from, self.until) {
            (from, Some(until)) => Some(format!("bytes={from}-{}", until - 1)),
            (0, None) => None,
            (from, None) => Some(format!("bytes={from}-")),
        }
    }
}

/// Under which terms things are got.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) patience: &'a Patience,
    pub(crate) pace: &'a Pace,
    pub(crate) progress: &'a Progress,
}

/// An answer that begins.
struct Arrival {
    from: ProviderId,
    address: String,
    response: Response,
    /// The most that there may be, with what was there before.
    expected: usize,
    /// What the pace was asked for already.
    paid: usize,
}

impl std::fmt::Debug for FrameClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameClient").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl FrameClient {
    /// `http` brings the certificates, both its own and those it believes.
    pub fn new(http: impl Fn(ProviderId) -> reqwest::Client + Send + Sync + 'static) -> Self {
        let (answered, ways, lied) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { http: Box::new(http), scheme: "https", answered, ways, lied }
    }

    /// For simulations.
    #[cfg(any(test, feature = "test-util"))]
    pub fn without_tls(http: reqwest::Client) -> Self {
        Self { scheme: "http", ..Self::new(move |_| http.clone()) }
    }

    /// It sent wrong bytes of that version.
    pub(crate) fn lied(&self, source: ProviderId, version: Digest) {
        let mut lied = self.lied.lock().unwrap_or_else(PoisonError::into_inner);
        lied.retain(|_, at| at.elapsed() < LIAR_BANNED);
        lied.insert((source, version), Instant::now());
    }

    /// Who is not asked for that version, since it sent wrong bytes of it.
    pub(crate) fn liars(&self, version: &Digest) -> Vec<ProviderId> {
        let lied = self.lied.lock().unwrap_or_else(PoisonError::into_inner);
        let banned = lied.iter().filter(|((_, of), at)| of == version && at.elapsed() < LIAR_BANNED);
        banned.map(|((source, _), _)| *source).collect()
    }

    /// Asks one source for one thing, at each of its addresses until one answers. Under a limit it asks
    /// for a slice at a time.
    pub(crate) async fn get(
        &self,
        source: &Source,
        manifest: &Manifest,
        wanted: Wanted<'_>,
        way: Way<'_>,
        part: &mut Part,
    ) -> Result<FrameBytes, NoFrame> {
        let (path, named_length) = match wanted.name() {
            Some((name, length)) => (frame_path(&manifest.digest(), &name), Some(length as usize)),
            None => (leaves_path(&manifest.digest(), wanted.ordinals()), None),
        };
        let assignment = way.progress.assignment();
        let mut asked = Asked { path, from: 0, until: None, assignment, body: None };
        let mut bytes = BytesMut::from(part.kept());
        loop {
            if named_length == Some(bytes.len()) {
                return Ok(FrameBytes { form: FrameForm::Named, bytes: bytes.freeze() });
            }
            asked.from = bytes.len();
            let left = named_length.map_or(FRAME_SIZE_MAX, |length| length - asked.from);
            let slice = way.pace.slice(left).await;
            // Where nothing is named, there is no asking for a part.
            asked.until = slice.filter(|_| named_length.is_some()).map(|slice| asked.from + slice);
            let paid = slice.unwrap_or(0);
            let (address, response) = self.connect(source, &asked, way.patience.answer).await?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT if continues(&response, &asked) => {}
                StatusCode::OK => {
                    // It gives the whole, from the beginning.
                    part.restart();
                    bytes.clear();
                    asked.until = None;
                }
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
                (Some(FrameForm::Named), Some(length)) => (FrameForm::Named, asked.until.unwrap_or(length)),
                (Some(form @ (FrameForm::Leaves | FrameForm::Packed)), _) => {
                    part.keep_nothing();
                    bytes.clear();
                    (form, manifest.decoded_length(wanted.ordinals()))
                }
                (Some(FrameForm::Named), None) | (None, _) => {
                    let cause = format!("its {FORM_HEADER} header is unknown");
                    return Err(NoFrame::Broken { address, cause });
                }
            };
            let arrival = Arrival { from: source.provider, address, response, expected, paid };
            body(arrival, way, &mut bytes, part).await?;
            let goes_on = asked.until.is_some_and(|until| bytes.len() == until);
            if form != FrameForm::Named || !goes_on {
                return Ok(FrameBytes { form, bytes: bytes.freeze() });
            }
        }
    }

    /// What has come to a peer after that; it waits a while if nothing has.
    pub(crate) async fn arrivals(
        &self,
        source: &Source,
        version: &Digest,
        after: After,
        progress: &Progress,
    ) -> Result<Told, NoFrame> {
        let assignment = progress.assignment();
        let asked =
            Asked { path: arrivals_path(version, after), from: 0, until: None, assignment, body: None };
        let answer = LISTEN_TIME + ANSWER_TIMEOUT;
        let (address, bytes) = self.talk(source, &asked, answer, 8 + 4 * TOLD_MAX).await?;
        Told::from_bytes(&bytes).ok_or_else(|| nonsense(address))
    }

    /// Pieces that a holder of the whole, or a gateway, gives to nobody else for now.
    pub(crate) async fn claim(
        &self,
        source: &Source,
        version: &Digest,
        wanted: &PieceSet,
        most: usize,
        again: Duration,
        progress: &Progress,
    ) -> Result<Vec<u32>, NoFrame> {
        let wait = source.gateway.then_some(CLAIM_TIME);
        let path = claims_path(version, most, again, wait, source.beyond);
        let body = Some(Bytes::from(wanted.to_bytes()));
        let asked = Asked { path, from: 0, until: None, assignment: progress.assignment(), body };
        let (address, bytes) = self.talk(source, &asked, ANSWER_TIMEOUT, 4 * CLAIMS_MAX).await?;
        claims::from_bytes(&bytes).ok_or_else(|| nonsense(address))
    }

    /// Asks for a short answer, and reads all of it. It counts as no content: it is some bytes for a frame.
    async fn talk(
        &self,
        source: &Source,
        asked: &Asked,
        answer: Duration,
        most: usize,
    ) -> Result<(String, BytesMut), NoFrame> {
        let (address, mut response) = self.connect(source, asked, answer).await?;
        if response.status() != StatusCode::OK {
            return Err(NoFrame::Refused { address, status: response.status().as_u16() });
        }
        let mut bytes = BytesMut::new();
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) if bytes.len() + chunk.len() <= most => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Ok(Some(_))) => return Err(NoFrame::TooLong { address, expected: most }),
                Ok(Ok(None)) => return Ok((address, bytes)),
                Ok(Err(error)) => return Err(NoFrame::Broken { address, cause: innermost(&error) }),
                Err(_) => {
                    return Err(NoFrame::Stalled { address, bytes: most as u64, window: ANSWER_TIMEOUT });
                }
            }
        }
    }

    async fn connect(
        &self,
        source: &Source,
        asked: &Asked,
        answer: Duration,
    ) -> Result<(String, Response), NoFrame> {
        let Asked { path, assignment, .. } = asked;
        let mut cause = "it has no address".to_owned();
        for address in self.addresses(source) {
            let http = (self.http)(source.provider);
            let url = format!("{}://{address}{path}", self.scheme);
            let mut request = match &asked.body {
                None => http.get(url),
                Some(body) => http.post(url).body(body.clone()),
            };
            if let Some(assignment) = assignment {
                request = request.header(ASSIGNMENT_HEADER, assignment.to_string());
            }
            if let Some(range) = asked.range() {
                request = request.header(RANGE, range);
            }
            let (request, begun) = (request.send(), Instant::now());
            // The answer's head counts as connecting: a source that accepts and is silent is no use.
            match tokio::time::timeout(answer, request).await {
                Ok(Ok(response)) => {
                    let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
                    answered.insert(source.provider, address.clone());
                    self.answered_after(source.provider, begun.elapsed());
                    return Ok((address, response));
                }
                Ok(Err(error)) => cause = innermost(&error),
                Err(_) => cause = format!("no answer in {} s", answer.as_secs_f32()),
            }
        }
        Err(NoFrame::Unreachable { addresses: source.addresses.clone(), cause })
    }

    fn answered_after(&self, source: ProviderId, took: Duration) {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.entry(source).or_insert(took);
        *way = took.min(*way);
    }

    /// What the way there and back takes, as far as is known: who is waited for, or has much to send, answers
    /// later, but not always.
    pub(crate) fn way(&self, source: ProviderId) -> Duration {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(&source).copied().unwrap_or_default()
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

/// Reads at most as much as is expected, and leaves a source that is too slow. What is held back here is
/// not its fault.
async fn body(
    Arrival { from, address, mut response, expected, mut paid }: Arrival,
    Way { patience, pace, progress }: Way<'_>,
    bytes: &mut BytesMut,
    part: &mut Part,
) -> Result<(), NoFrame> {
    let room = expected.saturating_sub(bytes.len());
    if response.content_length().is_some_and(|length| length > room as u64) {
        return Err(NoFrame::TooLong { address, expected });
    }
    bytes.reserve(room);
    let (mut window_end, mut in_window) = (Instant::now() + patience.stall_window, 0_u64);
    loop {
        let chunk = match timeout_at(window_end, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(()),
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
        progress.received(from, chunk.len() as u64);
        in_window += chunk.len() as u64;
        if bytes.len() + chunk.len() > expected {
            return Err(NoFrame::TooLong { address, expected });
        }
        bytes.extend_from_slice(&chunk);
        part.push(&chunk);
        let unpaid = chunk.len().saturating_sub(paid);
        paid = paid.saturating_sub(chunk.len());
        if unpaid > 0 {
            let begun = Instant::now();
            pace.take(unpaid).await;
            window_end += begun.elapsed();
        }
    }
}

/// Whether the answer begins where what is there ends.
fn continues(response: &Response, asked: &Asked) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let Asked { from, .. } = asked;
    asked.range().is_some() && range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")))
}

/// What a request's `Range` header leaves of a frame, and the `Content-Range` of that answer if it is
/// not the whole. Only the forms that this client sends are understood (`bytes=N-`, `bytes=N-M`), and only
/// for the named bytes: anything else is answered with the whole, as RFC 9110 allows.
pub fn rest_of(mut frame: FrameBytes, range: Option<&str>) -> (FrameBytes, Option<String>) {
    let whole = frame.bytes.len();
    let bounds = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let bounds = bounds.and_then(|(start, end)| {
        let end = if end.is_empty() { whole } else { end.parse::<usize>().ok()?.checked_add(1)? };
        Some((start.parse::<usize>().ok()?, end.min(whole)))
    });
    let asked = bounds.filter(|(start, end)| frame.form == FrameForm::Named && start < end);
    let Some((start, end)) = asked.filter(|bounds| *bounds != (0, whole)) else { return (frame, None) };
    frame.bytes = frame.bytes.slice(start..end);
    (frame, Some(format!("bytes {start}-{}/{whole}", end - 1)))
}

fn nonsense(address: String) -> NoFrame {
    NoFrame::Broken { address, cause: "its answer cannot be read".into() }
}

/// What happened at the bottom: `Connection refused`, not `error sending request for url`.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
