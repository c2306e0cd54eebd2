//! Telling: a task for each webhook, so that one that does not answer keeps nobody waiting.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use signer::environment::{HttpRequest, Method};

use super::Webhook;
use super::row::{self, Message};
use crate::metrics::Told;
use crate::state::Inner;
use crate::store::StoreError;

/// How often the log is looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// How long whoever is told may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a node has a message before another tries it, in milliseconds.
const LEASE: i64 = 30_000;
/// The pause after the first failure, in milliseconds; after each one more it is twice as long.
const FIRST: i64 = 2_000;
/// The longest pause, in milliseconds.
const LONGEST: i64 = 60 * 60 * 1000;
/// After how long a message is given up, in milliseconds.
const GIVEN_UP: i64 = 72 * 60 * 60 * 1000;

/// Tells what was decided, until the service ends.
pub(crate) async fn keep_up(state: Arc<Inner>) {
    let telling = (0..state.setup.webhooks.len()).map(|number| tell_one(&state, number));
    join_all(telling).await;
}

async fn tell_one(state: &Arc<Inner>, number: usize) {
    let Some(webhook) = state.setup.webhooks.get(number) else {
        return;
    };
    let mut has_begun = false;
    loop {
        match round(state, webhook, &mut has_begun).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(webhook = webhook.name(), %error, "nothing is told for now")
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes messages of what was decided, and tells those that are due; false where there was nothing to do.
async fn round(
    state: &Arc<Inner>,
    webhook: &Arc<Webhook>,
    has_begun: &mut bool,
) -> Result<bool, StoreError> {
    if !*has_begun {
        row::begin(&state.log, &state.store, webhook).await?;
        *has_begun = true;
    }
    let now = state.now_ms();
    let gathered = row::gather(&state.log, &state.store, webhook, now).await?;
    // Nobody waits longer than the longest pause and the chance that is added to it.
    let messages = row::lease(&state.store, webhook, now, now + LEASE, 2 * LONGEST).await?;
    let telling = messages.iter().map(|message| tell(state, webhook, message));
    for told in join_all(telling).await {
        told?;
    }
    Ok(gathered || !messages.is_empty())
}

/// What came of one attempt.
enum Outcome {
    Told,
    Failed(String),
    /// Whoever is there wants no more of it.
    Gone,
}

async fn tell(
    state: &Arc<Inner>,
    webhook: &Arc<Webhook>,
    message: &Message,
) -> Result<(), StoreError> {
    let outcome = send(state, webhook, message).await;
    let (name, id) = (webhook.name(), &message.id);
    let now = state.now_ms();
    let age = now.saturating_sub(message.created);
    let told = match outcome {
        Outcome::Told => Told::Delivered,
        Outcome::Gone => Told::GivenUp,
        Outcome::Failed(_) if age >= GIVEN_UP => Told::GivenUp,
        Outcome::Failed(problem) => {
            state.metrics.told(name, Told::Failed);
            tracing::warn!(
                webhook = name,
                id,
                attempts = message.attempts,
                problem,
                "a webhook was not told"
            );
            let chance = state.setup.environment.random().unwrap_or_default();
            let until = now.saturating_add(pause(message.attempts, chance[0]));
            return row::postpone(&state.store, id, until).await;
        }
    };
    state.metrics.told(name, told);
    if let Told::GivenUp = told {
        tracing::error!(
            webhook = name,
            id,
            attempts = message.attempts,
            "a message was given up"
        );
    }
    row::forget(&state.store, id).await
}

async fn send(state: &Arc<Inner>, webhook: &Arc<Webhook>, message: &Message) -> Outcome {
    let (state, webhook, message) = (Arc::clone(state), Arc::clone(webhook), message.clone());
    let sending = tokio::task::spawn_blocking(move || {
        let environment = &*state.setup.environment;
        let seconds = environment.now().unix_timestamp();
        let signature = webhook.sign(&message.id, seconds, &message.body);
        let request = HttpRequest {
            method: Method::Post,
            url: &webhook.config.url,
            headers: &[
                ("content-type", "application/json"),
                ("webhook-id", &message.id),
                ("webhook-timestamp", &seconds.to_string()),
                ("webhook-signature", &signature),
            ],
            body: &message.body,
            timeout: PATIENCE,
            follows_redirects: false,
        };
        match environment.send(request) {
            Ok(reply) if (200..300).contains(&reply.status) => Outcome::Told,
            Ok(reply) if reply.status == 410 => Outcome::Gone,
            Ok(reply) => Outcome::Failed(format!("answers {}", reply.status)),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    });
    let broken = |_| Outcome::Failed("sending broke down".to_owned());
    sending.await.unwrap_or_else(broken)
}

/// How long to wait after so many failures, in milliseconds: half of it fixed, half chance, so that what failed together
/// does not come back together.
fn pause(attempts: u32, chance: u8) -> i64 {
    let doublings = attempts.saturating_sub(1).min(20);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    whole / 2 + whole / 2 * i64::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_differ() {
        assert_eq!((pause(1, 0), pause(1, 255)), (1_000, 2_000));
        assert_eq!(pause(2, 255), 4_000);
        assert_eq!((pause(12, 0), pause(12, 255)), (LONGEST / 2, LONGEST));
        assert_eq!(pause(u32::MAX, 255), LONGEST);
    }
}
