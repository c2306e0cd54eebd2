//! What asking servers needs from outside, brought by the caller: network, clock, chance.

use std::time::Duration;

use time::OffsetDateTime;

/// Largest reply that is read, in bytes: a time stamp with its chain has some 6,000, a signature some 600.
pub const MAX_REPLY: usize = 1 << 20;

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To give something.
    Get,
    /// To do something.
    Post,
    /// To take something.
    Put,
}

/// A request to a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HttpRequest<'a> {
    /// What is asked.
    pub method: Method,
    /// Of whom.
    pub url: &'a str,
    /// Headers, which may hold secrets.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub body: &'a [u8],
    /// How long everything may take.
    pub timeout: Duration,
    /// Whether the server may send us elsewhere. Never where the request carries a secret.
    pub follows_redirects: bool,
}

/// A server's reply.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// Status code.
    pub status: u16,
    /// Headers, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_REPLY`] bytes, which may hold secrets.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// The first header of that name, which is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// What happened, e.g. `gave no answer within 10 s`.
    pub message: String,
    /// Whether it may work later.
    pub passing: bool,
}

/// What asking servers needs from outside.
pub trait Environment: Send + Sync {
    /// Sends a request and reads the reply, whatever its status.
    ///
    /// # Errors
    /// Where there is no complete reply of at most [`MAX_REPLY`] bytes in time.
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpReply, TransportError>;
    /// Time since some fixed moment, by a clock that is never set.
    fn elapsed(&self) -> Duration;
    /// The time of day.
    fn now(&self) -> OffsetDateTime;
    /// Waits.
    fn pause(&self, duration: Duration);
    /// Eight bytes that nobody can guess.
    ///
    /// # Errors
    /// Where the system gives none.
    fn random(&self) -> Result<[u8; 8], TransportError>;
}

/// Whether nobody but the server reads what is sent to an address: TLS, or this machine.
pub fn may_carry_secrets(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // What stands before an `@` is no host, though it may look like one.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_here = match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    is("https") || is("http") && is_here
}

/// How long to wait before round `round` of attempts (the second is 1): from `first` on twice as long each time, at
/// most `most`. Half of it is fixed, the other half is chance, so that many clients that failed together do not come
/// back together.
pub(crate) fn pause_before(
    environment: &dyn Environment,
    round: u32,
    first: Duration,
    most: Duration,
) -> Duration {
    let doubled = 2u32.saturating_pow(round.saturating_sub(1));
    let milliseconds = |pause: Duration| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    let half = milliseconds(first.saturating_mul(doubled).min(most)) / 2;
    let [chance, ..] = environment.random().unwrap_or_default();
    let chance = half.saturating_mul(chance.into()) / 255;
    Duration::from_millis(half.saturating_add(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_through_tls_or_stay_here() {
        for url in [
            "https://sign.example",
            "HTTPS://sign.example:8443/x",
            "http://127.0.0.1:8470",
            "http://[::1]:1/x",
            "http://localhost/",
        ] {
            assert!(may_carry_secrets(url), "{url}");
        }
        for url in [
            "",
            "localhost",
            "http://sign.example",
            "http://127.0.0.1.example/",
            "http://localhost.example",
            "http://localhost:1@sign.example/",
            "http://127.0.0.1@sign.example/",
            "https://user:secret@sign.example/",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
        ] {
            assert!(!may_carry_secrets(url), "{url}");
        }
    }
}
