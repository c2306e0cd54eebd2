//! Full flash updates: the catalog's signature, the hash table that it lists, and the chunks that the table lists.
//!
//! A device trusts the signature of the catalog, the catalog's hash of the table and the table's hashes of the
//! chunks, so each link is checked by itself. Nothing behind the image header is in the catalog, so a new signature
//! changes no chunk.

mod chunks;
mod sign;

use std::io::{self, Cursor, Read, Seek};
use std::num::NonZeroUsize;

use formats::container::Container;
use formats::container::cat::Version;
use formats::container::ffu::{FullFlashUpdate, HASH_LENGTH, HASH_TABLE_LABEL};
use formats::error::ParseError;

use crate::digest::{DigestAlgorithm, hex};
use crate::verify::{FailureKind, Outcome, Verification, VerifyOptions, verify};

pub use chunks::{ChunkReport, check_chunks, hash_chunks};
pub use sign::{FullFlashSignError, catalog_of, expect_table, sign_catalog};

/// What is checked of a full flash update, one outcome each.
#[derive(Debug, Clone)]
pub struct FullFlashVerification {
    /// Form of the security region, whose bytes no hash covers.
    pub structure: Outcome,
    /// The signature of the catalog; `None` where there is no catalog, or it cannot be read.
    pub catalog: Option<Verification>,
    /// Whether the catalog lists the hash table.
    pub hash_table: Outcome,
    /// The algorithm by which it does.
    pub hash_table_algorithm: Option<DigestAlgorithm>,
    /// Whether every chunk has the hash that the table states.
    pub chunks: Outcome,
    /// The chunks.
    pub report: ChunkReport,
    /// What the update says about itself and contradicts; no tampering, as hashes cover it.
    pub faults: Vec<ParseError>,
}

impl FullFlashVerification {
    /// Whether the content is what the table and the catalog say, whoever signed it.
    pub fn is_intact(&self) -> bool {
        let outcomes = [&self.structure, &self.hash_table, &self.chunks];
        !outcomes.into_iter().any(Outcome::is_failure)
    }

    /// Whether it is intact and signed, and every signature holds.
    pub fn holds(&self) -> bool {
        self.is_intact() && self.catalog.as_ref().is_some_and(Verification::holds)
    }
}

/// Verifies `update`, which was read from what `open` opens. Chunks are hashed by `threads` threads, each with an
/// input of its own; `progress` hears how many bytes were hashed since it was called last.
///
/// # Errors
/// Where the input cannot be read. Everything else is in the record.
pub fn verify_full_flash<R: Read + Seek>(
    update: &FullFlashUpdate,
    open: &(impl Fn() -> io::Result<R> + Sync),
    threads: NonZeroUsize,
    progress: &(impl Fn(u64) + Sync),
    options: VerifyOptions<'_>,
) -> io::Result<FullFlashVerification> {
    let (catalog, hash_table, hash_table_algorithm) = check_catalog(update, options)?;
    let report = check_chunks(update, open, threads, progress)?;
    let is_unprotected =
        |fault: &&ParseError| fault.structure == "SECURITY_HEADER" || fault.field == "hash table";
    let structure = match update.faults().iter().find(is_unprotected) {
        Some(fault) => Outcome::Failed(FailureKind::NotCanonical, fault.to_string()),
        None => Outcome::Passed,
    };
    let chunks = match report.bad.first() {
        Some(first) => {
            let message = format!(
                "{} of {} chunks differ from the hash table, the first at offset {}",
                report.bad_count,
                report.total,
                update.chunk(*first).start,
            );
            Outcome::Failed(FailureKind::DigestMismatch, message)
        }
        None => Outcome::Passed,
    };
    let faults = update.faults().iter();
    let faults = faults.filter(|fault| !is_unprotected(fault));
    Ok(FullFlashVerification {
        structure,
        catalog,
        hash_table,
        hash_table_algorithm,
        chunks,
        report,
        faults: faults.cloned().collect(),
    })
}

type CatalogCheck = (Option<Verification>, Outcome, Option<DigestAlgorithm>);

fn check_catalog(update: &FullFlashUpdate, options: VerifyOptions<'_>) -> io::Result<CatalogCheck> {
    let malformed = |error: ParseError| {
        let at = update.catalog_offset().saturating_add(error.offset);
        let error = ParseError {
            offset: at,
            ..error
        };
        Outcome::Failed(FailureKind::Malformed, error.to_string())
    };
    if update.catalog().is_empty() {
        let message = "there is no catalog that could list the hash table".to_owned();
        let outcome = Outcome::Failed(FailureKind::Malformed, message);
        return Ok((None, outcome, None));
    }
    let mut input = Cursor::new(update.catalog());
    let container = match Container::read(&mut input) {
        Ok(container) => container,
        Err(error) => return Ok((None, malformed(error), None)),
    };
    let Container::Catalog(catalog) = &container else {
        let message = format!("a {} stands in place of the catalog", container.format());
        let outcome = Outcome::Failed(FailureKind::Malformed, message);
        return Ok((None, outcome, None));
    };
    let (listed, algorithm) = lists_hash_table(catalog, update.hash_table());
    let verification = verify(&container, &mut input, options)?;
    Ok((Some(verification), listed, algorithm))
}

/// Whether `catalog` lists `hash_table`, and by which algorithm.
pub(crate) fn lists_hash_table(
    catalog: &formats::container::cat::Catalog,
    hash_table: &[u8],
) -> (Outcome, Option<DigestAlgorithm>) {
    let is_table = |label: &str| label.eq_ignore_ascii_case(HASH_TABLE_LABEL);
    let by_label = catalog
        .members()
        .iter()
        .find(|member| member.label().as_deref().is_some_and(is_table));
    let by_digest = || {
        let digest = DigestAlgorithm::Sha256.of(hash_table);
        let of_v2 = catalog.version() == Version::V2;
        let mut members = catalog.members().iter();
        members.find(|member| of_v2 && member.tag == digest)
    };
    let Some(member) = by_label.or_else(by_digest) else {
        let message = format!("the catalog lists no {HASH_TABLE_LABEL}");
        return (Outcome::Failed(FailureKind::DigestMismatch, message), None);
    };
    let Some(data) = member.indirect_data() else {
        let message = format!("the catalog's {HASH_TABLE_LABEL} states no digest");
        return (Outcome::Failed(FailureKind::Malformed, message), None);
    };
    let Some(algorithm) = DigestAlgorithm::from_oid(data.digest_algorithm) else {
        let message = format!(
            "the catalog's {HASH_TABLE_LABEL} is hashed with {}, which is not supported",
            data.digest_algorithm
        );
        return (Outcome::Failed(FailureKind::Unsupported, message), None);
    };
    let found = algorithm.of(hash_table);
    let outcome = match found == data.digest {
        true => Outcome::Passed,
        false => {
            let message = format!(
                "the hash table has {algorithm} {}, the catalog lists {}",
                hex(&found),
                hex(data.digest)
            );
            Outcome::Failed(FailureKind::DigestMismatch, message)
        }
    };
    (outcome, Some(algorithm))
}

/// SHA-256 of a chunk.
fn chunk_hash(bytes: &[u8]) -> [u8; HASH_LENGTH as usize] {
    let digest = DigestAlgorithm::Sha256.of(bytes);
    digest.try_into().unwrap_or_default()
}
