//! Verification of whole files: no digest is called right after a byte under it was changed.

use std::io::Cursor;

use formats::container::cat::Catalog;
use formats::container::{Container, Piece};
use signer::anchor::Anchors;
use signer::verify::{Check, Outcome, Verification, VerifyOptions, verify};
use time::OffsetDateTime;

use crate::bytes::choice;

pub(crate) fn run(input: &[u8]) {
    let Some((container, verification)) = verified(input) else {
        return;
    };
    if !holds(&container, &verification) {
        return;
    }
    let Some(place) = hashed_place(&container, input) else {
        panic!("a digest is called right that covers no byte of the file");
    };
    let mut changed = input.to_vec();
    changed[place] ^= 1 << (choice(input) % 8);
    if let Some((container, verification)) = verified(&changed) {
        let still = holds(&container, &verification);
        assert!(
            !still,
            "byte {place} was changed, and the digest still passes"
        );
    }
}

fn verified(input: &[u8]) -> Option<(Container, Verification)> {
    let mut file = Cursor::new(input);
    let container = Container::read(&mut file).ok()?;
    let anchors = Anchors::built_in();
    let options = VerifyOptions {
        at: OffsetDateTime::UNIX_EPOCH,
        anchors: &anchors,
    };
    let verification = verify(&container, &mut file, options).expect("memory can be read");
    Some((container, verification))
}

/// Whether a signature's digest is called right. Where a signature covers its content itself, there may be no digest;
/// so both count there.
fn holds(container: &Container, verification: &Verification) -> bool {
    let checks: &[Check] = match container {
        Container::Catalog(_) | Container::SiPolicy(_) | Container::EfiVariable(_) => {
            &[Check::Digest, Check::Signature]
        }
        _ => &[Check::Digest],
    };
    verification.signatures.iter().any(|signature| {
        let mut checks = checks.iter();
        checks.all(|check| signature.outcome(*check) == Some(&Outcome::Passed))
    })
}

/// A byte that the digest covers.
fn hashed_place(container: &Container, input: &[u8]) -> Option<usize> {
    let pieces = match container {
        Container::Catalog(catalog) => vec![Piece::Range(content_range(catalog, input)?)],
        Container::SiPolicy(policy) => {
            let (content, offset) = policy.policy().ok()?;
            vec![Piece::Range(offset..offset + content.len() as u64)]
        }
        Container::EfiVariable(variable) => {
            let (der, offset) = variable.signature();
            vec![Piece::Range(offset + der.len() as u64..input.len() as u64)]
        }
        Container::Appx(package) => {
            let parts = package.digest_parts();
            parts.into_iter().flat_map(|part| part.pieces).collect()
        }
        other => other.digestible()?.pieces,
    };
    let ranges = pieces.iter().filter_map(|piece| match piece {
        Piece::Range(range) if !range.is_empty() => Some(range.start as usize..range.end as usize),
        _ => None,
    });
    let ranges: Vec<_> = ranges.collect();
    let total: usize = ranges.iter().map(ExactSizeIterator::len).sum();
    let mut place = choice(input).checked_rem(total)?;
    for range in ranges {
        if place < range.len() {
            return Some(range.start + place);
        }
        place -= range.len();
    }
    None
}

fn content_range(catalog: &Catalog, input: &[u8]) -> Option<std::ops::Range<u64>> {
    let content = catalog.content().ok()?;
    let mut windows = input.windows(content.len());
    let start = windows.position(|part| part == content)? as u64;
    Some(start..start + content.len() as u64)
}
