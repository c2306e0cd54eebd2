//! Requests with approval: a file waits until enough people agree, then a node signs it.

mod row;
mod work;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::audit::{Decision, Entry, Subject};
use crate::auth::{Principal, Role};
use crate::named::{Id, Named};
use crate::problem::{JsonBody, Problem, Slug};
use crate::sight::oversees;
use crate::sign::patch::PatchForm;
use crate::sign::record::{Asking, entry_of};
use crate::sign::work::{Present, WorkError, judge_upload};
use crate::sign::{SignQuery, answer, failure, refusal};
use crate::state::Inner;
use crate::upload::Upload;
use crate::{reason, report, upload};
use row::{Row, Stage};

pub(crate) use work::{keep_up, node_name};

/// How long a request waits unless it says otherwise, in milliseconds.
const WAITS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What a request says beside the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestQuery {
    /// Why it should be signed.
    reason: String,
    /// The others are those of `POST /v1/sign`.
    profile: String,
    name: Option<String>,
    #[serde(default, rename = "if-signed")]
    if_signed: Present,
    #[serde(default, rename = "page-hashes")]
    page_hashes: bool,
}

/// `POST /v1/requests`: judges a file and lets it wait.
pub(crate) async fn ask(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<RequestQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Query(RequestQuery {
        reason: why,
        profile,
        name,
        if_signed,
        page_hashes,
    }) = query?;
    let query = SignQuery {
        profile,
        name,
        if_signed,
        page_hashes,
    };
    principal.expect(Role::Sign, query.profile())?;
    let profile = state.setup.profiles.get(query.profile());
    let profile = profile.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let _ticket = state.admit(&principal)?;
    reason::expect_some(&why)?;
    let now = state.setup.environment.now();
    if let Some(objection) = profile.out_of_time(now, &state.setup.anchors) {
        return Err(failure(&WorkError::Objection(objection)));
    }
    let upload = upload::receive(&state, &headers, body, query.name()).await?;
    let at_work = Arc::clone(&state);
    let name = query.profile().to_owned();
    let judging = state.workers.run(move || {
        let profile = at_work.setup.profiles.get(&name);
        let judged = profile.map(|profile| judge_upload(&at_work, profile, &upload));
        (upload, judged)
    });
    let (upload, judged) = judging.await?;
    let asking = Asking {
        principal: &principal,
        profile_name: query.profile(),
        profile,
        upload: &upload,
    };
    let judged = match judged.ok_or_else(|| Problem::new(Slug::NotFound))? {
        Ok(judged) => judged,
        Err(WorkError::File(problem)) => {
            let receipt = asking.refused(&state, None, &problem).await?;
            let problem = Problem::because(Slug::NotSignable, problem);
            return Err(problem.with("entry", receipt.index));
        }
        Err(error) => return Err(failure(&error)),
    };
    if !judged.passes {
        let found = format!("{} findings weigh as errors", judged.errors);
        let kept = Some(judged.clone());
        let receipt = asking.refused(&state, kept, &found).await?;
        return Err(refusal(&judged, receipt.index));
    }
    let now = state.now_ms();
    let request = Row {
        id: Id::by_chance()?.into(),
        principal: principal.id.clone(),
        person: principal.person.clone(),
        claims: principal.claims.clone(),
        profile: query.profile().to_owned(),
        stage: Stage::Pending,
        reason: why.clone(),
        name: upload.name.clone(),
        sha256: upload.sha256.clone(),
        size: upload.size,
        manner: query.manner(),
        report: judged.sha256.clone(),
        needed: profile.rules.approvals.max(1),
        created: now,
        expires: now + WAITS,
        decided: None,
        patch: None,
        entry: None,
    };
    // The file is there before the row that promises it; one without a row is swept away.
    let path = upload.path().map_err(|error| Problem::storage(&error))?;
    let kept = state.artifacts.keep(&request.id, &path).await;
    kept.map_err(|error| Problem::storage(&error))?;
    let mut entry = asking.entry(&state, Decision::Requested, Some(&judged));
    entry.request = Some(request.id.clone());
    entry.reason = Some(why);
    let mut transaction = state.store.begin().await?;
    report::keep(&mut transaction, &judged, now).await?;
    request.insert(&mut transaction).await?;
    state.log.append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    let shown = request.show(&state, false).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The file of a request, as if it had just been sent.
async fn file_of(state: &Inner, request: &Row) -> Result<Upload, Problem> {
    let upload = state
        .uploads
        .of_request(&state.artifacts, &request.id, &request.name)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Problem::because(Slug::Conflict, "the file is not kept any more")
            }
            _ => Problem::storage(&error),
        })?;
    match upload.sha256 == request.sha256 {
        true => Ok(upload),
        false => Err(Problem::internal(&format_args!(
            "the file of request {} was changed",
            request.id
        ))),
    }
}

/// Who may see a request: who made it, and who approves, audits or administers its profile.
fn expect_sight(principal: &Principal, request: &Row) -> Result<(), Problem> {
    match oversees(principal, &request.profile) || request.principal == principal.id {
        true => Ok(()),
        false => Err(Problem::new(Slug::NotFound)),
    }
}

/// Which requests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `pending`, `signed`, ...
    state: Option<Stage>,
}

/// `GET /v1/requests`: the latest ones that the principal may see.
pub(crate) async fn list(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query?;
    let requests = row::latest(&state.store, query.state, &principal).await?;
    let mut shown = Vec::with_capacity(requests.len());
    for request in requests {
        shown.push(request.show(&state, false).await?);
    }
    Ok(Json(Value::Array(shown)))
}

/// `GET /v1/requests/{id}`: one request with its lint report.
pub(crate) async fn show(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
) -> Result<Json<Value>, Problem> {
    let request = row::find(&state.store, &id).await?;
    expect_sight(&principal, &request)?;
    Ok(Json(request.show(&state, true).await?))
}

/// What a decision says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opinion {
    /// Why.
    #[serde(default)]
    reason: String,
    /// SHA-256 of the file that was looked at; where it is given, another file is not agreed to.
    sha256: Option<String>,
}

impl Opinion {
    /// What somebody says who looked at the file of that SHA-256.
    pub(crate) fn new(reason: String, sha256: String) -> Self {
        Self {
            reason,
            sha256: Some(sha256),
        }
    }
}

/// `POST /v1/requests/{id}/approve`: one person agrees.
pub(crate) async fn approve(
    state: State<Arc<Inner>>,
    principal: Principal,
    id: Named<Id>,
    JsonBody(opinion): JsonBody<Opinion>,
) -> Result<Json<Value>, Problem> {
    vote(state, principal, id, opinion, true).await
}

/// `POST /v1/requests/{id}/reject`: one person does not, which ends it.
pub(crate) async fn reject(
    state: State<Arc<Inner>>,
    principal: Principal,
    id: Named<Id>,
    JsonBody(opinion): JsonBody<Opinion>,
) -> Result<Json<Value>, Problem> {
    vote(state, principal, id, opinion, false).await
}

/// Counts what one person says.
pub(crate) async fn vote(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
    opinion: Opinion,
    agrees: bool,
) -> Result<Json<Value>, Problem> {
    let request = row::find(&state.store, &id).await?;
    expect_sight(&principal, &request)?;
    let conflict = |why: &str| Err(Problem::because(Slug::Conflict, why));
    if request.person == principal.person {
        return conflict("nobody decides about their own request");
    }
    principal.expect(Role::Approve, &request.profile)?;
    reason::expect_any(&opinion.reason)?;
    if opinion
        .sha256
        .is_some_and(|sha256| sha256 != request.sha256)
    {
        return conflict("the file is another one");
    }
    let now = state.now_ms();
    let mut transaction = state.store.begin().await?;
    // Whoever decides locks the request: of two votes at once, the second sees the first.
    let locked = row::lock_pending(&mut transaction, &id, now).await?;
    if !locked {
        return conflict("it is decided already, or has expired");
    }
    if !row::vote(
        &mut transaction,
        &id,
        &principal,
        agrees,
        &opinion.reason,
        now,
    )
    .await?
    {
        return conflict("you decided already");
    }
    let decision = match agrees {
        true => Decision::Approved,
        false => Decision::Rejected,
    };
    let entry = about(&state, &principal, decision, &request, &opinion.reason);
    state.log.append(&mut transaction, &entry).await?;
    let stage = match agrees {
        false => Some(Stage::Rejected),
        true => {
            let agreed = row::agreed(&mut transaction, &id).await?;
            (agreed >= i64::from(request.needed)).then_some(Stage::Approved)
        }
    };
    if let Some(stage) = stage {
        row::decide(&mut transaction, &id, stage, now).await?;
    }
    transaction.commit().await?;
    state.metrics.decided(
        &request.profile,
        if agrees { "approved" } else { "rejected" },
    );
    match stage {
        Some(Stage::Approved) => state.wake.notify_one(),
        Some(_) => state.artifacts.forget(&id).await,
        None => {}
    }
    Ok(Json(
        row::find(&state.store, &id)
            .await?
            .show(&state, false)
            .await?,
    ))
}

/// `POST /v1/requests/{id}/cancel`: who made a request takes it back, or an administrator does.
pub(crate) async fn cancel(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
    JsonBody(opinion): JsonBody<Opinion>,
) -> Result<Json<Value>, Problem> {
    let request = row::find(&state.store, &id).await?;
    expect_sight(&principal, &request)?;
    if request.principal != principal.id {
        principal.expect(Role::Admin, &request.profile)?;
    }
    reason::expect_any(&opinion.reason)?;
    let now = state.now_ms();
    let mut transaction = state.store.begin().await?;
    if !row::lock_pending(&mut transaction, &id, now).await? {
        let problem = "it is decided already, or has expired";
        return Err(Problem::because(Slug::Conflict, problem));
    }
    let entry = about(
        &state,
        &principal,
        Decision::Cancelled,
        &request,
        &opinion.reason,
    );
    state.log.append(&mut transaction, &entry).await?;
    row::decide(&mut transaction, &id, Stage::Cancelled, now).await?;
    transaction.commit().await?;
    state.artifacts.forget(&id).await;
    Ok(Json(
        row::find(&state.store, &id)
            .await?
            .show(&state, false)
            .await?,
    ))
}

/// An entry about a request.
fn about(
    state: &Inner,
    principal: &Principal,
    decision: Decision,
    request: &Row,
    reason: &str,
) -> Entry {
    let mut entry = match state.setup.profiles.get(&request.profile) {
        Some(profile) => entry_of(state, principal, decision, &request.profile, profile),
        None => {
            let now = crate::clock::text(state.now_ms());
            Entry::new(now, decision, principal.id.clone())
        }
    };
    entry.request = Some(request.id.clone());
    entry.report = Some(request.report.clone());
    entry.input = Some(Subject {
        sha256: request.sha256.clone(),
        size: request.size,
        format: None,
        name: Some(request.name.clone()),
    });
    entry.reason = (!reason.is_empty()).then(|| reason.to_owned());
    entry
}

/// `GET /v1/requests/{id}/result`: the signed file, or the patch.
pub(crate) async fn result(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = row::find(&state.store, &id).await?;
    expect_sight(&principal, &request)?;
    let (Some(patch), Some(entry)) = (&request.patch, request.entry) else {
        return Err(Problem::because(Slug::Conflict, "it is not signed"));
    };
    let form: PatchForm =
        serde_json::from_slice(patch).map_err(|error| Problem::internal(&error))?;
    if answer::wants_patch(&headers) {
        return answer::patch(&form, entry);
    }
    let upload = file_of(&state, &request).await?;
    Ok(answer::file(upload, &form, entry).await?.into_response())
}
