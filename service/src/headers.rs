//! The heads of requests and answers: what could be read in two ways is refused, and browsers learn from every answer
//! what they must not do with it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Problem, Slug};
use crate::state::Inner;

/// What holds for every answer. Nothing here is for other sites or for frames.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What holds where the answer says nothing else: it is for the one who asked, and no page.
const OTHERWISE: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// For a year this host is asked by TLS alone.
const TLS_ALONE: &str = "max-age=31536000";

/// Adds to every answer what browsers have to know.
pub(crate) async fn protect(
    State(state): State<Arc<Inner>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in OTHERWISE {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if state.setup.config.is_secure() {
        let value = HeaderValue::from_static(TLS_ALONE);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Refuses what a proxy in front may have understood in another way, and what is sent in a form that is not taken.
/// Lengths that contradict each other do not get as far as this.
pub(crate) async fn one_meaning(request: Request, next: Next) -> Response {
    match ambiguity(request.version(), request.headers()) {
        None => next.run(request).await,
        Some(what) => {
            let mut response = Problem::because(Slug::BadRequest, what).into_response();
            // Where one request ends is not certain, so there is no next one.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            response
        }
    }
}

fn ambiguity(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let count = |name: HeaderName| headers.get_all(name).iter().count();
    match count(header::HOST) {
        0 if version == Version::HTTP_11 => return Some("the request names no host"),
        0 | 1 => {}
        _ => return Some("the request names more than one host"),
    }
    let is = |name: HeaderName, wanted: &str| {
        let mut values = headers.get_all(name).iter();
        values.all(|value| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes()))
    };
    if count(header::TRANSFER_ENCODING) > 1 || !is(header::TRANSFER_ENCODING, "chunked") {
        return Some("the only transfer coding that is taken is 'chunked', once");
    }
    if !is(header::CONTENT_ENCODING, "identity") {
        return Some("bodies are taken as they are, without a content coding");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: Version, lines: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        ambiguity(version, &headers).is_none()
    }

    #[test]
    fn a_request_has_one_meaning() {
        let host = ("host", "a");
        assert!(told(Version::HTTP_11, &[host]));
        assert!(told(Version::HTTP_10, &[]));
        assert!(!told(Version::HTTP_11, &[]));
        assert!(!told(Version::HTTP_11, &[host, ("host", "a")]));
        let chunked = ("transfer-encoding", "Chunked");
        assert!(told(Version::HTTP_11, &[host, chunked]));
        assert!(!told(Version::HTTP_11, &[host, chunked, chunked]));
        for value in ["gzip, chunked", "chunked, chunked", "identity", "\tchunked"] {
            assert!(!told(
                Version::HTTP_11,
                &[host, ("transfer-encoding", value)]
            ));
        }
        assert!(told(
            Version::HTTP_11,
            &[host, ("content-encoding", "identity")]
        ));
        assert!(!told(
            Version::HTTP_11,
            &[host, ("content-encoding", "gzip")]
        ));
    }
}
