//! What was decided is committed by one writer, all that waits at a time: the flush of a commit is what costs, and one
//! is enough for many.
//!
//! An answer is given after the commit and not before, so that an entry is on the disk before its signature leaves. A
//! commit that fails fails for all that were in it. Once it is in line a decision is committed even if whoever asked
//! for it has left. Several nodes have a writer each, and wait for each other at the end of the log.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

use crate::audit::{End, Entry, Receipt};
use crate::gate::Judged;
use crate::idempotency::{self, Lease};
use crate::problem::{Problem, Slug};
use crate::report;
use crate::store::{Store, StoreError, Transaction};
use crate::window::{self, WindowUse};

/// Most decisions of one commit.
const MOST: usize = 128;
/// Most that wait for the next one; more wait at the door.
const LINE: usize = 1024;

/// What is committed together.
pub(crate) struct Decided {
    /// When it was decided, in milliseconds since 1970.
    pub(crate) now: i64,
    /// What the log tells.
    pub(crate) entry: Entry,
    /// The report that the entry names.
    pub(crate) judged: Option<Judged>,
    /// Whose window it takes a signature of.
    pub(crate) window: Option<WindowUse>,
    /// What the client's key stands for from now on.
    pub(crate) answer: Option<(Lease, Vec<u8>)>,
}

impl Decided {
    /// A decision that nothing else belongs to.
    pub(crate) fn new(now: i64, entry: Entry, judged: Option<Judged>) -> Self {
        Self {
            now,
            entry,
            judged,
            window: None,
            answer: None,
        }
    }
}

/// The line in front of the writer.
pub(crate) struct Decisions {
    line: mpsc::Sender<Waiting>,
}

/// Where the outcome is waited for.
type Told = oneshot::Sender<Result<Receipt, Problem>>;

struct Waiting {
    decided: Decided,
    told: Told,
}

/// Why a commit failed.
enum Failure {
    /// Nothing of it stays, and the database said why: one decision may be the cause.
    Undone(StoreError),
    /// Any other: whether something stays may not be known.
    Any(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(sqlx::Error::Database(_)) => Self::Undone(error),
            error => Self::Any(error),
        }
    }
}

impl Decisions {
    /// Starts the writer, which ends with this.
    pub(crate) fn start(store: Store) -> Self {
        let (line, waiting) = mpsc::channel(LINE);
        tokio::spawn(write(store, waiting));
        Self { line }
    }

    /// Commits a decision. Only then may anything of it leave.
    ///
    /// # Errors
    /// [`Slug::Unavailable`] where the database does not take it, [`Slug::ApprovalNeeded`] where the window has closed,
    /// [`Slug::InProgress`] where somebody else has answered the client's key meanwhile.
    pub(crate) async fn commit(&self, decided: Decided) -> Result<Receipt, Problem> {
        let (told, outcome) = oneshot::channel();
        let unavailable = || Problem::new(Slug::Unavailable).retry_after(10);
        let sent = self.line.send(Waiting { decided, told }).await;
        sent.map_err(|_| unavailable())?;
        // Where the writer broke down nobody tells.
        outcome.await.map_err(|_| unavailable())?
    }
}

async fn write(store: Store, mut line: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(MOST);
    while line.recv_many(&mut group, MOST).await > 0 {
        let group = std::mem::take(&mut group);
        // A task of its own: what breaks down takes this group with it, and no other.
        let writing = tokio::spawn(settle(store.clone(), group));
        if let Err(error) = writing.await {
            tracing::error!(%error, "decisions were not committed");
        }
    }
}

/// Commits a group, and tells everyone what came of it.
async fn settle(store: Store, group: Vec<Waiting>) {
    let (decided, told): (Vec<_>, Vec<_>) = group
        .into_iter()
        .map(|waiting| (waiting.decided, waiting.told))
        .unzip();
    match commit(&store, &decided).await {
        Ok(outcomes) => tell(told, outcomes),
        // One that the database does not take must not take the others with it.
        Err(Failure::Undone(error)) if decided.len() > 1 => {
            tracing::warn!(cause = %error, "a group was not committed; each is tried alone");
            let mut each = decided.iter().zip(told);
            while let Some((one, told)) = each.next() {
                match commit(&store, std::slice::from_ref(one)).await {
                    Ok(outcomes) => tell(vec![told], outcomes),
                    Err(failure @ Failure::Undone(_)) => fail(vec![told], failure),
                    // The database has gone meanwhile: the others do not wait for that one by one.
                    Err(failure @ Failure::Any(_)) => {
                        let others = each.by_ref().map(|(_, told)| told);
                        fail(std::iter::once(told).chain(others).collect(), failure);
                    }
                }
            }
        }
        Err(failure) => fail(told, failure),
    }
}

/// Who has left is not told.
fn tell(told: Vec<Told>, outcomes: Vec<Result<Receipt, Problem>>) {
    for (told, outcome) in told.into_iter().zip(outcomes) {
        told.send(outcome).ok();
    }
}

fn fail(told: Vec<Told>, failure: Failure) {
    let (Failure::Undone(error) | Failure::Any(error)) = failure;
    let problem = Problem::from(error);
    for told in told {
        told.send(Err(problem.clone())).ok();
    }
}

/// Commits what it can of a group. A decision that is not possible any more fails alone.
///
/// Rows are touched in one order, that of every other transaction: reports, windows, the end of the log, and what keys of
/// clients stand for.
async fn commit(
    store: &Store,
    group: &[Decided],
) -> Result<Vec<Result<Receipt, Problem>>, Failure> {
    // Whoever does not let us begin would not let each alone.
    let mut transaction = store.begin().await.map_err(Failure::Any)?;
    let reports = group.iter().filter_map(|decided| decided.judged.as_ref());
    let reports = reports.map(|judged| (judged.sha256.as_str(), judged));
    let now = group.iter().map(|decided| decided.now).max();
    report::keep_all(
        &mut transaction,
        &reports.collect(),
        now.unwrap_or_default(),
    )
    .await?;
    let taken = take_windows(&mut transaction, group).await?;
    let mut end = End::lock(&mut transaction).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    for (number, decided) in group.iter().enumerate() {
        let window = decided.window.as_ref().map(|_| taken.get(&number));
        outcomes.push(match window {
            Some(None) => Err(Problem::because(
                Slug::ApprovalNeeded,
                "the window has closed",
            )),
            Some(Some(id)) => add(&mut transaction, &mut end, decided, Some(id)).await?,
            None => add(&mut transaction, &mut end, decided, None).await?,
        });
    }
    end.write(&mut transaction).await?;
    // From here on what stays is known only if the database answers.
    transaction.commit().await.map_err(Failure::Any)?;
    Ok(outcomes)
}

/// Takes a signature of a window for each decision that needs one; ids by place in the group. Those that have closed are
/// not there.
async fn take_windows(
    transaction: &mut Transaction,
    group: &[Decided],
) -> Result<BTreeMap<usize, String>, StoreError> {
    let uses = group.iter().enumerate();
    let uses =
        uses.filter_map(|(number, decided)| Some((decided.window.as_ref()?, decided.now, number)));
    let mut uses: Vec<_> = uses.collect();
    // In one order: two nodes that take several do not wait for each other.
    uses.sort_by_key(|(of, ..)| (&of.profile, &of.principal));
    let mut taken = BTreeMap::new();
    for (of, now, number) in uses {
        if let Some(id) = window::take(transaction, of, now).await? {
            taken.insert(number, id);
        }
    }
    Ok(taken)
}

/// Adds a decision to the end of the log, and what it stands for to the client's key.
async fn add(
    transaction: &mut Transaction,
    end: &mut End,
    decided: &Decided,
    window: Option<&String>,
) -> Result<Result<Receipt, Problem>, StoreError> {
    let mut entry = decided.entry.clone();
    if let Some(id) = window {
        entry.reason = Some(format!("window {id}"));
    }
    let bytes = entry.bytes().map_err(StoreError::from);
    let problem = match (bytes, &decided.answer) {
        (Err(error), _) => Problem::from(error),
        (Ok(bytes), None) => return end.push(&entry, bytes).map(Ok),
        (Ok(bytes), Some((lease, answer))) => {
            if idempotency::finish(transaction, lease, answer, end.next()).await? {
                return end.push(&entry, bytes).map(Ok);
            }
            idempotency::in_progress()
        }
    };
    if let Some(id) = window {
        window::give_back(transaction, id).await?;
    }
    Ok(Err(problem))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use sqlx::{AssertSqlSafe, Executor, Row};

    use super::*;
    use crate::audit::{Decision, Log, LogSettings, PolicyVersion};
    use crate::idempotency::{Asked, Known};

    async fn open(folder: &Path) -> (Store, Log) {
        let store = Store::open_file(&folder.join("db")).await.unwrap();
        let settings = LogSettings::in_folder(folder);
        let log = Log::open(store.clone(), &settings).await.unwrap();
        (store, log)
    }

    fn entry(profile: &str) -> Entry {
        let time = "2026-01-31T12:00:00.000Z".to_owned();
        let mut entry = Entry::new(time, Decision::Signed, "token:a".to_owned());
        entry.profile = Some(profile.to_owned());
        entry
    }

    fn judged() -> Judged {
        Judged {
            report: b"{}".to_vec(),
            sha256: "ab".to_owned(),
            policy: PolicyVersion {
                image: "retail".to_owned(),
                sha256: "cd".to_owned(),
            },
            passes: true,
            errors: 0,
        }
    }

    /// Lets decisions about these profiles wait for one commit, and answers with what came of each.
    async fn together(store: &Store, profiles: &[&str]) -> Vec<Result<u64, u16>> {
        let decisions = Arc::new(Decisions::start(store.clone()));
        // The writer has a first group, and waits for its turn while the others come.
        let held = store.begin().await.unwrap();
        let mut waiting = Vec::new();
        for profile in profiles {
            let decided = Decided::new(0, entry(profile), Some(judged()));
            let line = Arc::clone(&decisions);
            waiting.push(tokio::spawn(async move { line.commit(decided).await }));
            tokio::task::yield_now().await;
            while waiting.len() == 1 && decisions.line.capacity() < LINE {
                tokio::task::yield_now().await;
            }
        }
        drop(held);
        let mut outcomes = Vec::new();
        for waiting in waiting {
            let outcome = waiting.await.unwrap();
            outcomes.push(outcome.map(|receipt| receipt.index).map_err(status));
        }
        outcomes
    }

    fn status(problem: Problem) -> u16 {
        use axum::response::IntoResponse;
        problem.into_response().status().as_u16()
    }

    async fn count(store: &Store, table: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let row = sqlx::query(query).fetch_one(store.pool()).await.unwrap();
        row.get(0)
    }

    #[tokio::test]
    async fn those_that_wait_are_committed_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        let outcomes = together(&store, &["a"; 300]).await;
        assert_eq!(outcomes, (0..300).map(Ok).collect::<Vec<_>>());
        assert_eq!(log.head().await.unwrap().size(), 300);
        assert_eq!(count(&store, "audit_entry").await, 300);
        assert_eq!(count(&store, "audit_tile").await, 1);
        assert_eq!(count(&store, "report").await, 1);
        // The tree is that of the entries.
        let proof = log.prove(299).await.unwrap().unwrap();
        let length = proof.path.len();
        assert_eq!(
            length,
            crate::audit::merkle::inclusion_path(299, 300)
                .unwrap()
                .len()
        );
    }

    #[tokio::test]
    async fn a_commit_that_fails_fails_for_all_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        // What this trigger does is refused when the transaction is committed, and not before.
        let trigger = "CREATE TABLE nobody (id TEXT PRIMARY KEY); \
             CREATE TABLE orphan (id TEXT REFERENCES nobody (id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER late AFTER INSERT ON audit_entry WHEN new.profile = 'late' \
             BEGIN INSERT INTO orphan VALUES ('x'); END";
        store.pool().execute(trigger).await.unwrap();
        // The first is a group of its own: the writer has it when the others come.
        let outcomes = together(&store, &["a", "b", "late", "c"]).await;
        assert_eq!(outcomes, [Ok(0), Err(503), Err(503), Err(503)]);
        assert_eq!(log.head().await.unwrap().size(), 1);
        assert_eq!(count(&store, "audit_entry").await, 1);
        // The next group is committed again, without a gap.
        assert_eq!(together(&store, &["a", "b"]).await, [Ok(1), Ok(2)]);
    }

    #[tokio::test]
    async fn one_that_the_database_does_not_take_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        let trigger = "CREATE TRIGGER never BEFORE INSERT ON audit_entry WHEN new.profile = 'never' \
             BEGIN SELECT RAISE(ABORT, 'never'); END";
        store.pool().execute(trigger).await.unwrap();
        let outcomes = together(&store, &["a", "b", "never", "c"]).await;
        assert_eq!(outcomes, [Ok(0), Ok(1), Err(503), Ok(2)]);
        assert_eq!(log.head().await.unwrap().size(), 3);
    }

    #[tokio::test]
    async fn an_entry_that_is_too_long_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        let long = "p".repeat(70_000);
        let outcomes = together(&store, &["a", "b", &long, "c"]).await;
        assert_eq!(outcomes, [Ok(0), Ok(1), Err(503), Ok(2)]);
        assert_eq!(log.head().await.unwrap().size(), 3);
    }

    #[tokio::test]
    async fn who_leaves_while_it_waits_is_committed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        let decisions = Decisions::start(store.clone());
        let held = store.begin().await.unwrap();
        {
            let committing = decisions.commit(Decided::new(0, entry("a"), None));
            tokio::select! {
                biased;
                _ = committing => panic!("it cannot be committed yet"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(held);
        let next = decisions.commit(Decided::new(0, entry("b"), None)).await;
        assert_eq!(next.unwrap().index, 1);
        assert_eq!(log.head().await.unwrap().size(), 2);
    }

    #[tokio::test]
    async fn a_window_keeps_the_signature_that_did_not_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = open(folder.path()).await;
        let window =
            "INSERT INTO approval_window VALUES ('w', 'a', 'token:a', 0, 9, 2, 0, '', 0, 0, NULL)";
        store.pool().execute(window).await.unwrap();
        let decisions = Decisions::start(store.clone());
        let asked = Asked {
            principal: "token:a".to_owned(),
            key: "k".to_owned(),
            fingerprint: "x".to_owned(),
        };
        let Ok(Known::Ours(lease)) = idempotency::begin(&store, asked, 0).await else {
            panic!("the work is ours")
        };
        let commit = async |keyed: bool| {
            let mut decided = Decided::new(5, entry("a"), None);
            decided.window = Some(WindowUse {
                principal: "token:a".to_owned(),
                person: "a".to_owned(),
                profile: "a".to_owned(),
            });
            decided.answer = keyed.then(|| (lease.clone(), b"patch".to_vec()));
            decisions
                .commit(decided)
                .await
                .map(|receipt| receipt.index)
                .map_err(status)
        };
        assert_eq!(commit(true).await, Ok(0));
        // The key is answered: the second time is not counted, and not logged.
        assert_eq!(commit(true).await, Err(409));
        assert_eq!(commit(false).await, Ok(1));
        assert_eq!(commit(false).await, Err(403));
        assert_eq!(log.head().await.unwrap().size(), 2);
    }
}
