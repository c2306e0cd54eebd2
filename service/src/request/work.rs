//! What a node does besides answering: it signs what was agreed to, ends what nobody decided, and tidies up.

use std::sync::Arc;
use std::time::Duration;

use super::row::{self, Row, Stage};
use super::{about, file_of};
use crate::audit::{Decision, Subject};
use crate::auth::Principal;
use crate::problem::Problem;
use crate::sign::work::{Outcome, WorkError, work};
use crate::state::Inner;
use crate::store::StoreError;
use crate::{chance, idempotency, report};
use signer::digest::hex;

/// How often a node looks for work that it was not told of.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a node has for one signature before another takes the work up, in milliseconds.
const LEASE: i64 = 10 * 60 * 1000;
/// How long a node waits before it tries a key again, in milliseconds.
const AGAIN: i64 = 10_000;
/// How long files of requests are kept beyond the longest wait.
const KEPT: Duration = Duration::from_secs(21 * 24 * 60 * 60);
/// How many rounds pass between two times of tidying up.
const ROUNDS: u32 = 300;

/// A name for this run of this node.
pub(crate) fn node_name() -> Result<String, StoreError> {
    Ok(hex(&chance::bytes::<8>()?))
}

/// Does that until the service ends.
pub(crate) async fn keep_up(state: Arc<Inner>) {
    let mut round = 0_u32;
    loop {
        match sign_next(&state).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(problem) => tracing::warn!(?problem, "work on requests was put off"),
        }
        if let Err(problem) = expire(&state).await {
            tracing::warn!(?problem, "requests were not ended");
        }
        if round.is_multiple_of(ROUNDS) {
            tidy(&state).await;
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = state.wake.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Signs the oldest request that was agreed to; false where there is none.
async fn sign_next(state: &Arc<Inner>) -> Result<bool, Problem> {
    let now = state.now_ms();
    let leased = row::lease(&state.store, &state.node, now, now + LEASE).await?;
    let Some(request) = leased else {
        return Ok(false);
    };
    if let Err(problem) = sign(state, &request).await {
        tracing::warn!(request = request.id, ?problem, "a request was not signed");
        row::postpone(
            &state.store,
            &request.id,
            &state.node,
            state.now_ms() + AGAIN,
        )
        .await?;
        return Ok(false);
    }
    Ok(true)
}

async fn sign(state: &Arc<Inner>, request: &Row) -> Result<(), Problem> {
    let upload = file_of(state, request).await?;
    let at_work = Arc::clone(state);
    let (name, manner) = (request.profile.clone(), request.manner);
    let working = state.workers.run(move || {
        let profile = at_work.setup.profiles.get(&name)?;
        Some(work(&at_work, profile, &upload, manner))
    });
    let Some(outcome) = working.await? else {
        return Err(Problem::internal(&"the profile of a request is gone"));
    };
    let principal = Principal::of_request(&request.principal, &request.claims);
    let (decision, signed, reason) = match outcome {
        Ok(Outcome::Signed(signed)) => (Decision::Signed, Some(signed), String::new()),
        Ok(Outcome::Refused(judged)) => {
            let reason = format!("{} findings weigh as errors by now", judged.errors);
            (Decision::Refused, None, reason)
        }
        Err(WorkError::File(problem)) => (Decision::Refused, None, problem),
        // The key, the clock or the disk: it may work later.
        Err(error) => return Err(crate::sign::failure(&error)),
    };
    let mut entry = about(state, &principal, decision, request, &reason);
    let mut transaction = state.store.begin().await?;
    let (stage, patch) = match &signed {
        None => (Stage::Refused, None),
        Some(signed) => {
            report::keep(&mut transaction, &signed.judged, state.now_ms()).await?;
            entry.policy = Some(signed.judged.policy.clone());
            entry.report = Some(signed.judged.sha256.clone());
            entry.output = Some(Subject {
                sha256: signed.patch.output.sha256.clone(),
                size: signed.patch.output.size,
                format: Some(signed.format.to_owned()),
                name: None,
            });
            let patch = serde_json::to_vec(&signed.patch);
            (
                Stage::Signed,
                Some(patch.map_err(|error| Problem::internal(&error))?),
            )
        }
    };
    let receipt = state.log.append(&mut transaction, &entry).await?;
    let entry = Some(receipt.index);
    if !row::finish(
        &mut transaction,
        &request.id,
        &state.node,
        stage,
        patch,
        entry,
    )
    .await?
    {
        // Another node took it up because we were too slow: its signature counts, ours never was.
        return Ok(());
    }
    transaction.commit().await?;
    state.metrics.decided(&request.profile, stage.name());
    Ok(())
}

async fn expire(state: &Arc<Inner>) -> Result<(), Problem> {
    let now = state.now_ms();
    for request in row::overdue(&state.store, now).await? {
        let mut transaction = state.store.begin().await?;
        if !row::expire(&mut transaction, &request.id, now).await? {
            continue;
        }
        let nobody = Principal::of_request("service", &serde_json::Value::Null);
        let entry = about(state, &nobody, Decision::Expired, &request, "");
        state.log.append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        state.artifacts.forget(&request.id).await;
    }
    Ok(())
}

/// Forgets what was kept long enough.
async fn tidy(state: &Arc<Inner>) {
    if let Err(error) = idempotency::forget(&state.store, state.now_ms()).await {
        tracing::warn!(%error, "old answers were not forgotten");
    }
    match state.artifacts.older(KEPT, state.now_ms()).await {
        Err(error) => tracing::warn!(%error, "old files were not looked for"),
        Ok(ids) => {
            for id in ids {
                state.artifacts.forget(&id).await;
            }
        }
    }
}
