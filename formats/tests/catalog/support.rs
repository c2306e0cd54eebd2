//! Catalogs of a few files, and the real ones.

use std::path::Path;

use formats::container::cat::{
    Catalog, CatalogBuilder, FileAttribute, NameValue, Subject, SubjectForm, Tag, Version,
};
use time::OffsetDateTime;

pub(crate) const ID: [u8; 16] = [7; 16];

/// 2025-06-05 08:00:48 UTC.
pub(crate) fn time() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_749_110_448).unwrap()
}

pub(crate) fn builder(version: Version) -> CatalogBuilder {
    CatalogBuilder::new(version, time())
}

/// A file whose digests consist of one byte each.
pub(crate) fn subject(form: SubjectForm, sha1: u8, sha256: u8) -> Subject {
    Subject {
        tag: Tag::Hash,
        form,
        sha1: [sha1; 20],
        sha256: [sha256; 32],
        attributes: Vec::new(),
    }
}

pub(crate) fn attribute(name: &str, text: &str, in_twin: bool) -> FileAttribute {
    let value = NameValue::from_text(name, text);
    FileAttribute { value, in_twin }
}

/// A catalog with one file of each kind and attributes everywhere.
pub(crate) fn mixed(version: Version) -> Vec<u8> {
    let mut builder = builder(version);
    builder.attribute(NameValue::from_text("OSAttr", "2:10.0"));
    let enhanced_hash = [0xee; 32];
    let forms = [
        SubjectForm::Pe,
        SubjectForm::Cabinet { enhanced_hash },
        SubjectForm::Flat,
    ];
    for (number, form) in forms.into_iter().enumerate() {
        let mut subject = subject(form, 0x90 - number as u8, 0x80 + number as u8);
        subject.attributes = vec![
            attribute("File", &format!("file {number}"), false),
            attribute("OSAttr", "2:10.0", true),
        ];
        builder.add(subject).unwrap();
    }
    builder.write(&ID).unwrap()
}

pub(crate) fn parse(bytes: &[u8]) -> Catalog {
    Catalog::parse(bytes.to_vec()).unwrap()
}

/// The catalog written again from what was read of it.
pub(crate) fn rebuilt(catalog: &Catalog) -> Vec<u8> {
    let mut builder = CatalogBuilder::new(catalog.version(), catalog.this_update());
    for attribute in catalog.attributes() {
        builder.attribute(attribute.clone());
    }
    for member in catalog.members() {
        builder.add_member(member.clone()).unwrap();
    }
    builder.write(catalog.list_identifier()).unwrap()
}

/// A file of the corpus, where that stands beside the repository.
pub(crate) fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/signed");
    let bytes = std::fs::read(Path::new(folder).join(name)).ok();
    if bytes.is_none() {
        println!("skipped: no corpus file {name}");
    }
    bytes
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let digit = |b: u8| char::from(b).to_digit(16).unwrap() as u8;
    let pairs = digits.chunks(2);
    pairs.map(|p| digit(p[0]) << 4 | digit(p[1])).collect()
}
