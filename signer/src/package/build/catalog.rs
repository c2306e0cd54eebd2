//! `update.cat` before it is signed.

use std::io::Cursor;

use formats::container::cat::{CatalogBuilder, NameValue, SubjectKind, Tag, Version, flags};
use time::OffsetDateTime;

use crate::catalog::Hashable;
use crate::digest::DigestAlgorithm;

/// The versions of Windows that catalogs of packages name.
const SYSTEMS: &str = "2:6.1,2:6.0,2:5.2,2:5.1";
/// Bytes of a list identifier.
const IDENTIFIER: usize = 16;

/// A catalog that lists `files`, given by name and content. Its identifier follows from what it lists.
///
/// # Errors
/// A text that names the file that cannot be listed.
pub(super) fn of<'a>(
    package: &str,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
    date: OffsetDateTime,
) -> Result<Vec<u8>, String> {
    let mut builder = CatalogBuilder::new(Version::V2, date);
    for (name, value) in [("PackageName", package), ("OSAttr", SYSTEMS)] {
        builder.attribute(NameValue {
            flags: flags::NAME | flags::TEXT,
            ..NameValue::from_text(name, value)
        });
    }
    for (name, bytes) in files {
        let mut input = Cursor::new(bytes);
        // As Windows asks for it: images without their signature, what only looks like one as it is.
        let hashable = match Hashable::recognise(&mut input) {
            Ok(hashable) => hashable,
            Err(_) => Hashable::of_kind(SubjectKind::Flat, &mut input)
                .map_err(|error| format!("{name}: {error}"))?,
        };
        let subject = hashable.subject(&mut input, Tag::Hash, Vec::new());
        let subject = subject.map_err(|error| format!("{name}: {error}"))?;
        builder
            .add(subject)
            .map_err(|error| format!("{name}: {error}"))?;
    }
    let write = |identifier: &[u8]| builder.write(identifier).map_err(|error| error.to_string());
    let mut identifier = DigestAlgorithm::Sha256.of(&write(&[])?);
    identifier.truncate(IDENTIFIER);
    write(&identifier)
}
