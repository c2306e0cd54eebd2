//! Asking time-stamping servers in turn until one gives a stamp that holds.
//!
//! Network, clock and chance are the caller's ([`Environment`]); which server is asked when, and what counts as an
//! answer, is decided here.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use time::OffsetDateTime;

use super::attach::Stampable;
use super::reply::{ReplyError, describe};
use super::request::{Request, Stamp};
use super::{Protocol, TimestampError};
use crate::anchor::Anchors;
use crate::environment::{Environment, HttpRequest, Method, TransportError, pause_before};

/// Longest pause before the second round; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between two rounds.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// A time-stamping server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its address, `http` or `https`.
    pub url: String,
    /// What it speaks; no server tells.
    pub protocol: Protocol,
}

/// Which servers are asked, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// The servers in the order of preference.
    pub list: Vec<Server>,
    /// How long one request may take, from the name look-up to the last byte.
    pub timeout: Duration,
    /// How often a server is asked that might answer later.
    pub attempts: u32,
    /// How long everything may take for one signature.
    pub deadline: Duration,
}

impl Servers {
    /// How long one request may take where nobody says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// Servers that are each asked up to three times for at most `timeout`, for a minute in all, or longer where
    /// asking each one once may take longer.
    pub fn new(list: Vec<Server>, timeout: Duration) -> Self {
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
        Self {
            deadline: timeout.saturating_mul(count).max(Duration::from_secs(60)),
            list,
            timeout,
            attempts: 3,
        }
    }
}

/// What is wrong with a server's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is none.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An HTTP status other than success.
    #[error("answers with HTTP status {status}{said}")]
    Status {
        /// The status code.
        status: u16,
        /// The beginning of what stands beside it.
        said: String,
    },
    /// It is no time stamp for the request.
    #[error("{error}{labelled}")]
    Reply {
        /// What it is instead.
        error: ReplyError,
        /// The content type, where that helps to see what answered.
        labelled: String,
    },
}

impl Problem {
    /// Whether the same server may answer later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Transport(error) => error.passing,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Reply { error, .. } => error.is_passing(),
        }
    }
}

/// A server that gave no time stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub server: Server,
    /// What it said.
    pub problem: Problem,
    /// How often it said so.
    pub times: u32,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Server { url, protocol } = &self.server;
        write!(f, "{url} ({}) {}", protocol.name(), self.problem)?;
        match self.times {
            1 => Ok(()),
            times => write!(f, " ({times} times)"),
        }
    }
}

/// No server gave a time stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObtainError {
    /// Every server that was asked, in order, with what it said.
    pub failures: Vec<Failure>,
    /// Whether time ran out before every attempt was made.
    pub out_of_time: bool,
}

impl ObtainError {
    /// Whether a server's stamp was refused because its chain ends at no known anchor.
    pub fn has_unknown_chain(&self) -> bool {
        self.replies()
            .any(|(_, error)| matches!(error, ReplyError::Unsound(TimestampError::UnknownChain(_))))
    }

    /// The first server that speaks the protocol which it was not asked in.
    pub fn speaks_otherwise(&self) -> Option<&Server> {
        self.replies()
            .find(|(_, error)| matches!(error, ReplyError::OtherProtocol(_)))
            .map(|(server, _)| server)
    }

    fn replies(&self) -> impl Iterator<Item = (&Server, &ReplyError)> {
        self.failures
            .iter()
            .filter_map(|failure| match &failure.problem {
                Problem::Reply { error, .. } => Some((&failure.server, error)),
                _ => None,
            })
    }
}

impl std::error::Error for ObtainError {}

impl std::fmt::Display for ObtainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no server gave a time stamp")?;
        if self.out_of_time {
            f.write_str(" in time")?;
        }
        for failure in &self.failures {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}

/// A time stamp and who gave it.
#[derive(Debug, Clone)]
pub struct Obtained {
    /// The stamp.
    pub stamp: Stamp,
    /// Who gave it.
    pub server: Server,
    /// Who was asked before, with what they said.
    pub failures: Vec<Failure>,
}

/// Obtains time stamps, one after the other or from several threads.
pub struct Obtainer<'a> {
    servers: &'a Servers,
    anchors: &'a Anchors,
    environment: &'a dyn Environment,
    /// Index of the server that answered last, which the next signature asks first: in a batch a dead server costs
    /// its time-out once.
    first: AtomicUsize,
    /// Whether the last signature got no stamp. Those that follow ask every server once, until one answers: a batch
    /// should not wait for every file as long as for the first.
    failing: AtomicBool,
}

impl<'a> Obtainer<'a> {
    /// Asks `servers` and accepts stamps whose chain ends at one of `anchors`.
    pub fn new(
        servers: &'a Servers,
        anchors: &'a Anchors,
        environment: &'a dyn Environment,
    ) -> Self {
        Self {
            servers,
            anchors,
            environment,
            first: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
        }
    }

    /// The anchors that decide about chains.
    pub(crate) fn anchors(&self) -> &'a Anchors {
        self.anchors
    }

    /// The time of day.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.environment.now()
    }

    /// Obtains a time stamp for a signature.
    ///
    /// Every server is asked in turn. Those whose failure may pass are asked again after a pause whose length has
    /// chance in it, so that many clients that failed together do not come back together.
    ///
    /// # Errors
    /// [`ObtainError`] where none gave a stamp that holds.
    pub fn obtain(&self, stampable: &Stampable) -> Result<Obtained, ObtainError> {
        let attempts = match self.failing.load(Ordering::Relaxed) {
            true => 1,
            false => self.servers.attempts.max(1),
        };
        let result = self.obtain_within(attempts, stampable);
        self.failing.store(result.is_err(), Ordering::Relaxed);
        result
    }

    fn obtain_within(&self, attempts: u32, stampable: &Stampable) -> Result<Obtained, ObtainError> {
        let start = self.environment.elapsed();
        let left = || {
            let used = self.environment.elapsed().saturating_sub(start);
            self.servers.deadline.saturating_sub(used)
        };
        let mut failures: Vec<Failure> = Vec::new();
        let mut open: Vec<usize> = (0..self.servers.list.len()).collect();
        let first = self.first.load(Ordering::Relaxed);
        open.sort_by_key(|index| *index != first);
        for round in 0..attempts {
            if round > 0 {
                let pause = pause_before(self.environment, round, FIRST_PAUSE, MAX_PAUSE);
                self.environment.pause(pause.min(left()));
            }
            for index in std::mem::take(&mut open) {
                let Some(server) = self.servers.list.get(index) else {
                    continue;
                };
                let timeout = self.servers.timeout.min(left());
                if timeout.is_zero() {
                    return Err(ObtainError {
                        failures,
                        out_of_time: true,
                    });
                }
                match self.ask(server, stampable, timeout) {
                    Ok(stamp) => {
                        self.first.store(index, Ordering::Relaxed);
                        return Ok(Obtained {
                            stamp,
                            server: server.clone(),
                            failures,
                        });
                    }
                    Err(problem) => {
                        if problem.is_passing() {
                            open.push(index);
                        }
                        note(&mut failures, server, problem);
                    }
                }
            }
            if open.is_empty() {
                break;
            }
        }
        Err(ObtainError {
            failures,
            out_of_time: false,
        })
    }

    fn ask(
        &self,
        server: &Server,
        stampable: &Stampable,
        timeout: Duration,
    ) -> Result<Stamp, Problem> {
        let nonce = self.environment.random()?;
        let Stampable { octets, digest } = stampable;
        let request = Request::new(server.protocol, *digest, octets, nonce);
        let reply = self.environment.send(HttpRequest {
            method: Method::Post,
            url: &server.url,
            headers: &[
                ("content-type", request.content_type()),
                ("accept", request.accept()),
            ],
            body: &request.body(),
            timeout,
            follows_redirects: true,
        })?;
        if !(200..300).contains(&reply.status) {
            let said = describe(&reply.body).map_or(String::new(), |said| format!(" and {said}"));
            let status = reply.status;
            return Err(Problem::Status { status, said });
        }
        let now = self.environment.now();
        request
            .read_reply(&reply.body, self.anchors, now)
            .map_err(|error| Problem::Reply {
                labelled: label(&error, reply.header("content-type"), request.accept()),
                error,
            })
    }
}

/// The content type, where it was no answer and called itself something else.
fn label(error: &ReplyError, content_type: Option<&str>, wanted: &str) -> String {
    match (error, content_type) {
        (ReplyError::NoAnswer(_), Some(found)) if found != wanted => {
            format!(", labelled {}", super::reply::quote(found))
        }
        _ => String::new(),
    }
}

/// Adds a failure, or counts it where the server said the same before.
fn note(failures: &mut Vec<Failure>, server: &Server, problem: Problem) {
    let same = |failure: &&mut Failure| failure.server == *server && failure.problem == problem;
    match failures.iter_mut().find(same) {
        Some(failure) => failure.times = failure.times.saturating_add(1),
        None => failures.push(Failure {
            server: server.clone(),
            problem,
            times: 1,
        }),
    }
}
