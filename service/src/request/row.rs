//! Requests as the database has them. Every change of stage names the stage that it leaves, so that of two nodes one
//! does it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::auth::Principal;
use crate::clock;
use crate::problem::{Problem, Slug};
use crate::report;
use crate::sight::Sight;
use crate::sign::work::Manner;
use crate::state::Inner;
use crate::store::{Store, StoreError, Transaction};

/// How many requests are listed.
const LISTED: i64 = 200;

/// What became of a request so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// People have to agree.
    Pending,
    /// They did; a node signs it.
    Approved,
    /// It is signed.
    Signed,
    /// It did not pass the policy when it was to be signed.
    Refused,
    /// Somebody did not agree.
    Rejected,
    /// It was taken back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Signed => "signed",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) principal: String,
    /// Who that is; nobody agrees to their own request.
    pub(super) person: String,
    pub(super) claims: Value,
    pub(super) profile: String,
    pub(super) stage: Stage,
    pub(super) reason: String,
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) manner: Manner,
    pub(super) report: String,
    pub(super) needed: u32,
    pub(super) created: i64,
    pub(super) expires: i64,
    pub(super) decided: Option<i64>,
    pub(super) patch: Option<Vec<u8>>,
    pub(super) entry: Option<u64>,
}

const COLUMNS: &str = "id, principal, person, claims, profile, state, reason, name, sha256, size, manner, report, needed, \
     created, expires, decided, patch, entry";

impl Row {
    pub(super) async fn insert(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO request (id, principal, person, claims, profile, state, reason, name, sha256, size, manner, \
             report, needed, created, expires, lease_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)",
        )
        .bind(&self.id)
        .bind(&self.principal)
        .bind(&self.person)
        .bind(self.claims.to_string())
        .bind(&self.profile)
        .bind(self.stage.name())
        .bind(&self.reason)
        .bind(&self.name)
        .bind(&self.sha256)
        .bind(i64::try_from(self.size).unwrap_or(i64::MAX))
        .bind(serde_json::to_string(&self.manner).map_err(StoreError::stored)?)
        .bind(&self.report)
        .bind(i64::from(self.needed))
        .bind(self.created)
        .bind(self.expires)
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }

    pub(super) fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let claims: String = row.try_get("claims")?;
        let stage: String = row.try_get("state")?;
        let manner: String = row.try_get("manner")?;
        let entry: Option<i64> = row.try_get("entry")?;
        Ok(Self {
            id: row.try_get("id")?,
            principal: row.try_get("principal")?,
            person: row.try_get("person")?,
            claims: serde_json::from_str(&claims).map_err(StoreError::stored)?,
            profile: row.try_get("profile")?,
            stage: serde_json::from_value(Value::String(stage)).map_err(StoreError::stored)?,
            reason: row.try_get("reason")?,
            name: row.try_get("name")?,
            sha256: row.try_get("sha256")?,
            size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or_default(),
            manner: serde_json::from_str(&manner).map_err(StoreError::stored)?,
            report: row.try_get("report")?,
            needed: u32::try_from(row.try_get::<i64, _>("needed")?).unwrap_or(u32::MAX),
            created: row.try_get("created")?,
            expires: row.try_get("expires")?,
            decided: row.try_get("decided")?,
            patch: row.try_get("patch")?,
            entry: entry.and_then(|entry| u64::try_from(entry).ok()),
        })
    }

    /// The request as clients see it.
    pub(super) async fn show(&self, state: &Inner, with_report: bool) -> Result<Value, Problem> {
        let votes = sqlx::query(
            "SELECT principal, person, agrees, reason, created FROM vote WHERE request = $1 ORDER BY created",
        )
        .bind(&self.id)
        .fetch_all(state.store.pool())
        .await?;
        let votes = votes.iter().map(|row| {
            Ok::<_, sqlx::Error>(json!({
                "principal": row.try_get::<String, _>("principal")?,
                "person": row.try_get::<String, _>("person")?,
                "agrees": row.try_get::<i64, _>("agrees")? != 0,
                "reason": row.try_get::<String, _>("reason")?,
                "time": clock::text(row.try_get("created")?),
            }))
        });
        let votes = votes.collect::<Result<Vec<_>, _>>()?;
        let mut shown = json!({
            "id": self.id,
            "state": self.stage.name(),
            "principal": self.principal,
            "person": self.person,
            "claims": self.claims,
            "profile": self.profile,
            "reason": self.reason,
            "file": { "name": self.name, "sha256": self.sha256, "size": self.size },
            "needed": self.needed,
            "votes": votes,
            "created": clock::text(self.created),
            "expires": clock::text(self.expires),
            "decided": self.decided.map(clock::text),
            "report_sha256": self.report,
            "entry": self.entry,
        });
        if with_report {
            let report = report::find(&state.store, &self.report).await?;
            let report = report.and_then(|report| serde_json::from_slice::<Value>(&report).ok());
            if let Value::Object(shown) = &mut shown {
                shown.insert("report".to_owned(), report.unwrap_or_default());
            }
        }
        Ok(shown)
    }
}

/// The request of an id.
pub(super) async fn find(store: &Store, id: &str) -> Result<Row, Problem> {
    let query = format!("SELECT {COLUMNS} FROM request WHERE id = $1");
    let row = sqlx::query(AssertSqlSafe(query))
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    Ok(Row::read(
        &row.ok_or_else(|| Problem::new(Slug::NotFound))?,
    )?)
}

/// The latest requests of one stage or of all that a principal may see.
pub(super) async fn latest(
    store: &Store,
    stage: Option<Stage>,
    principal: &Principal,
) -> Result<Vec<Row>, StoreError> {
    let sight = Sight::of(principal, store, "request").await?;
    let query = format!(
        "SELECT {COLUMNS} FROM request WHERE (state = $1 OR $1 = '') AND {} ORDER BY created DESC LIMIT $2",
        sight.condition(3)
    );
    let mut query = sqlx::query(AssertSqlSafe(query))
        .bind(stage.map_or("", Stage::name))
        .bind(LISTED);
    for value in sight.values() {
        query = query.bind(value);
    }
    let rows = query.fetch_all(store.pool()).await?;
    rows.iter().map(Row::read).collect()
}

/// Locks a request that can be decided; false where it cannot be.
pub(super) async fn lock_pending(
    transaction: &mut Transaction,
    id: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE request SET state = 'pending' WHERE id = $1 AND state = 'pending' AND expires > $2",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One person's decision; false where they decided already, by whatever credential. The request is locked.
pub(super) async fn vote(
    transaction: &mut Transaction,
    id: &str,
    principal: &Principal,
    agrees: bool,
    reason: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let decided = sqlx::query("SELECT principal FROM vote WHERE request = $1 AND person = $2")
        .bind(id)
        .bind(&principal.person)
        .fetch_optional(&mut **transaction)
        .await?;
    if decided.is_some() {
        return Ok(false);
    }
    let done = sqlx::query(
        "INSERT INTO vote (request, principal, person, agrees, reason, created) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(&principal.id)
    .bind(&principal.person)
    .bind(i64::from(agrees))
    .bind(reason)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many people agreed.
pub(super) async fn agreed(transaction: &mut Transaction, id: &str) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(DISTINCT vote.person) FROM vote JOIN request ON request.id = vote.request \
         WHERE vote.request = $1 AND vote.agrees = 1 AND vote.person <> request.person",
    )
    .bind(id)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(row.try_get(0)?)
}

/// Ends the time in which a request is decided.
pub(super) async fn decide(
    transaction: &mut Transaction,
    id: &str,
    stage: Stage,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE request SET state = $1, decided = $2 WHERE id = $3")
        .bind(stage.name())
        .bind(now)
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Which requests no node has, at $3, where a lease would end at $2: those whose lease is over, or ends so late that the clock
/// must have been set back since. Clocks of two nodes may differ by as much as a lease lasts.
const FREE: &str = "(lease_until <= $3 OR lease_until > $2 + $2 - $3)";

/// Takes the oldest request that is to be signed and that no node has. Where two work on one all the same, [`finish`] counts
/// the later lease.
pub(super) async fn lease(
    store: &Store,
    node: &str,
    now: i64,
    until: i64,
) -> Result<Option<Row>, StoreError> {
    let mut transaction = store.begin().await?;
    let query = format!(
        "UPDATE request SET node = $1, lease_until = $2 \
         WHERE id = (SELECT id FROM request WHERE state = 'approved' AND {FREE} \
         ORDER BY created LIMIT 1) \
         AND state = 'approved' AND {FREE} RETURNING {COLUMNS}"
    );
    let row = sqlx::query(AssertSqlSafe(query))
        .bind(node)
        .bind(until)
        .bind(now)
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.commit().await?;
    row.as_ref().map(Row::read).transpose()
}

/// Ends the work of a node on a request; false where another one has it by now.
pub(super) async fn finish(
    transaction: &mut Transaction,
    id: &str,
    node: &str,
    stage: Stage,
    patch: Option<Vec<u8>>,
    entry: Option<u64>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE request SET state = $1, patch = $2, entry = $3 \
         WHERE id = $4 AND state = 'approved' AND node = $5",
    )
    .bind(stage.name())
    .bind(patch)
    .bind(entry.and_then(|entry| i64::try_from(entry).ok()))
    .bind(id)
    .bind(node)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a request be tried again at some time.
pub(super) async fn postpone(
    store: &Store,
    id: &str,
    node: &str,
    until: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE request SET lease_until = $1 WHERE id = $2 AND node = $3 AND state = 'approved'",
    )
    .bind(until)
    .bind(id)
    .bind(node)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// The requests that nobody decided in time.
pub(super) async fn overdue(store: &Store, now: i64) -> Result<Vec<Row>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM request WHERE state = 'pending' AND expires <= $1 LIMIT 100"
    );
    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(now)
        .fetch_all(store.pool())
        .await?;
    rows.iter().map(Row::read).collect()
}

/// Ends a request that nobody decided in time; false where another node did.
pub(super) async fn expire(
    transaction: &mut Transaction,
    id: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE request SET state = 'expired', decided = $1 \
         WHERE id = $2 AND state = 'pending' AND expires <= $1",
    )
    .bind(now)
    .bind(id)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_leaves_no_request_lying() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("db")).await.unwrap();
        let row = Row {
            id: "r".to_owned(),
            principal: "token:a".to_owned(),
            person: "a".to_owned(),
            claims: Value::Null,
            profile: "test".to_owned(),
            stage: Stage::Approved,
            reason: String::new(),
            name: "a.cab".to_owned(),
            sha256: String::new(),
            size: 1,
            manner: Manner::default(),
            report: String::new(),
            needed: 1,
            created: 0,
            expires: 0,
            decided: None,
            patch: None,
            entry: None,
        };
        let mut transaction = store.begin().await.unwrap();
        row.insert(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let lease = async |node: &str, now: i64| {
            let leased = lease(&store, node, now, now + 1_000).await.unwrap();
            leased.is_some()
        };
        assert!(lease("one", 100_000).await);
        // It has it, also where the clock of the other is somewhat ahead or behind.
        assert!(!lease("two", 100_999).await);
        assert!(!lease("two", 99_001).await);
        // It ended without finishing.
        assert!(lease("two", 101_000).await);
        // The clock was set back by far.
        assert!(lease("one", 5_000).await);
        let mut transaction = store.begin().await.unwrap();
        let finished = async |transaction: &mut Transaction, node: &str| {
            let ended = finish(transaction, "r", node, Stage::Signed, None, Some(1));
            ended.await.unwrap()
        };
        assert!(!finished(&mut transaction, "two").await);
        assert!(finished(&mut transaction, "one").await);
    }
}
