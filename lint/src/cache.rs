//! What was found in cabinets, kept in a folder from run to run, so that a cabinet that did not change is not expanded
//! again.
//!
//! An entry is named by the SHA-256 of the cabinet, and says which format, program and cabinet it is of and what its own
//! digest is; one that says anything else is as if it were not there. That keeps out what is damaged, old or
//! mixed up. It does not keep out a liar: who may write into the folder decides what is found in the cabinets. So there is
//! no folder unless the user names one. Signatures, times and anchors are judged in every run.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use signer::digest::{DigestAlgorithm, hex};
use signer::output::write_bytes;

use crate::facts::contents::Contents;

/// Number of the format of entries: goes up whenever [`Contents`], or what is found in a cabinet, changes.
const FORMAT: u32 = 2;
/// The program that writes entries.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Largest entry, bytes.
const LARGEST: u64 = 16 << 20;
/// Ending of the names of entries.
const ENDING: &str = "contents";

/// Largest cabinet that is kept, bytes: it is hashed and read from one copy in memory, so that nobody can change it between.
pub const LARGEST_CABINET: u64 = 32 << 20;

/// A folder of entries.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// How many entries may stay.
    most_entries: usize,
    /// How many bytes they may have together.
    most_bytes: u64,
}

impl Cache {
    /// Opens a folder, which is made where it is not there.
    ///
    /// # Errors
    /// Where it cannot be made or is no folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        if folder.metadata().is_ok_and(|found| !found.is_dir()) {
            let problem = "the cache is a folder, and this is a file";
            return Err(io::Error::new(io::ErrorKind::NotADirectory, problem));
        }
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            most_entries: 20_000,
            most_bytes: 1 << 30,
        })
    }

    /// What is in a cabinet of these bytes: what is kept, else what `look` finds, which is kept then. An entry that cannot
    /// be written is left out.
    ///
    /// # Errors
    /// Those of `look`, which are not kept.
    pub fn contents(
        &self,
        bytes: &[u8],
        look: impl FnOnce(&[u8]) -> Result<Contents, String>,
    ) -> Result<Contents, String> {
        let key = hex(&DigestAlgorithm::Sha256.of(bytes));
        let path = self.folder.join(format!("{key}.{ENDING}"));
        if let Some(kept) = kept(&path, &key) {
            return Ok(kept);
        }
        let contents = look(bytes)?;
        if let Some(entry) = entry(&contents, &key) {
            // The result is right without it.
            let _ = write_bytes(&path, &entry);
        }
        Ok(contents)
    }

    /// Removes the entries that were written first, where there are more than may stay. What is no entry stays.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn trim(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for found in fs::read_dir(&self.folder)? {
            let found = found?;
            let path = found.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let is_key = stem.is_some_and(|stem| {
                stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            let is_entry = is_key && path.extension().is_some_and(|end| end == ENDING);
            // Another run may have removed it.
            if let Ok(metadata) = found.metadata()
                && is_entry
                && metadata.is_file()
            {
                let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push((written, path, metadata.len()));
            }
        }
        entries.sort_by(|a, b| b.cmp(a));
        let mut bytes: u64 = 0;
        for (index, (_, path, length)) in entries.iter().enumerate() {
            bytes = bytes.saturating_add(*length);
            if index >= self.most_entries || bytes > self.most_bytes {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

/// The first line of an entry.
fn head(key: &str, body: &[u8]) -> String {
    let digest = hex(&DigestAlgorithm::Sha256.of(body));
    format!("proofmark contents {FORMAT} {VERSION} {key} {digest}\n")
}

/// An entry; `None` where the contents cannot be kept whole.
fn entry(contents: &Contents, key: &str) -> Option<Vec<u8>> {
    let members = contents.members.iter();
    let of_members = members.flat_map(|member| &member.signatures);
    let mut signatures = contents.signatures.iter().chain(of_members);
    if signatures.any(|signature| signature.variable.is_some()) {
        return None;
    }
    let body = serde_json::to_vec(contents).ok()?;
    let mut entry = head(key, &body).into_bytes();
    entry.extend(body);
    let is_small = u64::try_from(entry.len()).is_ok_and(|length| length <= LARGEST);
    is_small.then_some(entry)
}

/// What an entry keeps, where it is whole and of this program and cabinet.
fn kept(path: &Path, key: &str) -> Option<Contents> {
    // Opening a pipe would wait for its other end.
    let length = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    if length > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (first, body) = bytes.split_at_checked(end.saturating_add(1))?;
    match first == head(key, body).as_bytes() {
        true => serde_json::from_slice(body).ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::inside::look_inside;

    const CABINET: &[u8] =
        include_bytes!("../tests/fixtures/catalog-os-attr/Fjordlight.Kiosk.Agent.cab");

    /// What a cache says, and whether it had to look.
    fn ask(cache: &Cache, bytes: &[u8]) -> (Result<Contents, String>, bool) {
        let mut looked = false;
        let contents = cache.contents(bytes, |bytes| {
            looked = true;
            look_inside(&mut Cursor::new(bytes))
        });
        (contents, looked)
    }

    fn filled() -> (tempfile::TempDir, Cache, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("made")).unwrap();
        assert!(ask(&cache, CABINET).1);
        let key = hex(&DigestAlgorithm::Sha256.of(CABINET));
        let path = cache.folder.join(format!("{key}.contents"));
        (folder, cache, path)
    }

    #[test]
    fn what_was_found_once_is_not_looked_for_again() {
        let (_folder, cache, _) = filled();
        let (kept, looked) = ask(&cache, CABINET);
        assert_eq!(kept, look_inside(&mut Cursor::new(CABINET)));
        assert!(!looked);
    }

    /// The format, and the digest of what is kept of a few cabinets in it.
    const KEPT: (u32, &str) = (
        2,
        "7a1a5603ea549d45ec76ff700703eb00a31c6a4eb30d84c490b3b9d2ada5b3f3",
    );

    #[test]
    fn what_is_kept_changes_only_with_the_number_of_the_format() {
        let cabinets: [&[u8]; 4] = [
            CABINET,
            include_bytes!("../tests/fixtures/appx-dependency-unsigned/Fjordlight.Kiosk.Agent.cab"),
            include_bytes!("../tests/fixtures/nested-signature-class/Fjordlight.Kiosk.Agent.cab"),
            include_bytes!(
                "../tests/fixtures/package-contents-unreadable/Fjordlight.Kiosk.Agent.cab"
            ),
        ];
        let kept = cabinets.iter().flat_map(|cabinet| {
            let contents = look_inside(&mut Cursor::new(*cabinet)).unwrap();
            serde_json::to_vec(&contents).unwrap()
        });
        let digest = hex(&DigestAlgorithm::Sha256.of(&kept.collect::<Vec<u8>>()));
        assert_eq!(
            (FORMAT, digest.as_str()),
            KEPT,
            "what is kept of a cabinet is not what it was: raise `FORMAT`, then write both numbers into `KEPT`"
        );
    }

    #[test]
    fn a_changed_cabinet_is_looked_into_and_what_cannot_be_read_is_not_kept() {
        let (_folder, cache, _) = filled();
        let mut changed = CABINET.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        assert!(ask(&cache, &changed).1);
        for _ in 0..2 {
            let (contents, looked) = ask(&cache, b"no cabinet");
            assert!(contents.is_err() && looked);
        }
    }

    #[test]
    fn a_damaged_entry_is_ignored_and_written_anew() {
        let (_folder, cache, path) = filled();
        let entry = fs::read(&path).unwrap();
        let cold = look_inside(&mut Cursor::new(CABINET));
        for at in (0..entry.len()).step_by(entry.len() / 50) {
            let mut damaged = entry.clone();
            damaged[at] ^= 1;
            for damaged in [&damaged[..], &entry[..at]] {
                fs::write(&path, damaged).unwrap();
                assert_eq!(ask(&cache, CABINET), (cold.clone(), true), "at {at}");
                assert_eq!(fs::read(&path).unwrap(), entry);
            }
        }
        assert!(!ask(&cache, CABINET).1);
    }

    #[test]
    fn an_entry_of_another_version_format_or_cabinet_is_ignored() {
        let (_folder, cache, path) = filled();
        let entry = fs::read(&path).unwrap();
        let end = entry.iter().position(|byte| *byte == b'\n').unwrap();
        let first = std::str::from_utf8(&entry[..end]).unwrap();
        let words: Vec<&str> = first.split(' ').collect();
        assert_eq!(words[..4], ["proofmark", "contents", "2", VERSION]);
        let other_key = "0".repeat(64);
        for (at, other) in [(2, "0"), (3, "0.0.0"), (4, other_key.as_str())] {
            let mut words = words.clone();
            words[at] = other;
            let foreign = [words.join(" ").as_bytes(), &entry[end..]].concat();
            fs::write(&path, foreign).unwrap();
            assert!(ask(&cache, CABINET).1, "{other}");
            assert!(!ask(&cache, CABINET).1);
        }
    }

    #[test]
    fn the_oldest_entries_leave_and_what_is_no_entry_stays() {
        let (_folder, mut cache, first) = filled();
        let note = cache.folder.join("note.txt");
        fs::write(&note, "mine").unwrap();
        let past = SystemTime::UNIX_EPOCH;
        let entry = fs::File::options().write(true).open(&first).unwrap();
        entry.set_modified(past).unwrap();
        let mut other = CABINET.to_vec();
        other.push(0);
        ask(&cache, &other).0.unwrap();
        cache.trim().unwrap();
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 3);
        cache.most_entries = 1;
        cache.trim().unwrap();
        assert!(!first.exists() && note.exists());
        assert!(!ask(&cache, &other).1);
        cache.most_bytes = 1;
        cache.trim().unwrap();
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1);
    }
}
