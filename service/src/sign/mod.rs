//! `POST /v1/sign`: a file comes in, is judged, is signed if it passes, and goes out once the log knows.

pub(crate) mod answer;
pub(crate) mod digest;
pub(crate) mod patch;
pub(crate) mod record;
pub(crate) mod work;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use signer::digest::{DigestAlgorithm, hex};
use signer::identity::Objection;
use tracing::Instrument;

use crate::audit::Receipt;
use crate::auth::{Principal, Role};
use crate::gate::Judged;
use crate::idempotency::{self, Asked, Known, Lease};
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::upload::{self, Upload};
use crate::window;
use patch::PatchForm;
use record::Asking;
use work::{Manner, Outcome, Present, WorkError, work};

/// What a request says beside the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignQuery {
    /// The profile.
    pub(crate) profile: String,
    /// The name of the file, for reports and the log.
    pub(crate) name: Option<String>,
    /// What becomes of a signature that is there.
    #[serde(default, rename = "if-signed")]
    pub(crate) if_signed: Present,
    /// Whether images get a hash of every page.
    #[serde(default, rename = "page-hashes")]
    pub(crate) page_hashes: bool,
}

impl SignQuery {
    /// The profile.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// The name of the file.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How it is signed.
    pub(crate) fn manner(&self) -> Manner {
        Manner {
            if_signed: self.if_signed,
            page_hashes: self.page_hashes,
        }
    }

    /// What tells this request from every other.
    fn fingerprint(&self, upload: &Upload) -> String {
        let (profile, manner) = (&self.profile, self.manner());
        let text = format!("{profile}\n{manner:?}\n{}\n{}", upload.name, upload.sha256);
        hex(&DigestAlgorithm::Sha256.of(text.as_bytes()))
    }
}

/// Signs the file of a request.
pub(crate) async fn sign(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<SignQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    principal.expect(Role::Sign, &query.profile)?;
    if !state.setup.profiles.contains_key(&query.profile) {
        return Err(Problem::new(Slug::NotFound));
    }
    let ticket = state.admit(&principal)?;
    expect_window(&state, &principal, &query.profile).await?;
    let key = idempotency::key(&headers)?;
    let upload = upload::receive(&state, &headers, body, query.name.as_deref()).await?;
    let lease = match key {
        None => None,
        Some(key) => {
            let asked = Asked {
                principal: principal.id.clone(),
                key,
                fingerprint: query.fingerprint(&upload),
            };
            match idempotency::begin(&state.store, asked, state.now_ms()).await? {
                Known::Ours(lease) => Some(lease),
                Known::Answered { answer, entry } => {
                    let form: PatchForm = serde_json::from_slice(&answer)
                        .map_err(|error| Problem::internal(&error))?;
                    return answered(&headers, upload, &form, entry).await;
                }
            }
        }
    };
    // What began is finished and recorded even if the client leaves: the next request with its key has the answer.
    let deciding = async move {
        let _ticket = ticket;
        let decided = decide(&state, &principal, &query, upload, lease.as_ref()).await;
        if let (Err(_), Some(lease)) = (&decided, &lease) {
            idempotency::give_back(&state.store, lease).await.ok();
        }
        decided
    };
    let deciding = tokio::spawn(deciding.in_current_span());
    let decided = deciding.await.map_err(|error| Problem::internal(&error))?;
    let (upload, form, receipt) = decided?;
    answered(&headers, upload, &form, receipt.index).await
}

/// A profile that asks for approval signs without a request only while a window is open.
async fn expect_window(state: &Inner, principal: &Principal, profile: &str) -> Result<(), Problem> {
    let needed = state
        .setup
        .profiles
        .get(profile)
        .map(|profile| profile.rules.approvals);
    let needed = needed.unwrap_or_default();
    if needed == 0 || window::is_open(&state.store, principal, profile, state.now_ms()).await? {
        return Ok(());
    }
    let problem = format_args!("{needed} people have to agree: POST /v1/requests");
    Err(Problem::because(Slug::ApprovalNeeded, problem))
}

async fn answered(
    headers: &HeaderMap,
    upload: Upload,
    form: &PatchForm,
    entry: u64,
) -> Result<Response, Problem> {
    match answer::wants_patch(headers) {
        true => answer::patch(form, entry),
        false => answer::file(upload, form, entry).await,
    }
}

async fn decide(
    state: &Arc<Inner>,
    principal: &Principal,
    query: &SignQuery,
    upload: Upload,
    lease: Option<&Lease>,
) -> Result<(Upload, PatchForm, Receipt), Problem> {
    let manner = query.manner();
    let (at_work, name) = (Arc::clone(state), query.profile.clone());
    let is_small = upload.small().is_some();
    let working = move || {
        let profile = at_work.setup.profiles.get(&name);
        let outcome = profile.map(|profile| work(&at_work, profile, &upload, manner));
        (upload, outcome)
    };
    let (upload, outcome) = match is_small {
        true => state.workers.run_small(working).await?,
        false => state.workers.run(working).await?,
    };
    let profile = state.setup.profiles.get(&query.profile);
    let (Some(profile), Some(outcome)) = (profile, outcome) else {
        return Err(Problem::new(Slug::NotFound));
    };
    let asking = Asking {
        principal,
        profile_name: &query.profile,
        profile,
        upload: &upload,
    };
    match outcome {
        Ok(Outcome::Signed(signed)) => {
            let recording = asking.signed(state, *signed, lease);
            let recording = recording.instrument(tracing::info_span!("record"));
            let (patch, receipt) = recording.await?;
            Ok((upload, patch, receipt))
        }
        Ok(Outcome::Refused(judged)) => {
            let reason = format!("{} findings weigh as errors", judged.errors);
            let kept = Some(judged.clone());
            let receipt = asking.refused(state, kept, &reason).await?;
            Err(refusal(&judged, receipt.index))
        }
        Err(WorkError::File(problem)) => {
            let receipt = asking.refused(state, None, &problem).await?;
            let problem = Problem::because(Slug::NotSignable, problem);
            Err(problem.with("entry", receipt.index))
        }
        Err(error) => Err(failure(&error)),
    }
}

/// The file did not pass; the report says why.
pub(crate) fn refusal(judged: &Judged, entry: u64) -> Problem {
    let report: Value = serde_json::from_slice(&judged.report).unwrap_or_default();
    let detail = format_args!(
        "{} findings weigh as errors under the policy of {} images",
        judged.errors, judged.policy.image
    );
    Problem::because(Slug::PolicyRefused, detail)
        .with("entry", entry)
        .with("policy", judged.policy.sha256.clone())
        .with("report", report)
        .with("report_sha256", judged.sha256.clone())
}

/// Nothing was decided. The cause is logged; the client learns no more than whether to come back.
pub(crate) fn failure(error: &WorkError) -> Problem {
    tracing::error!(cause = %error, "a file was not signed");
    match error {
        WorkError::File(problem) => Problem::because(Slug::NotSignable, problem),
        WorkError::Objection(
            objection @ (Objection::Expired { .. } | Objection::NotYetValid { .. }),
        ) => Problem::because(Slug::KeyUnavailable, objection),
        WorkError::Objection(_) => Problem::because(
            Slug::KeyUnavailable,
            "the certificate of this profile must not sign now",
        ),
        WorkError::Key(_) => {
            Problem::because(Slug::KeyUnavailable, "the key did not sign").retry_after(10)
        }
        WorkError::Timestamp(_) => {
            let detail = "no server gave a time stamp";
            Problem::because(Slug::TimestampUnavailable, detail).retry_after(10)
        }
        WorkError::Gate(_) => Problem::new(Slug::Internal),
        WorkError::Io(error) => Problem::storage(error),
    }
}
