//! The result, verified as a whole before it takes its name: as if somebody else had made it.

use std::io::Cursor;

use super::contents::Package;
use super::links::{Links, examine};
use super::plan::{Terms, is_sound, verification};
use super::refresh::Listings;
use super::{Fault, Layer, PackageError, Row};
use crate::verify::Verification;

/// Checks `bytes`, made from the package `old` by the work of `rows`: every signature that was to be made, every link,
/// and that nothing else changed.
pub(super) fn result(
    bytes: &[u8],
    old: &Package,
    rows: &[Row],
    terms: &Terms<'_>,
) -> Result<(), PackageError> {
    let new = Package::read(&mut Cursor::new(bytes), terms.limits)?;
    let mut faults = Vec::new();
    let mut fail = |layer, member: &str, reason: &str| {
        faults.push(Fault {
            layer,
            member: member.to_owned(),
            reason: reason.to_owned(),
        });
    };
    if let Err(reason) = signed(&verification(bytes, terms.judge)?, terms) {
        fail(Layer::Cabinet, "", &reason);
    }
    if old.files.len() != new.files.len() {
        fail(Layer::Cabinet, "", "it has another number of files");
    }
    for (before, after) in old.files.iter().zip(&new.files) {
        let of_directory = |file: &super::PackageFile| {
            let attribs = file.attribs & !formats::container::cab::attribs::NAME_IS_UTF;
            (file.path.clone(), file.date, file.time, attribs)
        };
        if of_directory(before) != of_directory(after) {
            let reason = "its name, date or attributes are not what they were";
            fail(Layer::Cabinet, &before.path, reason);
        }
        let row = rows.iter().find(|row| row.member == before.path);
        let row = row.filter(|row| row.act.is_change());
        match row {
            None if before.bytes != after.bytes => {
                fail(Layer::Cabinet, &before.path, "it changed and was not to");
            }
            Some(row) if matches!(row.layer, Layer::Image | Layer::Catalog) => {
                if let Err(reason) = signed(&verification(&after.bytes, terms.judge)?, terms) {
                    fail(row.layer, &row.member, &reason);
                }
            }
            _ => {}
        }
        if row.is_some_and(|row| row.layer == Layer::Catalog) {
            let listed = |package: &Package, bytes: &[u8]| {
                let listings = Listings::read(bytes, &package.files);
                listings
                    .map(|listings| listings.listed())
                    .map_err(|error| PackageError::member(Layer::Catalog, &before.path, error))
            };
            if listed(old, &before.bytes)? != listed(&new, &after.bytes)? {
                let reason = "it does not list the files that it listed";
                fail(Layer::Catalog, &before.path, reason);
            }
        }
    }
    faults.extend(examine(&new, &Links::read(&new)?).faults);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(PackageError::NotVerified(faults)),
    }
}

/// Whether there is one signature, by the key that was to sign, and it holds.
fn signed(verification: &Verification, terms: &Terms<'_>) -> Result<(), String> {
    let [report] = verification.signatures.as_slice() else {
        let count = verification.signatures.len();
        return Err(format!("it has {count} signatures instead of the new one"));
    };
    let leaf = terms.job.identity.leaf();
    if report
        .leaf
        .as_ref()
        .is_none_or(|found| found.der != leaf.der)
    {
        return Err("it is signed by somebody else".to_owned());
    }
    // Whether the signer is to be trusted was asked before.
    match is_sound(report) {
        true => Ok(()),
        false => {
            let failures = report.failures().map(|(.., message)| message);
            Err(failures.collect::<Vec<_>>().join("; "))
        }
    }
}
