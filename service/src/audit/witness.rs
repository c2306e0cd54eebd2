//! Asking witnesses to sign the newest checkpoint (<https://c2sp.org/tlog-witness>).

use std::time::Duration;

use signer::environment::{Environment, HttpReply, HttpRequest, Method};

use super::checkpoint::decimal;
use super::log::Log;
use super::merkle::TreeHash;
use super::note::VerifierKey;
use super::reading::CosignError;
use crate::store::StoreError;

/// How long a witness may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who looks at the log from outside and signs what it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its public key.
    pub key: VerifierKey,
    /// Where it is asked; without one it is not asked, and what it signed is brought.
    pub url: Option<String>,
}

/// Why a witness did not sign.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// There is no answer.
    #[error("it {0}")]
    Silent(String),
    /// It does not want to.
    #[error("it answers {0}")]
    Refused(u16),
    /// What it signed does not hold.
    #[error(transparent)]
    Cosign(#[from] CosignError),
    /// The log is shorter than what it saw: it lost its end, or was exchanged.
    #[error("it saw {seen} entries of this log, which has {size}")]
    Shorter {
        /// Entries that it saw.
        seen: u64,
        /// Entries that there are.
        size: u64,
    },
}

impl From<StoreError> for WitnessError {
    fn from(error: StoreError) -> Self {
        Self::Cosign(error.into())
    }
}

impl Log {
    /// Asks a witness that is not up to date; answers with whether it signed.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub async fn ask(
        &self,
        witness: &Witness,
        environment: &(dyn Environment + 'static),
    ) -> Result<bool, WitnessError> {
        let (Some(url), head) = (&witness.url, self.head().await?) else {
            return Ok(false);
        };
        let size = head.size();
        let mut seen = self.last_cosigned(&witness.key).await?;
        if seen == size {
            return Ok(false);
        }
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let checkpoint = self.signed(size, head.root());
        // It may have seen more than we know of; it says so once.
        for _ in 0..2 {
            let Some(path) = self.consistency(seen, size).await? else {
                return Err(WitnessError::Shorter { seen, size });
            };
            let body = request(seen, &path, &checkpoint);
            let reply = send(environment, &url, body.as_bytes())?;
            match reply.status {
                200 => {
                    let lines = String::from_utf8_lossy(&reply.body);
                    self.cosign(&format!("{checkpoint}{lines}")).await?;
                    return Ok(true);
                }
                409 => {
                    let told = String::from_utf8_lossy(&reply.body);
                    match decimal(told.trim_end()) {
                        Some(told) if told != seen => seen = told,
                        _ => return Err(WitnessError::Refused(409)),
                    }
                }
                status => return Err(WitnessError::Refused(status)),
            }
        }
        Err(WitnessError::Refused(409))
    }
}

/// What a witness is asked.
fn request(seen: u64, path: &[TreeHash], checkpoint: &str) -> String {
    let path: String = path.iter().map(|hash| format!("{hash}\n")).collect();
    format!("old {seen}\n{path}\n{checkpoint}")
}

fn send(environment: &dyn Environment, url: &str, body: &[u8]) -> Result<HttpReply, WitnessError> {
    let request = HttpRequest {
        method: Method::Post,
        url,
        headers: &[("content-type", "text/plain; charset=utf-8")],
        body,
        timeout: PATIENCE,
        follows_redirects: false,
    };
    // Nobody else waits for this thread meanwhile.
    let reply = tokio::task::block_in_place(|| environment.send(request));
    reply.map_err(|error| WitnessError::Silent(error.message))
}
