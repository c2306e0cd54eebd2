//! Windows: a principal may sign with a profile from, until, at most so many times, because people agreed beforehand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use signer::clock::parse_rfc3339;
use sqlx::Row;

use crate::audit::{Decision, Entry};
use crate::auth::{Principal, Role, token};
use crate::named::{Id, Named};
use crate::problem::{JsonBody, Problem, Slug};
use crate::sight::Sight;
use crate::sign::record::entry_of;
use crate::state::Inner;
use crate::store::{Store, StoreError, Transaction};
use crate::{clock, reason};

/// Longest window, in milliseconds.
const LONGEST: i64 = 31 * 24 * 60 * 60 * 1000;
/// Longest name of a principal, in bytes.
const LONGEST_PRINCIPAL: usize = 1000;
/// Most signatures of a window.
const MOST: i64 = 100_000;

/// What opens a window.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWindow {
    profile: String,
    /// Who may sign, as the log names it.
    principal: String,
    /// RFC 3339; now where it is not said.
    from: Option<String>,
    /// RFC 3339.
    until: String,
    /// At most so many times.
    most: i64,
    reason: String,
}

/// The windows that count: not revoked, open now, with signatures left, and agreed to by enough people, not counting who
/// signs.
const OPEN: &str = "principal = $1 AND profile = $2 AND revoked IS NULL AND begins <= $3 AND ends > $3 \
     AND used < most AND needed <= (SELECT COUNT(DISTINCT window_vote.person) FROM window_vote \
     WHERE window_vote.approval_window = approval_window.id AND window_vote.person <> $4)";

/// Whether a principal may sign with a profile now.
pub(crate) async fn is_open(
    store: &Store,
    principal: &Principal,
    profile: &str,
    now: i64,
) -> Result<bool, Problem> {
    let query = format!("SELECT id FROM approval_window WHERE {OPEN} LIMIT 1");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(&principal.id)
        .bind(profile)
        .bind(now)
        .bind(&principal.person)
        .fetch_optional(store.pool())
        .await?;
    Ok(row.is_some())
}

/// Whose windows a signature may be taken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WindowUse {
    pub(crate) principal: String,
    /// The person behind the principal, whose own consent does not count.
    pub(crate) person: String,
    pub(crate) profile: String,
}

/// Takes a signature of a window within the transaction of its entry, and says of which; nothing where none is open any
/// more.
pub(crate) async fn take(
    transaction: &mut Transaction,
    of: &WindowUse,
    now: i64,
) -> Result<Option<String>, StoreError> {
    let query = format!(
        "UPDATE approval_window SET used = used + 1 \
         WHERE id = (SELECT id FROM approval_window WHERE {OPEN} ORDER BY ends, id LIMIT 1) \
         AND used < most AND revoked IS NULL RETURNING id"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(&of.principal)
        .bind(&of.profile)
        .bind(now)
        .bind(&of.person)
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Gives a signature back that was taken in the same transaction.
pub(crate) async fn give_back(transaction: &mut Transaction, id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE approval_window SET used = used - 1 WHERE id = $1")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// `POST /v1/windows`: opens a window; who opens it agrees to it.
pub(crate) async fn open(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    JsonBody(new): JsonBody<NewWindow>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    principal.expect(Role::Approve, &new.profile)?;
    let profile = state.setup.profiles.get(&new.profile);
    let profile = profile.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let bad = |what: &str| Problem::because(Slug::BadRequest, what);
    if token::person_of(&state.store, &new.principal).await? == principal.person {
        return Err(bad("nobody opens a window for themselves"));
    }
    let now = state.now_ms();
    let read = |text: &str| parse_rfc3339(text).map(clock::milliseconds);
    let begins = match &new.from {
        None => now,
        Some(text) => read(text).ok_or_else(|| bad("'from' is no time"))?,
    };
    let ends = read(&new.until).ok_or_else(|| bad("'until' is no time"))?;
    if ends <= begins || ends <= now || ends.saturating_sub(begins) > LONGEST {
        return Err(bad(
            "a window ends after it begins, after now, and within 31 days",
        ));
    }
    if !(1..=MOST).contains(&new.most) {
        return Err(bad("'most' is from 1 to 100000"));
    }
    reason::expect_some(&new.reason)?;
    reason::expect_printable("'principal'", &new.principal)?;
    if new.principal.len() > LONGEST_PRINCIPAL {
        return Err(bad("'principal' has at most 1000 bytes"));
    }
    let id = String::from(Id::by_chance()?);
    let mut transaction = state.store.begin().await?;
    sqlx::query(
        "INSERT INTO approval_window (id, profile, principal, begins, ends, most, used, reason, needed, created) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)",
    )
    .bind(&id)
    .bind(&new.profile)
    .bind(&new.principal)
    .bind(begins)
    .bind(ends)
    .bind(new.most)
    .bind(&new.reason)
    .bind(i64::from(profile.rules.approvals.max(1)))
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    vote(&mut transaction, &id, &principal, now).await?;
    let mut entry = entry_of(
        &state,
        &principal,
        Decision::WindowOpened,
        &new.profile,
        profile,
    );
    entry.reason = Some(format!(
        "for {}, until {}, at most {}: {}",
        new.principal,
        clock::text(ends),
        new.most,
        new.reason
    ));
    let window = record(&state, transaction, entry, id).await?;
    Ok((StatusCode::CREATED, Json(window)))
}

/// Ends the transaction of a decision about a window with its entry; the window as it is then.
async fn record(
    state: &Inner,
    mut transaction: Transaction,
    mut entry: Entry,
    id: String,
) -> Result<Value, Problem> {
    entry.request = Some(id.clone());
    state.log.append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    Ok(find(state, &id).await?.json)
}

async fn vote(
    transaction: &mut Transaction,
    id: &str,
    principal: &Principal,
    now: i64,
) -> Result<bool, Problem> {
    let agreed =
        sqlx::query("SELECT principal FROM window_vote WHERE approval_window = $1 AND person = $2")
            .bind(id)
            .bind(&principal.person)
            .fetch_optional(&mut **transaction)
            .await?;
    if agreed.is_some() {
        return Ok(false);
    }
    let done = sqlx::query(
        "INSERT INTO window_vote (approval_window, principal, person, created) \
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(&principal.id)
    .bind(&principal.person)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// `POST /v1/windows/{id}/approve`: another person agrees.
pub(crate) async fn approve(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
) -> Result<Json<Value>, Problem> {
    let window = find(&state, &id).await?;
    principal.expect(Role::Approve, &window.profile)?;
    if token::person_of(&state.store, &window.principal).await? == principal.person {
        let problem = "nobody agrees to a window for themselves";
        return Err(Problem::because(Slug::Conflict, problem));
    }
    let profile = state.setup.profiles.get(&window.profile);
    let profile = profile.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let now = state.now_ms();
    let mut transaction = state.store.begin().await?;
    if !vote(&mut transaction, &id, &principal, now).await? {
        return Err(Problem::because(Slug::Conflict, "you agreed already"));
    }
    let entry = entry_of(
        &state,
        &principal,
        Decision::Approved,
        &window.profile,
        profile,
    );
    Ok(Json(record(&state, transaction, entry, id.into()).await?))
}

/// `POST /v1/windows/{id}/revoke`: closes a window at once.
pub(crate) async fn revoke(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(id): Named<Id>,
) -> Result<Json<Value>, Problem> {
    let window = find(&state, &id).await?;
    if !principal.may(Role::Admin, &window.profile) {
        principal.expect(Role::Approve, &window.profile)?;
    }
    let profile = state.setup.profiles.get(&window.profile);
    let profile = profile.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let mut transaction = state.store.begin().await?;
    let done =
        sqlx::query("UPDATE approval_window SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
            .bind(state.now_ms())
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
    if done.rows_affected() == 0 {
        return Err(Problem::because(Slug::Conflict, "it is revoked already"));
    }
    let entry = entry_of(
        &state,
        &principal,
        Decision::WindowRevoked,
        &window.profile,
        profile,
    );
    Ok(Json(record(&state, transaction, entry, id.into()).await?))
}

/// `GET /v1/windows`: those of profiles that the principal approves, audits or signs with.
pub(crate) async fn list(
    State(state): State<Arc<Inner>>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    let sight = Sight::of(&principal, &state.store, "approval_window").await?;
    let query = format!(
        "{SELECT} WHERE {} ORDER BY created DESC LIMIT 500",
        sight.condition(1)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(query));
    for value in sight.values() {
        query = query.bind(value);
    }
    let rows = query.fetch_all(state.store.pool()).await?;
    let mut windows = Vec::with_capacity(rows.len());
    for row in &rows {
        windows.push(read(row)?.json);
    }
    Ok(Json(Value::Array(windows)))
}

struct Window {
    profile: String,
    principal: String,
    json: Value,
}

const SELECT: &str = "SELECT id, profile, principal, begins, ends, most, used, reason, needed, created, revoked, \
     (SELECT COUNT(DISTINCT window_vote.person) FROM window_vote WHERE window_vote.approval_window = approval_window.id) AS agreed \
     FROM approval_window";

async fn find(state: &Inner, id: &str) -> Result<Window, Problem> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1")))
        .bind(id)
        .fetch_optional(state.store.pool())
        .await?;
    read(&row.ok_or_else(|| Problem::new(Slug::NotFound))?)
}

fn read(row: &sqlx::any::AnyRow) -> Result<Window, Problem> {
    let profile: String = row.try_get("profile")?;
    let principal: String = row.try_get("principal")?;
    let time = |name: &str| row.try_get::<i64, _>(name).map(clock::text);
    let revoked: Option<i64> = row.try_get("revoked")?;
    let json = json!({
        "id": row.try_get::<String, _>("id")?,
        "profile": profile,
        "principal": principal,
        "from": time("begins")?,
        "until": time("ends")?,
        "most": row.try_get::<i64, _>("most")?,
        "used": row.try_get::<i64, _>("used")?,
        "reason": row.try_get::<String, _>("reason")?,
        "needed": row.try_get::<i64, _>("needed")?,
        "agreed": row.try_get::<i64, _>("agreed")?,
        "created": time("created")?,
        "revoked": revoked.map(clock::text),
    });
    Ok(Window {
        profile,
        principal,
        json,
    })
}
