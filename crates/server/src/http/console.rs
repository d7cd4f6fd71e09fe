//! The web console: files that were compiled in, and its page for every address that is one of its own.
//!
//! Nothing is loaded from another site, and nothing inline runs: the policy below says so to the browser.

use crate::app::refused::Refused;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use diecast_domain::code::Code;
use rust_embed::{EmbeddedFile, RustEmbed};

/// `web/dist`, or the page that says how to build it: `build.rs` chooses.
#[derive(RustEmbed)]
#[folder = "$DIECAST_CONSOLE"]
struct Files;

const PAGE: &str = "index.html";
/// Files whose names carry the digest of their content.
const HASHED: &str = "assets/";
/// As what the build packed files, the smallest first: what it is called, and the end of such a file's name.
const PACKED: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// Addresses under these are never the console's.
const NOT_PAGES: [&str; 3] = ["api/", "agent/", HASHED];

/// `data:` for the pointer that a machine's screen draws; the screen itself comes over a WebSocket, which
/// `'self'` includes.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// A file of the console, its page, or that there is nothing here.
pub(super) async fn serve(request: Request) -> Result<Response, Refused> {
    let nothing = || Refused::new(Code::A0004, "there is nothing at this address");
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(nothing());
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = Files::get(path).filter(|_| !path.starts_with('.')) {
        return Ok(answer(path, file, request.headers()));
    }
    let may_be_page = !NOT_PAGES.iter().any(|prefix| path.starts_with(prefix));
    if path.is_empty() || (may_be_page && wants_page(request.headers())) {
        let page = Files::get(PAGE).ok_or_else(nothing)?;
        return Ok(answer(PAGE, page, request.headers()));
    }
    Err(nothing())
}

/// A browser that was given an address, not a program that mistook one.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The file as the browser takes it in fewest bytes, and what it is packed as.
fn smallest(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> (EmbeddedFile, Option<&'static str>) {
    let takes = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `gzip;q=0` is a refusal; browsers do not say such things, and then get it as it is.
    let takes = |name: &str| takes.split(',').any(|one| one.trim() == name);
    for (name, end) in PACKED {
        if let Some(packed) = Files::get(&format!("{path}{end}")).filter(|_| takes(name)) {
            return (packed, Some(name));
        }
    }
    (file, None)
}

fn answer(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let (file, packed) = smallest(path, file, asked);
    let etag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut response = if known {
        axum::http::StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(file.data))
    };
    let cache = if path.starts_with(HASHED) { IMMUTABLE } else { ASK_AGAIN };
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, media_type(path)),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "accept-encoding"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(packed) = packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packed));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, takes: &'static str) -> Response {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(takes))]);
        answer(path, Files::get(path).expect("it is listed"), &headers)
    }

    #[test]
    fn what_was_packed_is_handed_out_packed_to_whom_takes_it() {
        for path in Files::iter().filter(|path| path.ends_with(".js") || path.ends_with(".css")) {
            let plain = asked(&path, "");
            assert!(!plain.headers().contains_key(header::CONTENT_ENCODING), "{path}");
            for (takes, name) in [("gzip, deflate, br", "br"), ("deflate, gzip", "gzip")] {
                let packed = asked(&path, takes);
                assert_eq!(packed.headers()[header::CONTENT_ENCODING], name, "{path}");
                assert_eq!(packed.headers()[header::CONTENT_TYPE], plain.headers()[header::CONTENT_TYPE]);
                assert_ne!(
                    packed.headers()[header::ETAG],
                    plain.headers()[header::ETAG],
                    "another body, another tag"
                );
                assert_eq!(packed.headers()[header::VARY], "accept-encoding");
            }
        }
    }
}
