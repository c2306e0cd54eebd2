//! A call of a service that speaks JSON: attempts, time, and what is made of its answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{CloudError, quoted, without};
use crate::environment::{Environment, HttpReply, HttpRequest, Method, pause_before};
use crate::timestamp::describe_body;

/// Most attempts of one call.
pub(super) const ATTEMPTS: u32 = 4;
/// Longest pause before the second attempt; it doubles with every further one.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// Longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// How a key asks its service.
pub(super) struct Caller {
    /// Key and service, as messages call them.
    pub(super) key: String,
    pub(super) environment: Arc<dyn Environment>,
    /// How long one call may take, with every attempt.
    pub(super) timeout: Duration,
}

/// A call.
pub(super) struct Call<'a> {
    /// What it is for, in words.
    pub(super) action: &'static str,
    /// Who is asked, in words.
    pub(super) server: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    /// What must not be repeated in a message.
    pub(super) secrets: &'a [&'a str],
}

impl Caller {
    /// Makes a call. What may pass (no connection, throttling, a fault of the server) is tried again after a pause
    /// with chance in it, or as long as the server wants; a refusal never.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Value, CloudError> {
        let start = self.environment.elapsed();
        let left = || {
            let used = self.environment.elapsed().saturating_sub(start);
            self.timeout.saturating_sub(used)
        };
        let mut round = 1;
        loop {
            let reply = self.environment.send(HttpRequest {
                method: call.method,
                url: call.url,
                headers: call.headers,
                body: call.body,
                timeout: left(),
                follows_redirects: false,
            });
            let (error, is_passing, wanted) = match reply {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    return serde_json::from_slice(&reply.body).map_err(|_| {
                        let found = described(&reply.body, call.secrets);
                        let found = found.unwrap_or_else(|| "no JSON".to_owned());
                        self.wrong(call, format_args!("sent {found}"))
                    });
                }
                Ok(reply) => (
                    self.refused(call, &reply),
                    is_passing(reply.status),
                    retry_after(&reply),
                ),
                Err(error) => (self.wrong(call, &error), error.passing, None),
            };
            let pause = wanted
                .unwrap_or_else(|| pause_before(&*self.environment, round, FIRST_PAUSE, MAX_PAUSE));
            if !is_passing || round >= ATTEMPTS || pause >= left() {
                return Err(error);
            }
            self.environment.pause(pause);
            round = round.saturating_add(1);
        }
    }

    /// An answer that is none.
    pub(super) fn wrong(&self, call: &Call<'_>, problem: impl fmt::Display) -> CloudError {
        CloudError::Answer {
            key: self.key.clone(),
            server: call.server.to_owned(),
            problem: problem.to_string(),
        }
    }

    /// A key that cannot be used.
    pub(super) fn unsupported(&self, problem: impl fmt::Display) -> CloudError {
        CloudError::Unsupported {
            key: self.key.clone(),
            problem: problem.to_string(),
        }
    }

    /// A text of an answer.
    pub(super) fn text<'v>(
        &self,
        call: &Call<'_>,
        answer: &'v Value,
        path: &str,
    ) -> Result<&'v str, CloudError> {
        let found = answer.pointer(path).and_then(Value::as_str);
        found.ok_or_else(|| {
            let name = path.trim_start_matches('/').replace('/', ".");
            self.wrong(call, format_args!("sent an answer without {name}"))
        })
    }

    fn refused(&self, call: &Call<'_>, reply: &HttpReply) -> CloudError {
        let status = reply.status;
        let said = said(&reply.body).map(|said| quoted(&said, call.secrets));
        let said = match said.or_else(|| described(&reply.body, call.secrets)) {
            Some(text) => format!("HTTP status {status}, {text}"),
            None => format!("HTTP status {status}"),
        };
        CloudError::Refused {
            key: self.key.clone(),
            server: call.server.to_owned(),
            action: call.action,
            said,
        }
    }
}

/// What a body is that is not the service's own. Secrets are taken out before it is cut, which might leave half of one.
fn described(body: &[u8], secrets: &[&str]) -> Option<String> {
    match std::str::from_utf8(body) {
        Ok(text) => describe_body(without(text, secrets).as_bytes()),
        Err(_) => None,
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504)
}

/// The pause that a server wants, where it says so in seconds.
fn retry_after(reply: &HttpReply) -> Option<Duration> {
    let seconds = reply.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What an error says: of Azure and Google `{"error": {"code", "message", "status"}}`, of OAuth (RFC 6749 §5.2)
/// `{"error", "error_description"}`.
fn said(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let text = |path: &str| answer.pointer(path).and_then(Value::as_str);
    let code = text("/error/status")
        .or_else(|| text("/error/code"))
        .or_else(|| text("/error"));
    let message = text("/error/message").or_else(|| text("/error_description"));
    // What Azure's code hides is one level further in, e.g. a key that is disabled or not yet valid.
    let inner = text("/error/innererror/code").map(|inner| format!(" ({inner})"));
    match (code, message) {
        (Some(code), Some(message)) => {
            Some(format!("{code}{}: {message}", inner.unwrap_or_default()))
        }
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// Refuses an address to which credentials would travel readable: `https` alone, or `http` to this machine.
pub(super) fn check_secure(url: &str) -> Result<(), CloudError> {
    let problem = |problem: &str| Err(CloudError::Choice(format!("'{url}': {problem}")));
    let Some((scheme, rest)) = url.split_once("://") else {
        return problem("it is no URL");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return problem("it names no host, or a user with it");
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match scheme {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => problem("it must begin with https://, so that nobody reads the credentials"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_travel_encrypted_or_not_at_all() {
        for good in [
            "https://contoso.vault.azure.net",
            "http://127.0.0.1:5000/x",
            "http://localhost",
            "http://[::1]:1/",
        ] {
            assert_eq!(check_secure(good), Ok(()), "{good}");
        }
        for bad in [
            "http://contoso.vault.azure.net",
            "http://127.0.0.1.example/",
            "http://localhost@evil.example/",
            "https://u:p@a/",
            "https://",
            "contoso",
            "ftp://localhost/",
        ] {
            assert!(check_secure(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_are_read_in_every_form() {
        for (body, expected) in [
            (
                r#"{"error":{"code":"Forbidden","message":"no","innererror":{"code":"KeyDisabled"}}}"#,
                "Forbidden (KeyDisabled): no",
            ),
            (
                r#"{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}"#,
                "PERMISSION_DENIED: denied",
            ),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215"}"#,
                "invalid_client: AADSTS7000215",
            ),
            (r#"{"error":"slow_down"}"#, "slow_down"),
        ] {
            assert_eq!(said(body.as_bytes()).as_deref(), Some(expected));
        }
        assert_eq!(said(b"{}"), None);
        assert_eq!(said(b"<html>"), None);
    }
}
