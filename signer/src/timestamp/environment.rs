//! What obtaining a time stamp needs from outside, brought by the caller: network, clock, chance.

use std::time::Duration;

use time::OffsetDateTime;

/// Largest reply that is read, in bytes: a token with its chain has some 6,000.
pub const MAX_REPLY: usize = 1 << 20;

/// A request to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpRequest<'a> {
    /// Where it goes, by POST.
    pub url: &'a str,
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Accept`.
    pub accept: &'a str,
    /// What is sent.
    pub body: &'a [u8],
    /// How long everything may take.
    pub timeout: Duration,
}

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// Status code.
    pub status: u16,
    /// `Content-Type`, where the server names one.
    pub content_type: Option<String>,
    /// At most [`MAX_REPLY`] bytes.
    pub body: Vec<u8>,
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

/// What obtaining a time stamp needs from outside.
pub trait Environment: Sync {
    /// Sends a request by POST and reads the reply, whatever its status.
    ///
    /// # Errors
    /// Where there is no complete reply of at most [`MAX_REPLY`] bytes in time.
    fn post(&self, request: HttpRequest<'_>) -> Result<HttpReply, TransportError>;
    /// Time since some fixed moment, by a clock that is never set.
    fn elapsed(&self) -> Duration;
    /// The time of day, for comparison with the stamp's.
    fn now(&self) -> OffsetDateTime;
    /// Waits.
    fn pause(&self, duration: Duration);
    /// Eight bytes that nobody can guess.
    ///
    /// # Errors
    /// Where the system gives none.
    fn random(&self) -> Result<[u8; 8], TransportError>;
}
