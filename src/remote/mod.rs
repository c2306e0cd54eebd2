//! The command line as a client of `proofmark serve`: docs/service.md.

pub(crate) mod answer;
mod archive;
pub(crate) mod digest;
mod identity;
pub(crate) mod lint;
pub(crate) mod request;
mod same_content;
pub(crate) mod sign;
pub(crate) mod verify;
pub(crate) mod window;

use std::io::Seek;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use signer::environment::Environment;
use signer::environment::may_carry_secrets;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::http::{Answer, Network, Sent, check_url};

/// Largest problem that is read, in bytes.
const MAX_PROBLEM: u64 = 16 << 20;
/// Largest answer in JSON that is read, in bytes.
const MAX_JSON: u64 = 256 << 20;
/// How often it is asked again where there were too many requests.
const AGAIN: usize = 5;
/// Longest wait before that, in seconds.
const LONGEST_WAIT: u64 = 60;
/// How long an answer may take: files wait in line at the service.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A service that does the work in the stead of this machine.
#[derive(Debug, Args)]
pub(crate) struct RemoteArgs {
    /// Address of a service (proofmark serve) that does it with its own keys, policies and anchors: the files go there
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// File whose first line is the token for the service [default: PROOFMARK_TOKEN, or the identity of the CI job]
    #[arg(long, value_name = "FILE", requires = "remote")]
    token_file: Option<PathBuf>,
}

impl RemoteArgs {
    /// The service, where one is named.
    pub(crate) fn service(&self) -> Result<Option<Remote>, Error> {
        let url = self.remote.as_deref();
        url.map(|url| Remote::new(url, self.token_file.as_deref()))
            .transpose()
    }
}

/// The service of a command that needs one.
#[derive(Debug, Args)]
struct ServiceArgs {
    /// Address of the service (proofmark serve)
    #[arg(long, value_name = "URL", env = "PROOFMARK_REMOTE")]
    remote: String,
    /// File whose first line is the token for the service [default: PROOFMARK_TOKEN, or the identity of the CI job]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ServiceArgs {
    fn service(&self) -> Result<Remote, Error> {
        Remote::new(&self.remote, self.token_file.as_deref())
    }
}

/// Refuses options that would mean nothing where a service does the work: those that are given, by name.
pub(crate) fn refuse(options: &[(bool, &str)]) -> Result<(), Error> {
    match options.iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, option)) => Err(Error::new(format_args!(
            "{option} means nothing with --remote"
        ))
        .hint("the service has its own keys, policies and anchors, and does all of its work in its own way")),
    }
}

/// A service, and how it knows us.
pub(crate) struct Remote {
    /// Without a slash at its end.
    url: String,
    authorization: Option<Zeroizing<String>>,
    network: Network,
}

/// An answer that is no file.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Its last part names the kind: `urn:proofmark:not-found`.
    pub(crate) problem: Value,
    status: u16,
}

impl Refusal {
    /// The kind of the problem.
    pub(crate) fn slug(&self) -> &str {
        let kind = self.problem["type"].as_str().unwrap_or_default();
        kind.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it may work later.
    fn may_pass(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }

    /// What happened, in a line.
    pub(crate) fn in_words(&self) -> String {
        let text = |name: &str| self.problem[name].as_str();
        let words = match (text("title"), text("detail")) {
            (_, Some(detail)) => detail.to_owned(),
            (Some(title), None) => title.to_owned(),
            (None, None) => format!("the service answers {}", self.status),
        };
        crate::output::printable(&words)
    }
}

impl Remote {
    /// A service by its address. `token_file` holds the token; otherwise the environment tells who we are.
    pub(crate) fn new(url: &str, token_file: Option<&Path>) -> Result<Self, Error> {
        let url = url.trim_end_matches('/');
        check_url(url).map_err(|problem| Error::new(format_args!("{url}: {problem}")))?;
        let network = Network::new();
        let token = identity::token(url, token_file, &network)?;
        if token.is_some() && !may_carry_secrets(url) {
            return Err(Error::new(format_args!(
                "{url}: a token would go through the network for everybody to read"
            ))
            .hint("use the https address of the service"));
        }
        Ok(Self {
            url: url.to_owned(),
            authorization: token.map(|token| Zeroizing::new(format!("Bearer {}", token.as_str()))),
            network,
        })
    }

    /// Gets JSON below the service's address.
    fn get_json(&self, path: &str) -> Result<Value, Error> {
        let body = self.get(path, MAX_JSON)?;
        self.json(&body)
    }

    /// Posts JSON, or nothing, and gets JSON.
    fn post_json(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let headers = [("content-type", "application/json")];
        let answer = self.ask(path, &headers, Sent::Bytes(body.as_bytes()))?;
        let body = self.expect(answer)?.bytes(MAX_JSON);
        self.json(&body.map_err(|error| self.failed(&error))?)
    }

    fn json(&self, body: &[u8]) -> Result<Value, Error> {
        serde_json::from_slice(body).map_err(|error| {
            Error::new(format_args!(
                "{} gives an answer that is none: {error}",
                self.url
            ))
        })
    }

    /// Gets a document below the service's address.
    pub(crate) fn get(&self, path: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let answer = self.ask(path, &[], Sent::Nothing)?;
        self.expect(answer)?
            .bytes(limit)
            .map_err(|error| self.failed(&error))
    }

    /// Sends a request; any answer is one. Where there were too many, it waits as long as the service says.
    pub(crate) fn ask(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        sent: Sent<'_>,
    ) -> Result<Answer, Error> {
        for _ in 0..AGAIN {
            let once = match &sent {
                Sent::Nothing => Sent::Nothing,
                Sent::Bytes(bytes) => Sent::Bytes(bytes),
                Sent::File(file) => {
                    (&mut &**file).rewind()?;
                    Sent::File(file)
                }
                // What comes out of a pipe comes once.
                Sent::Stream(_) => break,
            };
            let answer = self.ask_once(path, headers, once)?;
            let wait = answer.header("retry-after");
            match wait.and_then(|seconds| seconds.parse().ok()) {
                Some(seconds @ ..=LONGEST_WAIT) if answer.status() == 429 => {
                    self.network.pause(Duration::from_secs(seconds));
                }
                _ => return Ok(answer),
            }
        }
        if let Sent::File(file) = &sent {
            (&mut &**file).rewind()?;
        }
        self.ask_once(path, headers, sent)
    }

    fn ask_once(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        sent: Sent<'_>,
    ) -> Result<Answer, Error> {
        let mut all = headers.to_vec();
        if let Some(authorization) = &self.authorization {
            all.push(("authorization", authorization.as_str()));
        }
        let url = format!("{}{path}", self.url);
        let answer = self.network.exchange(&url, &all, sent, PATIENCE);
        answer.map_err(|error| self.failed(&error))
    }

    /// The answer, where it is a good one; otherwise what the service says is wrong.
    pub(crate) fn expect(&self, answer: Answer) -> Result<Answer, Error> {
        match self.sort(answer)? {
            Ok(answer) => Ok(answer),
            Err(refusal) => Err(self.error(&refusal)),
        }
    }

    /// Tells good answers from refusals.
    pub(crate) fn sort(&self, mut answer: Answer) -> Result<Result<Answer, Refusal>, Error> {
        let status = answer.status();
        if (200..300).contains(&status) {
            return Ok(Ok(answer));
        }
        let body = answer.bytes(MAX_PROBLEM);
        let body = body.map_err(|error| self.failed(&error))?;
        let problem = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Err(Refusal { problem, status }))
    }

    /// What a refusal means to a user.
    pub(crate) fn error(&self, refusal: &Refusal) -> Error {
        let error = Error::new(format_args!("{}: {}", self.url, refusal.in_words()));
        match (refusal.status, &self.authorization) {
            (401 | 403 | 404, None) => error.hint(
                "no token was sent: PROOFMARK_TOKEN, --token-file, or the identity of a CI job",
            ),
            _ => error,
        }
    }

    pub(crate) fn failed(&self, error: &signer::environment::TransportError) -> Error {
        Error::new(format_args!("{} {error}", self.url))
    }
}

/// A text as part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names_in_addresses() {
        assert_eq!(encoded("a b&c=ü/.cab"), "a%20b%26c%3D%C3%BC%2F.cab");
    }
}
