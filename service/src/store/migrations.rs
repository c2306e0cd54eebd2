//! The tables, in the order in which they came. A migration that was released is never changed.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::Engine;
use crate::{audit, page};

/// Name and text, written for PostgreSQL.
const MIGRATIONS: [(&str, &str); 3] = [
    ("service", include_str!("schema.sql")),
    ("audit", audit::SCHEMA),
    ("page", page::SCHEMA),
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
