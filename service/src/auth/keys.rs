//! The public keys of an issuer: from a file, or from its address, asked again when an unknown one is named.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use signer::environment::{Environment, HttpRequest, Method};

/// How long the keys of an address are used without asking again.
const FRESH: Duration = Duration::from_secs(600);
/// How often an address is asked at most: whoever invents key ids does not make us ask.
const PAUSE: Duration = Duration::from_secs(30);
/// How long an issuer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys of one issuer.
pub(super) struct Keys {
    place: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: Option<JwkSet>,
    asked: Option<Duration>,
}

impl Keys {
    /// Keys that are found at `place`: a file, or an address.
    pub(super) fn new(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            known: Mutex::default(),
        }
    }

    /// The key of an id, or the only one where the token names none.
    pub(super) fn find(
        &self,
        id: Option<&str>,
        environment: &dyn Environment,
    ) -> Result<Jwk, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = environment.elapsed();
        let since = known.asked.map(|asked| now.saturating_sub(asked));
        let is_old = since.is_none_or(|since| since > FRESH);
        let found = known.keys.as_ref().and_then(|keys| choose(keys, id));
        if is_old || found.is_none() && since.is_some_and(|since| since > PAUSE) {
            known.asked = Some(now);
            match self.read(environment) {
                Ok(keys) => known.keys = Some(keys),
                // Old keys are better than none: the issuer may be away for a while.
                Err(problem) if known.keys.is_some() => {
                    tracing::warn!(place = self.place, problem, "keys were not read again");
                }
                Err(problem) => {
                    known.asked = None;
                    return Err(problem);
                }
            }
        }
        let found = known.keys.as_ref().and_then(|keys| choose(keys, id));
        found.ok_or_else(|| "the issuer has no such key".to_owned())
    }

    fn read(&self, environment: &dyn Environment) -> Result<JwkSet, String> {
        let bytes = match is_address(&self.place) {
            false => std::fs::read(Path::new(&self.place)).map_err(|error| error.to_string())?,
            true => {
                let request = HttpRequest {
                    method: Method::Get,
                    url: &self.place,
                    headers: &[],
                    body: &[],
                    timeout: PATIENCE,
                    follows_redirects: true,
                };
                let reply = environment.send(request);
                let reply = reply.map_err(|error| error.to_string())?;
                match reply.status {
                    200 => reply.body,
                    status => return Err(format!("{} answers {status}", self.place)),
                }
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", self.place))
    }
}

/// Whether a place is an address.
pub(crate) fn is_address(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

fn choose(keys: &JwkSet, id: Option<&str>) -> Option<Jwk> {
    match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(id).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}
