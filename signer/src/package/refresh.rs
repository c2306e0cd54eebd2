//! New digests in old documents: manifests are changed at the places of the values and nowhere else, catalogs keep
//! identifier, time, attributes and the form of every entry.

use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;
use std::ops::Range;

use formats::container::cat::{Catalog, CatalogBuilder, Member, SubjectKind};
use formats::spc::SpcPeImageData;

use super::contents::PackageFile;
use super::links::{Manifest, algorithm_of_length};
use crate::catalog::Hashable;
use crate::digest::DigestAlgorithm;

/// The manifest's bytes with sizes and digests of the files that changed from `old` to `new`.
///
/// # Errors
/// A text that says why there is no place for them.
pub(super) fn manifest(
    manifest: &Manifest,
    old: &[PackageFile],
    new: &[PackageFile],
    changed: &BTreeSet<usize>,
) -> Result<Vec<u8>, String> {
    let mut known: HashMap<(usize, DigestAlgorithm), Vec<u8>> = HashMap::new();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (listed, target) in manifest.entries() {
        let target = target.filter(|target| changed.contains(target));
        let pair = target.and_then(|target| Some((target, old.get(target)?, new.get(target)?)));
        let Some((target, before, after)) = pair else {
            continue;
        };
        if let Some(stated) = &listed.digest {
            let form = stated.form.zip(algorithm_of_length(stated.bytes.len()));
            let (form, algorithm) =
                form.ok_or_else(|| format!("'{}' is no digest", stated.text.value))?;
            let digest = known
                .entry((target, algorithm))
                .or_insert_with(|| algorithm.of(&after.bytes));
            edits.push((stated.text.span.range(), form.write(digest)));
        }
        let was = before.bytes.len().to_string();
        // Estimates of other tools, and sizes that were never true, stay.
        let sizes = listed.size.iter().chain(&listed.other_sizes);
        for size in sizes.filter(|size| size.value == was) {
            edits.push((size.span.range(), after.bytes.len().to_string()));
        }
    }
    let bytes = old.get(manifest.index).map(|file| file.bytes.as_slice());
    let bytes = bytes.unwrap_or_default();
    let text = manifest.source.text();
    let bom = manifest.source.file_offset(0);
    if bytes.get(bom..) != Some(text.as_bytes()) {
        return Err("only UTF-8 can be changed in place".to_owned());
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut output = bytes.get(..bom).unwrap_or_default().to_vec();
    let mut position = 0;
    for (range, value) in edits {
        let before = text.get(position..range.start);
        let before = before.ok_or("two values stand in one place")?;
        output.extend_from_slice(before.as_bytes());
        output.extend_from_slice(value.as_bytes());
        position = range.end;
    }
    output.extend_from_slice(text.get(position..).unwrap_or_default().as_bytes());
    Ok(output)
}

/// A file and how it is hashed.
type Subject = (usize, SubjectKind);

/// Most pairs of an entry and a file: more than any package has, as only equal files share entries.
const MAX_PAIRS: usize = 1 << 20;

/// The files of a package by their digests, under which catalogs list them.
pub(super) struct Subjects<'a> {
    files: &'a [PackageFile],
    by_digest: HashMap<Vec<u8>, Vec<Subject>>,
}

impl<'a> Subjects<'a> {
    /// Hashes `files` in each way in which they can be listed.
    ///
    /// # Errors
    /// Where one cannot be hashed.
    pub(super) fn of(files: &'a [PackageFile]) -> Result<Self, String> {
        let mut by_digest: HashMap<Vec<u8>, Vec<Subject>> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            let own = Hashable::recognise(&mut Cursor::new(&file.bytes));
            let own = own.map_or(SubjectKind::Flat, |hashable| hashable.kind());
            for kind in BTreeSet::from([SubjectKind::Flat, own]) {
                for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
                    let found = digest(file, kind, algorithm)?;
                    by_digest.entry(found).or_default().push((index, kind));
                }
            }
        }
        Ok(Self { files, by_digest })
    }
}

/// A catalog and the files of the package that its entries are about.
pub(super) struct Listings<'a> {
    catalog: Catalog,
    known: &'a Subjects<'a>,
}

impl<'a> Listings<'a> {
    /// Finds out which files of a package a catalog lists.
    ///
    /// # Errors
    /// Where it is no catalog, or lists equal files more often than any real one.
    pub(super) fn read(catalog: &[u8], known: &'a Subjects<'a>) -> Result<Self, String> {
        let catalog = Catalog::parse(catalog.to_vec()).map_err(|error| error.to_string())?;
        let listings = Self { catalog, known };
        let members = listings.catalog.members().iter();
        let pairs: usize = members.map(|member| listings.subjects(member).len()).sum();
        match pairs > MAX_PAIRS {
            true => Err(format!(
                "it lists {pairs} files, at most {MAX_PAIRS} are read"
            )),
            false => Ok(listings),
        }
    }

    /// The files that an entry is about; several where they are equal, none where the package has no such file.
    fn subjects(&self, member: &Member) -> &[Subject] {
        let stated = member.indirect_data();
        let stated = stated.and_then(|stated| self.known.by_digest.get(stated.digest));
        let tagged = || self.known.by_digest.get(&member.tag);
        let written = || self.known.by_digest.get(&member.digest_tag());
        let found = stated.or_else(tagged).or_else(written);
        found.map_or(&[], Vec::as_slice)
    }

    /// Indexes of the files that are listed, with the kind that their entries have.
    pub(super) fn listed(&self) -> BTreeSet<Subject> {
        let members = self.catalog.members().iter();
        let subjects = members.flat_map(|member| self.subjects(member));
        subjects.copied().collect()
    }

    /// The catalog with the digests of `new`, unsigned; `None` where no entry changes.
    ///
    /// # Errors
    /// A text that says what cannot be kept or renewed.
    pub(super) fn refresh(
        &self,
        new: &[PackageFile],
        changed: &BTreeSet<usize>,
    ) -> Result<Option<Vec<u8>>, String> {
        let mut renewals = HashMap::new();
        let mut members = Vec::new();
        let mut is_changed = false;
        for member in self.catalog.members() {
            let subjects = self.subjects(member);
            if subjects.is_empty() {
                members.push(member.clone());
            }
            for (index, kind) in subjects {
                let (Some(before), Some(after)) = (self.known.files.get(*index), new.get(*index))
                else {
                    continue;
                };
                if !changed.contains(index) {
                    members.push(member.clone());
                    continue;
                }
                let renewed = renewed(member, *kind, (*index, before, after), &mut renewals)?;
                is_changed |= renewed != *member;
                members.push(renewed);
            }
        }
        if !is_changed {
            return Ok(None);
        }
        let same = self.build(self.catalog.members().to_vec())?;
        let same = Catalog::parse(same).map_err(|error| error.to_string())?;
        if same.content().ok() != self.catalog.content().ok() {
            return Err("it has parts that could not be kept".to_owned());
        }
        self.build(members).map(Some)
    }

    fn build(&self, members: Vec<Member>) -> Result<Vec<u8>, String> {
        let catalog = &self.catalog;
        let mut builder = CatalogBuilder::new(catalog.version(), catalog.this_update());
        for attribute in catalog.attributes() {
            builder.attribute(attribute.clone());
        }
        for member in members {
            builder.add_member(member).map_err(|e| e.to_string())?;
        }
        let written = builder.write(catalog.list_identifier());
        written.map_err(|error| error.to_string())
    }
}

fn digest(
    file: &PackageFile,
    kind: SubjectKind,
    algorithm: DigestAlgorithm,
) -> Result<Vec<u8>, String> {
    let mut input = Cursor::new(&file.bytes);
    let hashable = Hashable::of_kind(kind, &mut input);
    let digest = hashable.map_err(|error| error.to_string());
    let digest = digest?.digest(algorithm, &mut input);
    digest.map_err(|error| error.to_string())
}

/// Old and new digest of files that changed, computed once however often they are listed.
type Renewals = HashMap<(usize, SubjectKind, DigestAlgorithm), (Vec<u8>, Vec<u8>)>;

/// An entry of a file that changed.
fn renewed(
    member: &Member,
    kind: SubjectKind,
    (index, before, after): (usize, &PackageFile, &PackageFile),
    known: &mut Renewals,
) -> Result<Member, String> {
    let mut renewal = |algorithm| -> Result<(Vec<u8>, Vec<u8>), String> {
        let key = (index, kind, algorithm);
        if let Some(pair) = known.get(&key) {
            return Ok(pair.clone());
        }
        let pair = (
            digest(before, kind, algorithm)?,
            digest(after, kind, algorithm)?,
        );
        known.insert(key, pair.clone());
        Ok(pair)
    };
    let mut renewed = member.clone();
    let algorithm = |digest: &[u8]| {
        let found = algorithm_of_length(digest.len());
        found.ok_or_else(|| format!("{} is listed by an unknown digest", before.path))
    };
    if let Some(stated) = member.indirect_data() {
        let (_, new) = renewal(algorithm(stated.digest)?)?;
        if new != stated.digest {
            let pages = SpcPeImageData::read(&stated).map(|data| data.page_hashes);
            if kind == SubjectKind::Pe && pages.is_ok_and(|pages| !pages.is_empty()) {
                let path = &before.path;
                return Err(format!("{path} is listed with page hashes, which change"));
            }
            let content = member.content.as_deref().unwrap_or_default();
            renewed.content = replace_last(content, stated.digest, &new);
        }
    }
    let tag = member.digest_tag();
    let pair = algorithm_of_length(tag.len()).map(renewal).transpose()?;
    if let Some((_, new)) = pair.filter(|(old, _)| *old == tag) {
        renewed.tag = match tag == member.tag {
            true => new,
            false => hexadecimal_like(member, &new),
        };
    }
    Ok(renewed)
}

/// `bytes` with the last `old` replaced by `new`, which is as long.
fn replace_last(bytes: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let place = bytes.windows(old.len()).rposition(|window| window == old)?;
    let mut replaced = bytes.to_vec();
    let end = place.saturating_add(old.len());
    replaced.get_mut(place..end)?.copy_from_slice(new);
    Some(replaced)
}

/// A digest in UTF-16 hexadecimal, with the letters and the end that the tag of `member` has.
fn hexadecimal_like(member: &Member, digest: &[u8]) -> Vec<u8> {
    let label = member.label().unwrap_or_default();
    let mut text = crate::digest::hex(digest);
    if !label.contains(|c: char| c.is_ascii_lowercase()) {
        text.make_ascii_uppercase();
    }
    let end = member.tag.ends_with(&[0, 0]).then_some('\0');
    let text: String = text.chars().chain(end).collect();
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
