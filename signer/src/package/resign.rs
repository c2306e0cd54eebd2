//! A package signed again, from the inside out.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use super::contents::{Package, PackageFile};
use super::links::{Links, examine};
use super::plan::{Plan, Step, Terms, plan, verification};
use super::refresh::{self, Listings, Subjects};
use super::{Act, Fault, Layer, Outcome, PackageError, Row, check};
use crate::digest::DigestAlgorithm;
use crate::output::{write_bytes_as, write_patched};
use crate::sign::sign_bytes;
use crate::timestamp::Obtained;
use crate::verify::{Check, FailureKind, Verification};

/// Largest package file, in bytes: what a cabinet can be, and its signature.
const MAX_FILE: u64 = 3 << 30;

/// Signs the package `source` again and writes the result to `target`, which may be the same file. A package that
/// stays as it is is copied where they differ.
///
/// # Errors
/// Where the package is damaged, a file in it cannot be signed, or the result does not verify as a whole; the message
/// names layer and file, and `target` is what it was then.
pub fn resign(source: &Path, target: &Path, terms: &Terms<'_>) -> Result<Outcome, PackageError> {
    let mut bytes = Vec::new();
    let file = BufReader::new(File::open(source)?);
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let (outcome, result) = resign_bytes(&bytes, &name, terms)?;
    if terms.plan_only {
        return Ok(outcome);
    }
    match result {
        Some(result) => write_bytes_as(source, &result, target)?,
        None if source != target => write_patched(source, &Default::default(), target)?,
        None => {}
    }
    Ok(outcome)
}

/// The same in memory, for a package of this file name; no bytes where it stays as it is or is only planned.
pub(super) fn resign_bytes(
    bytes: &[u8],
    name: &str,
    terms: &Terms<'_>,
) -> Result<(Outcome, Option<Vec<u8>>), PackageError> {
    let package = Package::read(&mut Cursor::new(bytes), terms.limits)?;
    let cabinet = verification(bytes, terms.judge)?;
    let links = Links::read(&package)?;
    let plan = plan(&package, &links, name, &cabinet, terms)?;
    if !plan.is_foreign {
        refuse_damage(&package, &links, &cabinet)?;
    }
    if terms.plan_only || !plan.is_change() {
        return Ok((Outcome { rows: plan.rows() }, None));
    }
    let subjects = Subjects::of(&package.files)
        .map_err(|error| PackageError::member(Layer::Catalog, "", error))?;
    let mut work = Work {
        package: &package,
        subjects: &subjects,
        changed: BTreeSet::new(),
        files: package.files.clone(),
        terms,
        signed: HashMap::new(),
    };
    let rows = work.run(plan, &links)?;
    let unsigned = match work.files == package.files {
        // The data stays compressed as it is.
        true => None,
        false => Some(package.pack(&work.files)?),
    };
    let (result, timestamp) = sign_bytes(unsigned.as_deref().unwrap_or(bytes), terms.job)
        .map_err(|error| sign_error(Layer::Cabinet, "", error))?;
    let mut rows = rows;
    if let Some(last) = rows.last_mut() {
        last.timestamp = timestamp;
    }
    check::result(&result, &package, &rows, terms)?;
    Ok((Outcome { rows }, Some(result)))
}

/// New digests must not hide that old ones were wrong.
fn refuse_damage(
    package: &Package,
    links: &Links,
    cabinet: &Verification,
) -> Result<(), PackageError> {
    let failures = cabinet.signatures.iter().flat_map(|s| s.failures());
    let mismatches = failures
        .filter(|(check, kind, _)| *check == Check::Digest && *kind == FailureKind::DigestMismatch)
        .map(|(.., message)| Fault {
            layer: Layer::Cabinet,
            member: String::new(),
            reason: message.to_owned(),
        });
    let faults: Vec<Fault> = mismatches.chain(examine(package, links).faults).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(PackageError::Damaged(faults)),
    }
}

fn sign_error(layer: Layer, member: &str, error: crate::sign::SignError) -> PackageError {
    PackageError::Sign {
        layer,
        member: member.to_owned(),
        error,
    }
}

struct Work<'a> {
    package: &'a Package,
    subjects: &'a Subjects<'a>,
    /// Indexes of the files that differ from those of the package.
    changed: BTreeSet<usize>,
    /// The files as they become.
    files: Vec<PackageFile>,
    terms: &'a Terms<'a>,
    /// What became of contents that were signed: equal files stay equal, and none is signed twice.
    signed: HashMap<Vec<u8>, (Vec<u8>, Option<Obtained>)>,
}

impl Work<'_> {
    fn run(&mut self, plan: Plan, links: &Links) -> Result<Vec<Row>, PackageError> {
        let mut rows = Vec::new();
        let (of_package, steps): (Vec<Step>, Vec<Step>) = plan
            .steps
            .into_iter()
            .filter(|step| !matches!(step.row.layer, Layer::Digest | Layer::Hash))
            .partition(|step| Some(step.index) == links.catalog);
        for step in steps {
            rows.push(self.step(step)?);
        }
        for manifest in &links.manifests {
            let Some(file) = self.package.files.get(manifest.index) else {
                continue;
            };
            let layer = manifest.layer();
            let bytes =
                refresh::manifest(manifest, &self.package.files, &self.files, &self.changed)
                    .map_err(|error| PackageError::member(layer, &file.path, error))?;
            if bytes != file.bytes {
                self.put(manifest.index, bytes);
                rows.push(Row {
                    layer,
                    member: file.path.clone(),
                    act: Act::Refreshed,
                    reason: None,
                    timestamp: None,
                });
            }
        }
        for step in of_package {
            rows.push(self.step(step)?);
        }
        rows.push(plan.cabinet);
        Ok(rows)
    }

    /// Signs an image or a catalog, the catalog with new digests.
    fn step(&mut self, step: Step) -> Result<Row, PackageError> {
        let Step { index, mut row } = step;
        let bytes = self.package.files.get(index).map(|file| file.bytes.clone());
        let mut bytes = bytes.unwrap_or_default();
        if row.layer == Layer::Catalog {
            let renewed = Listings::read(&bytes, self.subjects)
                .and_then(|listings| listings.refresh(&self.files, &self.changed))
                .map_err(|error| PackageError::member(row.layer, &row.member, error))?;
            if let Some(renewed) = renewed {
                bytes = renewed;
                if row.act == Act::Kept {
                    (row.act, row.reason) = (Act::Replaced, None);
                }
            }
        }
        if !row.act.is_change() {
            return Ok(row);
        }
        let key = DigestAlgorithm::Sha256.of(&bytes);
        if !self.signed.contains_key(&key) {
            let signed = sign_bytes(&bytes, self.terms.job)
                .map_err(|error| sign_error(row.layer, &row.member, error))?;
            self.signed.insert(key.clone(), signed);
        }
        if let Some((signed, timestamp)) = self.signed.get(&key).cloned() {
            row.timestamp = timestamp;
            self.put(index, signed);
        }
        Ok(row)
    }

    fn put(&mut self, index: usize, bytes: Vec<u8>) {
        if let Some(file) = self.files.get_mut(index) {
            file.bytes = bytes;
            self.changed.insert(index);
        }
    }
}
