//! What the configuration says, as entries of the log: policy and key of every profile, and who may do what. Where that is
//! not what the last such entry tells, a new one is appended.

use std::path::Path;

use serde_json::{Map, Value, json};
use signer::clock::rfc3339;
use signer::digest::{DigestAlgorithm, hex};
use sqlx::Row;

use crate::audit::{Decision, Entry, EntryError};
use crate::auth::{CertificateRule, Issuer, is_address};
use crate::clock;
use crate::config::Config;
use crate::gate;
use crate::profile::Profile;
use crate::state::Inner;
use crate::store::{StoreError, Transaction};

/// Which entry is the last that tells of something: its place in the log, which alone says what was told.
pub(crate) const SCHEMA: &str = "CREATE TABLE configured (
    -- Empty for what is true of every profile.
    profile TEXT NOT NULL,
    decision TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (profile, decision)
);";

/// Who decides what a configuration says, for the log.
const BY: &str = "service";

/// Appends an entry for everything that is not as the log tells it; answers with how many. Nodes that begin together come
/// one after the other, so that one of them writes.
///
/// # Errors
/// Where the database does not answer.
pub(crate) async fn record(state: &Inner) -> Result<usize, StoreError> {
    let told = entries(state)?;
    let mut transaction = state.store.begin().await?;
    lock(&mut transaction).await?;
    let mut appended = 0;
    for entry in told {
        let known = last(&mut transaction, &entry).await?;
        if known.is_some_and(|known| is_same(&known, &entry)) {
            continue;
        }
        let receipt = state.log.append(&mut transaction, &entry).await?;
        keep(&mut transaction, &entry, receipt.index).await?;
        appended += 1;
    }
    transaction.commit().await?;
    Ok(appended)
}

/// What the log should tell, in the order of the profiles.
fn entries(state: &Inner) -> Result<Vec<Entry>, EntryError> {
    let mut entries = Vec::new();
    for (name, profile) in &state.setup.profiles {
        entries.push(policy(state, name, profile));
        entries.push(key(state, name, profile));
    }
    entries.push(access(state)?);
    Ok(entries)
}

fn entry(state: &Inner, decision: Decision) -> Entry {
    Entry::new(clock::text(state.now_ms()), decision, BY.to_owned())
}

/// What a file must pass, and who has to agree.
fn policy(state: &Inner, name: &str, profile: &Profile) -> Entry {
    let rules = &profile.rules;
    let policies = state.gate.on(state.setup.environment.now().date());
    let mut entry = entry(state, Decision::PolicyChanged);
    entry.profile = Some(name.to_owned());
    entry.policy = Some(gate::version(&policies, rules.gate.image()));
    entry.claims = json!({ "approvals": rules.approvals, "digest-signing": rules.digest_signing });
    entry
}

/// What is signed with.
fn key(state: &Inner, name: &str, profile: &Profile) -> Entry {
    let leaf = profile.identity.leaf();
    let mut entry = entry(state, Decision::KeyChanged);
    entry.profile = Some(name.to_owned());
    entry.key = Some(profile.thumbprint());
    entry.claims = json!({
        "public-key": hex(&DigestAlgorithm::Sha256.of(&leaf.public_key)),
        "subject": leaf.subject.to_string(),
        "not-after": rfc3339(leaf.not_after),
    });
    entry
}

/// Whose credentials count, and for what.
fn access(state: &Inner) -> Result<Entry, EntryError> {
    let rules = rules(&state.setup.config);
    let mut entry = entry(state, Decision::AccessChanged);
    entry.claims = rules.clone();
    match entry.bytes() {
        Ok(_) => {}
        Err(EntryError::TooLong(_)) => {
            // More rules than an entry has room for: that they changed can be told all the same.
            let sha256 = hex(&DigestAlgorithm::Sha256.of(&serde_json::to_vec(&rules)?));
            entry.claims = json!({ "sha256": sha256 });
        }
        Err(error) => return Err(error),
    }
    Ok(entry)
}

fn rules(config: &Config) -> Value {
    let authority = config.tls.as_ref().and_then(|tls| tls.client_ca.as_deref());
    let issuers: Vec<Value> = config.oidc.iter().map(issuer).collect();
    let certificates: Vec<Value> = config.certificate.iter().map(certificate).collect();
    let mut rules = Map::new();
    rules.insert("oidc".to_owned(), issuers.into());
    rules.insert("certificate".to_owned(), certificates.into());
    if let Some(path) = authority {
        rules.insert("client-ca".to_owned(), content(path));
    }
    rules.into()
}

fn issuer(issuer: &Issuer) -> Value {
    let allowed = issuer.allow.iter().map(
        |rule| json!({ "claims": rule.claims, "profiles": rule.profiles, "roles": rule.roles }),
    );
    let allowed: Vec<Value> = allowed.collect();
    let keys = match is_address(&issuer.jwks) {
        true => issuer.jwks.clone().into(),
        false => content(Path::new(&issuer.jwks)),
    };
    json!({ "issuer": issuer.issuer, "audience": issuer.audience, "jwks": keys, "allow": allowed })
}

fn certificate(rule: &CertificateRule) -> Value {
    json!({
        "subject": rule.subject.as_ref().map(ToString::to_string),
        "sha256": rule.sha256,
        "person": rule.person,
        "profiles": rule.profiles,
        "roles": rule.roles,
    })
}

/// SHA-256 of a file: its place differs from node to node. Nothing where it cannot be read.
fn content(path: &Path) -> Value {
    let bytes = std::fs::read(path).ok();
    bytes
        .map(|bytes| hex(&DigestAlgorithm::Sha256.of(&bytes)))
        .into()
}

fn is_same(known: &Entry, entry: &Entry) -> bool {
    let mut known = known.clone();
    known.time.clone_from(&entry.time);
    known == *entry
}

/// Lets one node at a time go on. The row stands for nothing else.
async fn lock(transaction: &mut Transaction) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO configured (profile, decision, position) VALUES ('', '', 0) \
         ON CONFLICT (profile, decision) DO UPDATE SET position = 0",
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The last entry that tells of the same.
async fn last(transaction: &mut Transaction, entry: &Entry) -> Result<Option<Entry>, StoreError> {
    let row = sqlx::query(
        "SELECT entry FROM configured JOIN audit_entry ON audit_entry.position = configured.position \
         WHERE configured.profile = $1 AND configured.decision = $2",
    )
    .bind(entry.profile.clone().unwrap_or_default())
    .bind(entry.decision.name())
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let bytes: Vec<u8> = row.try_get(0)?;
    Ok(Some(Entry::parse(&bytes)?))
}

async fn keep(transaction: &mut Transaction, entry: &Entry, index: u64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO configured (profile, decision, position) VALUES ($1, $2, $3) \
         ON CONFLICT (profile, decision) DO UPDATE SET position = excluded.position",
    )
    .bind(entry.profile.clone().unwrap_or_default())
    .bind(entry.decision.name())
    .bind(i64::try_from(index).map_err(StoreError::stored)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
