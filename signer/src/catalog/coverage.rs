//! How the entries of a catalog and a set of files fit: which file is listed by which digest, which entry is of no file.

use std::collections::HashMap;

use formats::container::cat::{Catalog, Member, Version};
use formats::spc::EnhancedHash;

use super::Fingerprint;
use super::membership::{is_sha1, key};
use crate::digest::hex;

/// How a catalog lists a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Under its SHA-1.
    pub sha1: bool,
    /// Under its SHA-256.
    pub sha256: bool,
    /// What an entry under its digest says that is not true of the file.
    pub fault: Option<String>,
}

impl Listed {
    /// Whether there is an entry at all.
    pub fn is_listed(&self) -> bool {
        self.sha1 || self.sha256
    }
}

/// How a catalog and a set of files fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// One for every file, in the order of the files.
    pub files: Vec<Listed>,
    /// The entries that are of none of the files, by their names or digests. SHA-1 twins are not told of besides.
    pub extra: Vec<String>,
}

/// Compares a catalog with files. The work grows with entries and files, not with their product.
pub fn coverage(catalog: &Catalog, files: &[&Fingerprint]) -> Coverage {
    let mut entries: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (index, digest) in listed_digests(catalog).enumerate() {
        entries.entry(digest).or_default().push(index);
    }
    let mut is_of_file = vec![false; catalog.members().len()];
    let mut coverage = Coverage::default();
    for file in files {
        let mut listed = Listed::default();
        for digests in file.candidates() {
            for (digest, flag) in [
                (&digests.sha1, &mut listed.sha1),
                (&digests.sha256, &mut listed.sha256),
            ] {
                for index in entries.get(digest).into_iter().flatten() {
                    *flag = true;
                    if let Some(seen) = is_of_file.get_mut(*index) {
                        *seen = true;
                    }
                    let member = catalog.members().get(*index);
                    let fault = member.and_then(|member| fault(member, digest, file));
                    listed.fault = listed.fault.take().or(fault);
                }
            }
        }
        coverage.files.push(listed);
    }
    let members = catalog.members().iter().zip(is_of_file);
    let extra = members.filter(|(member, seen)| !seen && !is_twin(catalog, member));
    coverage.extra = extra.map(|(member, _)| name(catalog, member)).collect();
    coverage
}

/// The digests under which a catalog lists files, one for every entry, in the order of the entries.
pub fn listed_digests(catalog: &Catalog) -> impl Iterator<Item = Vec<u8>> {
    let members = catalog.members().iter();
    members.map(|member| match is_twin(catalog, member) {
        true => member.tag.clone(),
        false => key(member, catalog.version()),
    })
}

fn is_twin(catalog: &Catalog, member: &Member) -> bool {
    catalog.version() == Version::V2 && member.content.is_none() && is_sha1(&member.tag)
}

/// What an entry that was found under a digest states besides.
fn fault(member: &Member, digest: &[u8], file: &Fingerprint) -> Option<String> {
    let stated = member.indirect_data()?;
    if stated.digest != digest {
        let (stated, found) = (hex(stated.digest), hex(digest));
        return Some(format!("its entry {found} states the digest {stated}"));
    }
    let enhanced = EnhancedHash::find(&stated).ok().flatten()?;
    let found = file.enhanced_hash.as_deref()?;
    (enhanced.0 != found)
        .then(|| "the enhanced hash in its entry is of another cabinet size".to_owned())
}

fn name(catalog: &Catalog, member: &Member) -> String {
    let label = member.label().filter(|_| catalog.version() == Version::V1);
    let name = member.text("File").or(label);
    name.unwrap_or_else(|| hex(&member.tag))
}

#[cfg(test)]
mod tests {
    use formats::container::cat::{CatalogBuilder, Tag};
    use std::io::Cursor;

    use super::*;
    use crate::catalog::Hashable;

    fn catalog(files: &[&[u8]], version: Version) -> Catalog {
        let mut builder = CatalogBuilder::new(version, time::OffsetDateTime::UNIX_EPOCH);
        for file in files {
            let mut input = Cursor::new(*file);
            let hashable = Hashable::recognise(&mut input).unwrap();
            let subject = hashable.subject(&mut input, Tag::Hash, Vec::new());
            builder.add(subject.unwrap()).unwrap();
        }
        Catalog::parse(builder.write(b"0123456789abcdef").unwrap()).unwrap()
    }

    #[test]
    fn files_are_found_by_both_digests_and_entries_of_no_file_are_told() {
        let files: [&[u8]; 2] = [b"one", b"two"];
        let prints: Vec<_> = files.iter().map(|file| Fingerprint::of(file)).collect();
        let wanted: Vec<&Fingerprint> = prints.iter().collect();
        for (version, by_sha256) in [(Version::V2, true), (Version::V1, false)] {
            let listed = coverage(&catalog(&[b"one", b"three"], version), &wanted);
            assert!(listed.files[0].sha1 && listed.files[0].sha256 == by_sha256);
            assert!(!listed.files[1].is_listed());
            assert_eq!(listed.extra.len(), 1, "{version:?} {:?}", listed.extra);
        }
    }
}
