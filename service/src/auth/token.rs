//! Tokens: secrets that the service made. It keeps their hashes alone.

use base64ct::{Base64UrlUnpadded, Encoding};
use signer::digest::{DigestAlgorithm, hex};
use sqlx::Row;

use super::Grant;
use crate::audit::{Decision, Entry, Log};
use crate::clock;
use crate::store::{Store, StoreError};

/// How a token begins, so that scanners for secrets find it.
const PREFIX: &str = "pmk_";
/// Bytes of chance in a token.
const CHANCE: usize = 32;
/// Characters that stand for them.
const LETTERS: usize = 43;

/// A token, without its secret.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its name in the log, chosen by chance.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whose it is, see [`person`].
    pub person: String,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires: i64,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// What is made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name for people.
    pub name: String,
    /// Whose it is; otherwise that of whoever is called like the token.
    pub person: Option<String>,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// When it ends, in milliseconds since 1970.
    pub expires: i64,
    /// Who makes it, for the log.
    pub by: String,
}

/// Whether a bearer token is one of ours.
pub(crate) fn is_token(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// How a person of this name is written: `person:NAME`. Whoever comes through an issuer or with a certificate may also have
/// tokens, so that a principal of that kind stands for itself.
pub fn person(name: &str) -> String {
    let is_principal = ["oidc:", "certificate:"]
        .iter()
        .any(|kind| name.starts_with(kind));
    match is_principal {
        true => name.to_owned(),
        false => format!("person:{}", name.strip_prefix("person:").unwrap_or(name)),
    }
}

fn hash(secret: &str) -> String {
    hex(&DigestAlgorithm::Sha256.of(secret.as_bytes()))
}

/// Makes a token and returns it with its secret, which nobody can ask for again.
///
/// # Errors
/// Where the system gives no chance, or the database does not take it.
pub async fn create(
    store: &Store,
    log: &Log,
    new: &NewToken,
    now: i64,
) -> Result<(Token, String), StoreError> {
    let secret = format!(
        "{PREFIX}{}",
        Base64UrlUnpadded::encode_string(&crate::chance::bytes::<CHANCE>()?)
    );
    let token = Token {
        id: hex(&crate::chance::bytes::<8>()?),
        name: new.name.clone(),
        person: person(new.person.as_ref().unwrap_or(&new.name)),
        grants: new.grants.clone(),
        created: now,
        expires: new.expires,
        revoked: None,
    };
    let grants = serde_json::to_string(&token.grants).map_err(StoreError::stored)?;
    let mut transaction = store.begin().await?;
    sqlx::query(
        "INSERT INTO token (id, hash, name, person, grants, created, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&token.id)
    .bind(hash(&secret))
    .bind(&token.name)
    .bind(&token.person)
    .bind(grants)
    .bind(token.created)
    .bind(token.expires)
    .execute(&mut *transaction)
    .await?;
    let mut entry = Entry::new(clock::text(now), Decision::TokenCreated, new.by.clone());
    entry.claims = serde_json::json!({
        "token": token.id, "name": token.name, "person": token.person, "grants": token.grants,
    });
    log.append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    Ok((token, secret))
}

/// The token of a secret, if it counts now.
pub(crate) async fn find(
    store: &Store,
    secret: &str,
    now: i64,
) -> Result<Option<Token>, StoreError> {
    if secret.len() != PREFIX.len() + LETTERS {
        return Ok(None);
    }
    let row = sqlx::query(
        "SELECT id, name, person, grants, created, expires, revoked FROM token \
         WHERE hash = $1 AND revoked IS NULL AND expires > $2",
    )
    .bind(hash(secret))
    .bind(now)
    .fetch_optional(store.pool())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The token of an id, if it counts now.
pub(crate) async fn find_by_id(
    store: &Store,
    id: &str,
    now: i64,
) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, person, grants, created, expires, revoked FROM token \
         WHERE id = $1 AND revoked IS NULL AND expires > $2",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(store.pool())
    .await?;
    row.as_ref().map(read).transpose()
}

/// Whose credential a principal is: that of a token, whether it counts or not, or of the principal itself.
pub(crate) async fn person_of(store: &Store, principal: &str) -> Result<String, StoreError> {
    let Some(id) = principal.strip_prefix("token:") else {
        return Ok(principal.to_owned());
    };
    let row = sqlx::query("SELECT person FROM token WHERE id = $1")
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    match row {
        Some(row) => Ok(row.try_get(0)?),
        None => Ok(principal.to_owned()),
    }
}

/// Every token, by the time it was made.
///
/// # Errors
/// Where the database does not answer.
pub async fn list(store: &Store) -> Result<Vec<Token>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, person, grants, created, expires, revoked FROM token ORDER BY created, id",
    )
    .fetch_all(store.pool())
    .await?;
    rows.iter().map(read).collect()
}

/// Ends a token; false where there is none of that id that counts.
///
/// # Errors
/// Where the database does not answer.
pub async fn revoke(
    store: &Store,
    log: &Log,
    id: &str,
    by: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let done = sqlx::query("UPDATE token SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
        .bind(now)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let mut entry = Entry::new(clock::text(now), Decision::TokenRevoked, by.to_owned());
    entry.claims = serde_json::json!({ "token": id });
    log.append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    Ok(true)
}

fn read(row: &sqlx::any::AnyRow) -> Result<Token, StoreError> {
    let grants: String = row.try_get("grants")?;
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        person: row.try_get("person")?,
        grants: serde_json::from_str(&grants).map_err(StoreError::stored)?,
        created: row.try_get("created")?,
        expires: row.try_get("expires")?,
        revoked: row.try_get("revoked")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewToken {
        NewToken {
            name: "ci".to_owned(),
            person: None,
            grants: Vec::new(),
            expires: 2_000,
            by: "operator".to_owned(),
        }
    }

    #[test]
    fn people_are_told_from_principals() {
        assert_eq!(person("ann"), "person:ann");
        assert_eq!(person("person:ann"), "person:ann");
        assert_eq!(person("oidc:https://i#ann"), "oidc:https://i#ann");
        assert_eq!(person("token:1"), "person:token:1");
    }

    #[tokio::test]
    async fn a_token_counts_until_it_expires_or_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("db")).await.unwrap();
        let settings = crate::audit::LogSettings::in_folder(folder.path());
        let log = Log::open(store.clone(), &settings).await.unwrap();
        let (token, secret) = create(&store, &log, &new(), 1_000).await.unwrap();
        assert!(is_token(&secret));
        let found = async |secret: &str, now| find(&store, secret, now).await.unwrap();
        assert_eq!(found(&secret, 1_999).await.unwrap().id, token.id);
        assert!(found(&secret, 2_000).await.is_none());
        assert!(found(&format!("{secret}x"), 1_000).await.is_none());
        assert!(
            found(&secret.replace(PREFIX, "pmk-"), 1_000)
                .await
                .is_none()
        );
        assert!(
            revoke(&store, &log, &token.id, "operator", 1_500)
                .await
                .unwrap()
        );
        assert!(
            !revoke(&store, &log, &token.id, "operator", 1_500)
                .await
                .unwrap()
        );
        assert!(found(&secret, 1_600).await.is_none());
        let listed = list(&store).await.unwrap();
        assert_eq!(listed[0].revoked, Some(1_500));
        let file = std::fs::read(folder.path().join("db")).unwrap();
        let needle = secret.as_bytes();
        assert!(!file.windows(needle.len()).any(|window| window == needle));
    }
}
