//! Requests to servers that stamp the time or hold keys: the one place that opens a connection.
//!
//! Certificates of `https` servers are judged by the roots of the operating system, so that an organisation's own
//! servers and proxies are known. They keep others from listening; what a stamp is worth is decided by its own chain, and a signature is verified.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::{CryptoProvider, ring};
use signer::environment::{Environment, HttpReply, HttpRequest, MAX_REPLY, Method, TransportError};
use time::OffsetDateTime;
use ureq::http::{self, Request, Response, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, AsSendBody, Body, SendBody};

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// How the program calls itself.
const USER_AGENT: &str = concat!("proofmark/", env!("CARGO_PKG_VERSION"));

/// The network, the clock and the random source of this machine. Connections are kept for the next request.
pub(crate) struct Network {
    start: Instant,
    crypto: Arc<CryptoProvider>,
    plain: Agent,
    /// Made when it is needed: reading the roots takes some milliseconds.
    secure: OnceLock<Agent>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            crypto: Arc::new(ring::default_provider()),
            plain: agent(TlsConfig::default()),
            secure: OnceLock::new(),
        }
    }

    fn secure(&self) -> &Agent {
        self.secure.get_or_init(|| {
            // A root that cannot be read is missing then, and the server it stands for is refused.
            let roots = rustls_native_certs::load_native_certs().certs;
            let roots = roots
                .iter()
                .map(|root| Certificate::from_der(root).to_owned());
            agent(
                TlsConfig::builder()
                    .provider(TlsProvider::Rustls)
                    .unversioned_rustls_crypto_provider(Arc::clone(&self.crypto))
                    .root_certs(RootCerts::from(roots))
                    .build(),
            )
        })
    }

    fn send_to(
        &self,
        url: &str,
        request: &HttpRequest<'_>,
        timeout: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let agent = match is_secure(url) {
            true => self.secure(),
            false => &self.plain,
        };
        let mut builder = Request::builder().uri(url).method(match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
        });
        for (name, value) in request.headers {
            builder = builder.header(*name, *value);
        }
        // Without a body there is no word of its length.
        match request.method {
            Method::Get => agent.run(timed(agent, builder.body(())?, timeout)),
            _ => agent.run(timed(agent, builder.body(request.body)?, timeout)),
        }
    }
}

/// What is sent with a request.
pub(crate) enum Sent<'a> {
    /// Nothing: something is to be got.
    Nothing,
    /// A file, as long as it is.
    File(&'a File),
    /// Some bytes.
    Bytes(&'a [u8]),
    /// What comes out of a pipe, until its end.
    Stream(io::PipeReader),
}

/// An answer of any length, read as it comes.
pub(crate) struct Answer {
    response: Response<Body>,
    timeout: Duration,
}

impl Network {
    /// Sends a request with a body of any length, which follows no redirect.
    ///
    /// # Errors
    /// Where no answer begins in time.
    pub(crate) fn exchange(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        sent: Sent<'_>,
        timeout: Duration,
    ) -> Result<Answer, TransportError> {
        let agent = match is_secure(url) {
            true => self.secure(),
            false => &self.plain,
        };
        let method = match sent {
            Sent::Nothing => http::Method::GET,
            Sent::File(_) | Sent::Bytes(_) | Sent::Stream(_) => http::Method::POST,
        };
        let mut builder = Request::builder().uri(url).method(method);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let response = match sent {
            Sent::Nothing => run(agent, builder.body(()), timeout),
            Sent::File(file) => run(agent, builder.body(file), timeout),
            Sent::Bytes(bytes) => run(agent, builder.body(bytes), timeout),
            Sent::Stream(pipe) => run(
                agent,
                builder.body(SendBody::from_owned_reader(pipe)),
                timeout,
            ),
        };
        match response {
            Ok(response) => Ok(Answer { response, timeout }),
            Err(error) => Err(describe(&error, timeout)),
        }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Writes the body, of at most `limit` bytes.
    pub(crate) fn copy_to(
        &mut self,
        output: &mut dyn Write,
        limit: u64,
    ) -> Result<u64, TransportError> {
        let body = self.response.body_mut().as_reader();
        match io::copy(&mut body.take(limit.saturating_add(1)), output) {
            Ok(length) if length > limit => Err(lasting(format!("sent more than {limit} bytes"))),
            Ok(length) => Ok(length),
            Err(error) => Err(describe(&ureq::Error::from(error), self.timeout)),
        }
    }

    /// The body, of at most `limit` bytes.
    pub(crate) fn bytes(&mut self, limit: u64) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        self.copy_to(&mut bytes, limit)?;
        Ok(bytes)
    }
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .user_agent(USER_AGENT)
        .http_status_as_error(false)
        // Redirects are followed here: a POST must stay one.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into()
}

impl Environment for Network {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpReply, TransportError> {
        let start = Instant::now();
        let failed = |error: ureq::Error| describe(&error, request.timeout);
        let mut url = request.url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let left = request.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(failed(ureq::Error::Timeout(ureq::Timeout::Global)));
            }
            let mut response = self.send_to(&url, &request, left).map_err(failed)?;
            if request.follows_redirects
                && let Some(place) = redirect(&response)
            {
                url = follow(&url, &place)?;
                continue;
            }
            let body = response.body_mut().with_config().limit(MAX_REPLY as u64);
            let body = body.read_to_vec().map_err(failed)?;
            return Ok(HttpReply {
                status: response.status().as_u16(),
                headers: headers(&response),
                body,
            });
        }
        Err(lasting(format!(
            "redirects more than {MAX_REDIRECTS} times"
        )))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn pause(&self, duration: Duration) {
        thread::sleep(duration);
    }

    fn random(&self) -> Result<[u8; 8], TransportError> {
        let mut bytes = [0; 8];
        match self.crypto.secure_random.fill(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(lasting(
                "cannot be asked: the system gives no random numbers",
            )),
        }
    }
}

/// Refuses what is no address of a server, in words.
pub(crate) fn check_url(url: &str) -> Result<(), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it must begin with http:// or https://");
    }
    match uri.authority() {
        None => Err("it names no host"),
        Some(authority) if authority.as_str().contains('@') => {
            Err("user name and password in it are not supported")
        }
        Some(_) => Ok(()),
    }
}

fn is_secure(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https")
}

/// Where a reply sends us.
fn redirect(response: &Response<Body>) -> Option<String> {
    match response.status().as_u16() {
        301 | 302 | 307 | 308 => header_text(response, header::LOCATION),
        _ => None,
    }
}

fn run<B: AsSendBody>(
    agent: &Agent,
    request: Result<Request<B>, http::Error>,
    timeout: Duration,
) -> Result<Response<Body>, ureq::Error> {
    agent.run(timed(agent, request?, timeout))
}

fn timed<B: AsSendBody>(agent: &Agent, request: Request<B>, timeout: Duration) -> Request<B> {
    let configured = agent.configure_request(request);
    configured.timeout_global(Some(timeout)).build()
}

fn headers(response: &Response<Body>) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter();
    headers
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

fn header_text(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The address that `place` means seen from `url`: a full one or a path; from `https` never back to `http`.
fn follow(url: &str, place: &str) -> Result<String, TransportError> {
    let target = match (place.strip_prefix('/'), url.parse::<Uri>()) {
        (Some(path), Ok(uri)) if !path.starts_with('/') => {
            let scheme = uri.scheme_str().unwrap_or("http");
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            format!("{scheme}://{authority}{place}")
        }
        _ => place.to_owned(),
    };
    if check_url(&target).is_err() || is_secure(url) && !is_secure(&target) {
        let place: String = place.escape_debug().take(120).collect();
        return Err(lasting(format!(
            "redirects to '{place}', which is not followed"
        )));
    }
    Ok(target)
}

fn passing(message: impl Into<String>) -> TransportError {
    TransportError {
        message: message.into(),
        passing: true,
    }
}

fn lasting(message: impl Into<String>) -> TransportError {
    TransportError {
        message: message.into(),
        passing: false,
    }
}

fn without_tls(error: impl std::fmt::Display) -> TransportError {
    lasting(format!("cannot be reached by TLS: {error}"))
}

/// What happened, said of the server.
fn describe(error: &ureq::Error, timeout: Duration) -> TransportError {
    match error {
        ureq::Error::Timeout(_) => {
            let seconds = (timeout.as_secs_f32() * 10.0).round() / 10.0;
            passing(format!("gave no complete answer within {seconds} s"))
        }
        ureq::Error::HostNotFound => passing("is not known by that host name"),
        ureq::Error::ConnectionFailed => passing("takes no connection"),
        ureq::Error::Io(error) => match (error.kind(), error.get_ref()) {
            (io::ErrorKind::ConnectionRefused, _) => passing("refuses connections"),
            (_, Some(inner)) if inner.is::<rustls::Error>() => without_tls(inner),
            _ => passing(format!("broke the connection: {error}")),
        },
        ureq::Error::BodyExceedsLimit(_) => lasting(format!("sent more than {MAX_REPLY} bytes")),
        ureq::Error::Rustls(error) => without_tls(error),
        other => lasting(format!("cannot be asked: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_they_are_needed() {
        for good in [
            "http://a",
            "https://a.example:8443/tsa?x=1",
            "HTTP://[::1]/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "a.example/tsa",
            "ftp://a",
            "http://",
            "",
            "http://u:p@a/",
            "http://a b",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_keep_to_http_and_never_leave_tls() {
        let goes = |url: &str, place: &str| follow(url, place).ok();
        assert_eq!(goes("http://a:1/x", "/y").as_deref(), Some("http://a:1/y"));
        assert_eq!(
            goes("http://a/x", "https://b/").as_deref(),
            Some("https://b/")
        );
        assert_eq!(goes("https://a/x", "/y").as_deref(), Some("https://a/y"));
        assert_eq!(goes("https://a/x", "http://a/x"), None);
        for place in ["y", "//b/y", "file:///etc/passwd", "http://u@b/", ""] {
            assert_eq!(goes("http://a/x", place), None, "{place}");
        }
    }
}
