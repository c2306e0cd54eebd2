//! Signing a full flash update: its catalog is signed, and put back where it was.

use std::io::Cursor;

use formats::container::cat::{
    BuildError, Catalog, CatalogBuilder, Subject, SubjectForm, Tag, Version,
};
use formats::container::ffu::HASH_TABLE_LABEL;
use formats::error::ParseError;
use time::OffsetDateTime;

use super::lists_hash_table;
use crate::digest::DigestAlgorithm;
use crate::sign::{Job, SignError, sign_bytes};
use crate::timestamp::Obtained;
use crate::verify::Outcome;

/// Why a full flash update could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum FullFlashSignError {
    /// The catalog cannot be read, or the result cannot be put in.
    #[error(transparent)]
    Format(#[from] ParseError),
    /// No catalog of the table can be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The catalog is that of another image.
    #[error("the catalog is not that of this image: {0}")]
    OtherCatalog(String),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// An unsigned catalog that lists `hash_table`, in the form that devices look at: version 1, SHA-1, by name.
///
/// # Errors
/// None for a table that can be read.
pub fn catalog_of(hash_table: &[u8], time: OffsetDateTime) -> Result<Vec<u8>, BuildError> {
    let digest = |algorithm: DigestAlgorithm| algorithm.of(hash_table);
    let sha256 = digest(DigestAlgorithm::Sha256);
    let mut identifier = sha256.clone();
    identifier.truncate(16);
    let mut builder = CatalogBuilder::new(Version::V1, time);
    builder.add(Subject {
        tag: Tag::Label(HASH_TABLE_LABEL.to_owned()),
        form: SubjectForm::Flat,
        sha1: digest(DigestAlgorithm::Sha1).try_into().unwrap_or_default(),
        sha256: sha256.try_into().unwrap_or_default(),
        attributes: Vec::new(),
    })?;
    builder.write(&identifier)
}

/// Signs `catalog` after seeing that it lists `hash_table`.
///
/// # Errors
/// [`FullFlashSignError::OtherCatalog`], and as [`sign_bytes`].
pub fn sign_catalog(
    catalog: &[u8],
    hash_table: &[u8],
    job: Job<'_>,
) -> Result<(Vec<u8>, Option<Obtained>), FullFlashSignError> {
    expect_table(&Catalog::read(&mut Cursor::new(catalog))?, hash_table)?;
    Ok(sign_bytes(catalog, job)?)
}

/// Sees that `catalog` lists `hash_table`.
///
/// # Errors
/// [`FullFlashSignError::OtherCatalog`] where it does not.
pub fn expect_table(catalog: &Catalog, hash_table: &[u8]) -> Result<(), FullFlashSignError> {
    match lists_hash_table(catalog, hash_table).0 {
        Outcome::Failed(_, reason) => Err(FullFlashSignError::OtherCatalog(reason)),
        Outcome::Passed | Outcome::NotChecked(_) => Ok(()),
    }
}
