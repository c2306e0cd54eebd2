//! What somebody may see of requests and windows: their own, and those of profiles that they oversee.

use sqlx::{AssertSqlSafe, Row};

use crate::auth::{Principal, Role};
use crate::store::{Store, StoreError};

/// Whether what others have in a profile is shown.
pub(crate) fn oversees(principal: &Principal, profile: &str) -> bool {
    let mut seeing = [Role::Approve, Role::Audit, Role::Admin].into_iter();
    seeing.any(|role| principal.may(role, profile))
}

/// A condition on the columns `principal` and `profile` of a table. What others have is left out by the database, so that
/// however much of it there is, it does not push out what is listed.
pub(crate) struct Sight {
    principal: String,
    profiles: Vec<String>,
}

impl Sight {
    /// What a principal sees of a table.
    pub(crate) async fn of(
        principal: &Principal,
        store: &Store,
        table: &'static str,
    ) -> Result<Self, StoreError> {
        let query = format!("SELECT DISTINCT profile FROM {table}");
        let rows = sqlx::query(AssertSqlSafe(query))
            .fetch_all(store.pool())
            .await?;
        let profiles: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        let mut profiles = profiles?;
        profiles.retain(|profile| oversees(principal, profile));
        Ok(Self {
            principal: principal.id.clone(),
            profiles,
        })
    }

    /// The condition, whose first value has the number `first`.
    pub(crate) fn condition(&self, first: usize) -> String {
        let profiles = (first + 1..).take(self.profiles.len());
        let profiles: String = profiles
            .map(|place| format!(" OR profile = ${place}"))
            .collect();
        format!("(principal = ${first}{profiles})")
    }

    /// Its values, in their order.
    pub(crate) fn values(self) -> impl Iterator<Item = String> {
        std::iter::once(self.principal).chain(self.profiles)
    }
}
