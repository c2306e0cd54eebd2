//! Access tokens (RFC 6749 §5.1), kept until shortly before they expire.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::CloudError;
use super::call::{Call, Caller};
use crate::environment::Method;

/// So long before its end a token is replaced.
const MARGIN: Duration = Duration::from_secs(120);

/// A token and how long it is good; wiped when dropped.
pub(super) struct AccessToken {
    pub(super) secret: Zeroizing<String>,
    /// From now on; without end where it is unknown.
    pub(super) lifetime: Option<Duration>,
}

/// The token that is good now. One thread fetches the next while the others wait.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<Option<(Zeroizing<String>, Option<Duration>)>>);

impl TokenCache {
    /// The token as a header's value, `Bearer ...`.
    pub(super) fn bearer(
        &self,
        caller: &Caller,
        fetch: impl FnOnce() -> Result<AccessToken, CloudError>,
    ) -> Result<Zeroizing<String>, CloudError> {
        // A thread that broke down in here left the old token behind, or none.
        let mut kept = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let now = caller.environment.elapsed();
        if let Some((bearer, end)) = &*kept
            && end.is_none_or(|end| now < end)
        {
            return Ok(bearer.clone());
        }
        let token = fetch()?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.secret.as_str()));
        let end = token
            .lifetime
            .map(|lifetime| now.saturating_add(lifetime.saturating_sub(MARGIN)));
        *kept = Some((bearer.clone(), end));
        Ok(bearer)
    }
}

/// Asks a token server.
pub(super) fn fetch(
    caller: &Caller,
    server: &str,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    form: &[(&str, &str)],
    secrets: &[&str],
) -> Result<AccessToken, CloudError> {
    let form: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let body = Zeroizing::new(form.join("&"));
    let call = Call {
        action: "an access token",
        server,
        method,
        url,
        headers,
        body: body.as_bytes(),
        secrets,
    };
    let answer = caller.call(&call)?;
    let secret = caller.text(&call, &answer, "/access_token")?;
    // What cannot stand in a header is no token.
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(caller.wrong(&call, "sent a token that is none"));
    }
    Ok(AccessToken {
        secret: Zeroizing::new(secret.to_owned()),
        lifetime: answer
            .get("expires_in")
            .and_then(seconds)
            .map(Duration::from_secs),
    })
}

/// A number, or a text that is one, as Azure's machines write it.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Percent-encodes what is not unreserved (RFC 3986 §2.3).
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        assert_eq!(
            encoded("https://a.b/.default"),
            "https%3A%2F%2Fa.b%2F.default"
        );
        assert_eq!(encoded("a+b=c~ü"), "a%2Bb%3Dc~%C3%BC");
    }

    #[test]
    fn lifetimes_are_numbers_or_texts() {
        assert_eq!(seconds(&Value::from(3599)), Some(3599));
        assert_eq!(seconds(&Value::from("86399")), Some(86399));
        assert_eq!(seconds(&Value::from(-1)), None);
    }
}
