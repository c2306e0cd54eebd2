//! Who we are to a service: a token of ours, or what the CI system says about its job.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::encoded;
use crate::error::Error;
use crate::http::{Network, Sent};
use crate::secret::Secret;

/// Holds a token.
const TOKEN: &str = "PROOFMARK_TOKEN";
/// Holds what GitLab says about a job that declares it in `id_tokens`.
const ID_TOKEN: &str = "PROOFMARK_ID_TOKEN";
/// Where GitHub says something about a job that has the permission `id-token: write`, and what it wants to see for it.
const GITHUB: [&str; 2] = [
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];
/// How long GitHub may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest answer of GitHub, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// The token for the service `url`: that of a file, of a variable, of the CI job. Nothing where there is none.
pub(super) fn token(
    url: &str,
    file: Option<&Path>,
    network: &Network,
) -> Result<Option<Zeroizing<String>>, Error> {
    if let Some(path) = file {
        let secret = Secret {
            file: Some(path.to_owned()),
            ..Secret::default()
        };
        return checked(secret.read("the token")?);
    }
    for name in [TOKEN, ID_TOKEN] {
        if let Some(token) = variable(name) {
            return checked(Some(token));
        }
    }
    let [address, bearer] = GITHUB.map(variable);
    match (address, bearer) {
        (Some(address), Some(bearer)) => github(url, &address, &bearer, network).map(Some),
        _ => Ok(None),
    }
}

fn variable(name: &str) -> Option<Zeroizing<String>> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.map(Zeroizing::new)
}

/// A header cannot carry everything.
fn checked(token: Option<Zeroizing<String>>) -> Result<Option<Zeroizing<String>>, Error> {
    let is_token =
        |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    match token {
        Some(token) if !is_token(token.trim()) => Err(Error::new(
            "the token is empty, or has characters that no token has",
        )),
        Some(token) => Ok(Some(Zeroizing::new(token.trim().to_owned()))),
        None => Ok(None),
    }
}

/// Asks GitHub for a token about this job that is meant for the service.
fn github(
    service: &str,
    address: &str,
    bearer: &str,
    network: &Network,
) -> Result<Zeroizing<String>, Error> {
    let separator = match address.contains('?') {
        true => '&',
        false => '?',
    };
    let url = format!("{address}{separator}audience={}", encoded(service));
    let authorization = Zeroizing::new(format!("Bearer {bearer}"));
    let failed = |problem: &dyn std::fmt::Display| {
        Error::new(format_args!(
            "GitHub gives no token for this job: {problem}"
        ))
        .hint("the job needs the permission `id-token: write`")
    };
    let headers = [("authorization", authorization.as_str())];
    let mut answer = network
        .exchange(&url, &headers, Sent::Nothing, PATIENCE)
        .map_err(|error| failed(&format_args!("it {error}")))?;
    if answer.status() != 200 {
        return Err(failed(&format_args!("it answers {}", answer.status())));
    }
    let body = answer.bytes(MAX_ANSWER);
    let body = Zeroizing::new(body.map_err(|error| failed(&format_args!("it {error}")))?);
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = answer["value"]
        .as_str()
        .map(|value| Zeroizing::new(value.to_owned()));
    checked(token)?.ok_or_else(|| failed(&"there is none in the answer"))
}
