//! The result, verified as a whole before it takes its name: as if somebody else had made it.

use std::collections::HashMap;
use std::io::Cursor;

use super::contents::Package;
use super::links::{Links, examine};
use super::plan::{Terms, is_sound, verification};
use super::refresh::{Listings, Subjects};
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
    let subjects = |package| {
        Subjects::of(package).map_err(|error| PackageError::member(Layer::Catalog, "", error))
    };
    let (old_subjects, new_subjects) = (subjects(&old.files)?, subjects(&new.files)?);
    let changes = rows.iter().filter(|row| row.act.is_change());
    let changes: HashMap<&str, &Row> = changes.map(|row| (row.member.as_str(), row)).collect();
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
        let row = changes.get(before.path.as_str()).copied();
        match row {
            None if before.bytes != after.bytes => {
                fail(Layer::Cabinet, &before.path, "it changed and was not to");
            }
            Some(row) if matches!(row.layer, Layer::Image | Layer::App | Layer::Catalog) => {
                if let Err(reason) = signed(&verification(&after.bytes, terms.judge)?, terms) {
                    fail(row.layer, &row.member, &reason);
                }
            }
            _ => {}
        }
        if row.is_some_and(|row| row.layer == Layer::Catalog) {
            let listed = |subjects: &Subjects<'_>, bytes: &[u8]| {
                let listings = Listings::read(bytes, subjects);
                listings
                    .map(|listings| listings.listed())
                    .map_err(|error| PackageError::member(Layer::Catalog, &before.path, error))
            };
            if listed(&old_subjects, &before.bytes)? != listed(&new_subjects, &after.bytes)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::Anchors;
    use crate::identity::Identity;
    use crate::package::Act;
    use crate::sign::{IfSigned, Job, SignOptions, sign_bytes};
    use crate::verify::VerifyOptions;
    use formats::container::cab::{Entry, Limits, Packing, attribs, pack};

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut readers: Vec<&[u8]> = files.iter().map(|(_, text)| text.as_bytes()).collect();
        let entries = files
            .iter()
            .zip(&mut readers)
            .map(|((name, text), data)| Entry {
                name: (*name).to_owned(),
                size: text.len() as u64,
                timestamp: time::macros::datetime!(2020-01-01 0:00),
                attribs: attribs::ARCHIVE,
                data,
            });
        let output = Cursor::new(Vec::new());
        let packed = pack(entries.collect(), Packing::default(), output);
        packed.unwrap().into_inner()
    }

    /// A result that is not what was to be made is refused, whichever way it is wrong.
    #[test]
    fn a_wrong_result_is_refused_by_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testcerts/");
        let identity = |name: &str| {
            let pfx = std::fs::read(format!("{folder}{name}.pfx")).unwrap();
            Identity::from_pfx(&pfx, "").unwrap()
        };
        let (own, other) = (identity("oem"), identity("rsa4096"));
        let options = SignOptions::default();
        let job = |identity| Job {
            identity,
            options: &options,
            if_signed: IfSigned::Replace,
            stamping: None,
        };
        let anchors = Anchors::built_in();
        let terms = Terms {
            job: job(&own),
            judge: VerifyOptions {
                at: time::macros::datetime!(2026-06-01 0:00 UTC),
                anchors: &anchors,
            },
            skip: &[],
            replace_better: false,
            limits: Limits::default(),
            plan_only: false,
        };
        let files = [("a.txt", "one"), ("b.txt", "two")];
        let mum = "<assembly><file cabpath='a.txt' size='4'/></assembly>";
        let old = packed(&files);
        let old = Package::read(&mut Cursor::new(&old), terms.limits).unwrap();
        let complaint = |bytes: &[u8], by, old: &Package, rows: &[Row]| {
            let signed = sign_bytes(bytes, job(by)).unwrap().0;
            let result = result(&signed, old, rows, &terms);
            result.map_err(|error| error.to_string()).err()
        };
        let row = |layer, act| Row {
            layer,
            member: "a.txt".to_owned(),
            act,
            reason: None,
            timestamp: None,
        };
        assert_eq!(complaint(&packed(&files), &own, &old, &[]), None);
        let by_other = complaint(&packed(&files), &other, &old, &[]).unwrap();
        assert!(by_other.contains("signed by somebody else"), "{by_other}");
        let changed = packed(&[("a.txt", "eno"), ("b.txt", "two")]);
        let unplanned = complaint(&changed, &own, &old, &[]).unwrap();
        assert!(unplanned.contains("a.txt: it changed"), "{unplanned}");
        let refreshed = [row(Layer::Digest, Act::Refreshed)];
        assert_eq!(complaint(&changed, &own, &old, &refreshed), None);
        let turned = packed(&[("b.txt", "two"), ("a.txt", "one")]);
        let turned = complaint(&turned, &own, &old, &[]).unwrap();
        assert!(turned.contains("a.txt: its name, date"), "{turned}");
        let fewer = complaint(&packed(&files[..1]), &own, &old, &[]).unwrap();
        assert!(fewer.contains("another number of files"), "{fewer}");
        let with_mum = packed(&[files[0], ("update.mum", mum)]);
        let broken = Package::read(&mut Cursor::new(&with_mum), terms.limits).unwrap();
        let broken = complaint(&with_mum, &own, &broken, &[]).unwrap();
        assert!(
            broken.contains("update.mum: 4 bytes are stated"),
            "{broken}"
        );
        assert!(broken.contains("the package has no catalog"), "{broken}");
    }
}
