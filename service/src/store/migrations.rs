//! The tables, in the order in which they came. A migration that was released is never changed.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::Engine;
use crate::{audit, auth, configured, page, webhook};

/// Name and text, written for PostgreSQL.
const MIGRATIONS: [(&str, &str); 6] = [
    ("service", include_str!("schema.sql")),
    ("audit", audit::SCHEMA),
    ("page", page::SCHEMA),
    ("people", auth::PEOPLE),
    ("configured", configured::SCHEMA),
    ("webhook", webhook::SCHEMA),
];

/// What brings the tables of this database up to date.
pub(super) fn migrator(engine: Engine) -> Migrator {
    let migrations = (1..).zip(MIGRATIONS).map(|(version, (name, text))| {
        let text = match engine {
            Engine::Postgres => text.to_owned(),
            Engine::Sqlite => text.replace("BIGINT", "INTEGER").replace("BYTEA", "BLOB"),
        };
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            AssertSqlSafe(text).into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn votes_of_before_people_were_told_apart_are_those_of_their_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let file = format!("sqlite://{}?mode=rwc", path.display());
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&file).await.unwrap();
        let all = migrator(Engine::Sqlite);
        let earlier = all.iter().take_while(|one| one.description != "people");
        let earlier = Migrator::with_migrations(earlier.cloned().collect());
        earlier.run(&pool).await.unwrap();
        let token = "INSERT INTO token (id, hash, name, grants, created, expires) VALUES ('1', 'h', 'ann', '[]', 0, 9)";
        let request = "INSERT INTO request (id, principal, claims, profile, state, reason, name, sha256, size, manner, \
                       report, needed, created, expires, lease_until) \
                       VALUES ('r', 'oidc:i#s', 'null', 'p', 'pending', '', '', '', 0, '', '', 2, 0, 9, 0)";
        let vote = "INSERT INTO vote (request, principal, agrees, reason, created) VALUES ('r', 'token:1', 1, '', 0)";
        for statement in [token, request, vote] {
            sqlx::query(statement).execute(&pool).await.unwrap();
        }
        pool.close().await;
        let store = Store::open_file(&path).await.unwrap();
        for (table, person) in [
            ("token", "person:ann"),
            ("request", "oidc:i#s"),
            ("vote", "person:ann"),
        ] {
            let query = AssertSqlSafe(format!("SELECT person FROM {table}"));
            let row = sqlx::query(query).fetch_one(store.pool()).await.unwrap();
            assert_eq!(row.try_get::<String, _>(0).unwrap(), person, "{table}");
        }
    }
}
