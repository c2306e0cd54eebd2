//! Whether a catalog lists a file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Read, Seek};

use formats::container::cat::{Catalog, Member, NameValue, SubjectKind, Version};
use formats::spc::EnhancedHash;

use super::{CatalogError, Hashable};
use crate::digest::{DigestAlgorithm, hex};

/// How a file is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Index of the entry among [`Catalog::members`].
    pub member: usize,
    /// What the file was hashed as.
    pub kind: SubjectKind,
    /// The algorithm by which the entry is found.
    pub algorithm: DigestAlgorithm,
    /// The digest.
    pub digest: Vec<u8>,
    /// What is odd about the entry without making it another file's.
    pub notes: Vec<String>,
}

/// Whether a catalog lists a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// It does.
    Listed(Listing),
    /// It lists a file of this name, or under this hash, that differs.
    Changed {
        /// Index of the entry among [`Catalog::members`].
        member: usize,
        /// What differs, with values.
        reason: String,
    },
    /// It does not.
    NotListed {
        /// What is known besides.
        note: Option<String>,
    },
}

/// A catalog prepared for looking files up, each in constant time.
#[derive(Debug)]
pub struct Lookup<'a> {
    catalog: &'a Catalog,
    /// Entries by the digest under which they are found.
    by_digest: HashMap<Vec<u8>, usize>,
    /// Entries by label or `File` attribute, in lower case.
    by_name: HashMap<String, usize>,
    /// SHA-1 twins of a version 2 catalog.
    twins: HashSet<&'a [u8]>,
    /// The algorithms of the entries, strongest first.
    algorithms: Vec<DigestAlgorithm>,
}

impl<'a> Lookup<'a> {
    /// Prepares a catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        let mut lookup = Self {
            catalog,
            by_digest: HashMap::new(),
            by_name: HashMap::new(),
            twins: HashSet::new(),
            algorithms: Vec::new(),
        };
        let mut algorithms = BTreeSet::new();
        for (index, member) in catalog.members().iter().enumerate() {
            let label = member.label().filter(|_| catalog.version() == Version::V1);
            let files = member.attributes.iter().filter(|a| a.name == "File");
            // Of several entries the first counts, as it does where digests are equal.
            for name in files.filter_map(NameValue::text).chain(label) {
                lookup.by_name.entry(name.to_lowercase()).or_insert(index);
            }
            if catalog.version() == Version::V2 && member.content.is_none() && is_sha1(&member.tag)
            {
                lookup.twins.insert(&member.tag);
                continue;
            }
            algorithms.extend(algorithm(member));
            let digest = key(member, catalog.version());
            lookup.by_digest.entry(digest).or_insert(index);
        }
        lookup.algorithms = algorithms.into_iter().rev().collect();
        lookup
    }

    /// Looks a file up by its content, and where that is not listed by `name`, its file name.
    ///
    /// # Errors
    /// Where the file cannot be read, or begins as an image or cabinet and is none and is not listed as a flat file.
    pub fn find(
        &self,
        name: Option<&str>,
        input: &mut (impl Read + Seek),
    ) -> Result<Membership, CatalogError> {
        let recognised = Hashable::recognise(input);
        if let Ok(hashable) = &recognised
            && let Some(found) = self.find_hashable(hashable, input)?
        {
            return Ok(found);
        }
        let flat = Hashable::flat(input)?;
        if recognised.as_ref().map(Hashable::kind).ok() != Some(SubjectKind::Flat)
            && let Some(found) = self.find_hashable(&flat, input)?
        {
            return Ok(found);
        }
        if let Some(index) = self.find_before_signing(input)? {
            let reason =
                "it is listed as it was before it was signed: sign first, then make the catalog";
            return Ok(Membership::Changed {
                member: index,
                reason: reason.to_owned(),
            });
        }
        if let Some(index) = name.and_then(|name| self.by_name.get(&name.to_lowercase())) {
            let hashable = recognised.as_ref().unwrap_or(&flat);
            return Ok(self.changed(*index, hashable, input)?);
        }
        let twin = recognised?.digest(DigestAlgorithm::Sha1, input)?;
        let note = self.twins.contains(twin.as_slice()).then(|| {
            let digest = hex(&twin);
            format!("its SHA-1 {digest} is listed as that of a file with another SHA-256")
        });
        Ok(Membership::NotListed { note })
    }

    fn find_hashable(
        &self,
        hashable: &Hashable,
        input: &mut (impl Read + Seek),
    ) -> io::Result<Option<Membership>> {
        for algorithm in &self.algorithms {
            let digest = hashable.digest(*algorithm, input)?;
            if let Some(index) = self.by_digest.get(&digest) {
                return Ok(Some(self.compare(*index, hashable, *algorithm, digest)));
            }
        }
        Ok(None)
    }

    fn find_before_signing(&self, input: &mut (impl Read + Seek)) -> io::Result<Option<usize>> {
        let Some(hashable) = Hashable::before_signing(input) else {
            return Ok(None);
        };
        for algorithm in &self.algorithms {
            let digest = hashable.digest(*algorithm, input)?;
            if let Some(index) = self.by_digest.get(&digest) {
                return Ok(Some(*index));
            }
        }
        Ok(None)
    }

    /// Compares a file with the entry that was found under its digest.
    fn compare(
        &self,
        index: usize,
        hashable: &Hashable,
        algorithm: DigestAlgorithm,
        digest: Vec<u8>,
    ) -> Membership {
        let changed = |reason| Membership::Changed {
            member: index,
            reason,
        };
        let mut notes = Vec::new();
        if !algorithm.is_strong() {
            notes.push(format!("it is listed by {algorithm} only"));
        }
        if let Some(member) = self.catalog.members().get(index) {
            let kind = member.info.as_ref().and_then(|info| info.kind());
            if let Some(kind) = kind.filter(|kind| *kind != hashable.kind()) {
                let is = hashable.kind();
                notes.push(format!("its entry says {kind}, it was hashed as a {is}"));
            }
            if let Some(stated) = member.indirect_data() {
                if stated.digest != digest {
                    let (stated, found) = (hex(stated.digest), hex(&digest));
                    return changed(format!("its entry {found} states the digest {stated}"));
                }
                let enhanced = EnhancedHash::find(&stated).ok().flatten();
                if enhanced.is_some_and(|enhanced| enhanced.0 != hashable.enhanced_hash()) {
                    let reason = "the enhanced hash in its entry is of another cabinet size";
                    return changed(reason.to_owned());
                }
            }
        }
        Membership::Listed(Listing {
            member: index,
            kind: hashable.kind(),
            algorithm,
            digest,
            notes,
        })
    }

    /// Says how a file differs from the entry that has its name.
    fn changed(
        &self,
        index: usize,
        hashable: &Hashable,
        input: &mut (impl Read + Seek),
    ) -> io::Result<Membership> {
        let member = self.catalog.members().get(index);
        let stated = member.and_then(Member::indirect_data);
        let algorithm = member.and_then(algorithm);
        let reason = match (stated, algorithm) {
            (Some(stated), Some(algorithm)) => {
                let (stated, found) = (hex(stated.digest), hashable.digest(algorithm, input)?);
                format!(
                    "the file has {algorithm} {}, {stated} is listed under its name",
                    hex(&found)
                )
            }
            _ => "its name is listed without a digest that can be compared".to_owned(),
        };
        Ok(Membership::Changed {
            member: index,
            reason,
        })
    }
}

pub(super) fn is_sha1(tag: &[u8]) -> bool {
    tag.len() == DigestAlgorithm::Sha1.length()
}

/// The algorithm of an entry: the one that it states, or the one that its tag is as long as.
fn algorithm(member: &Member) -> Option<DigestAlgorithm> {
    match member.indirect_data() {
        Some(stated) => DigestAlgorithm::from_oid(stated.digest_algorithm),
        None => match member.digest_tag().len() {
            20 => Some(DigestAlgorithm::Sha1),
            32 => Some(DigestAlgorithm::Sha256),
            _ => None,
        },
    }
}

/// The digest under which an entry is found: its tag, or what it states where the tag is a name.
pub(super) fn key(member: &Member, version: Version) -> Vec<u8> {
    let tag = match version {
        Version::V1 => member.digest_tag(),
        Version::V2 => member.tag.clone(),
    };
    let is_digest = algorithm(member).is_some_and(|algorithm| algorithm.length() == tag.len());
    match member.indirect_data().filter(|_| !is_digest) {
        Some(stated) => stated.digest.to_vec(),
        None => tag,
    }
}
