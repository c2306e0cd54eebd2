//! Files of another tree, some of them changed in memory.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use super::{Entry, Files, Kind, ReadSeek, join};

/// A tree in which some files have other contents than on disk; none is new.
pub struct Overlay<'a> {
    base: &'a dyn Files,
    changed: BTreeMap<String, Vec<u8>>,
}

impl<'a> Overlay<'a> {
    /// The tree as it is.
    pub fn new(base: &'a dyn Files) -> Self {
        Self {
            base,
            changed: BTreeMap::new(),
        }
    }

    /// Gives a file, by the path it is opened with, other contents.
    pub fn change(&mut self, path: &str, bytes: Vec<u8>) {
        self.changed.insert(path.to_owned(), bytes);
    }

    /// The files that have other contents, by path.
    pub fn changed(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.changed
    }
}

impl Files for Overlay<'_> {
    fn kind(&self, path: &str) -> io::Result<Kind> {
        self.base.kind(path)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = self.base.list(folder)?;
        for entry in &mut entries {
            if let Some(bytes) = self.changed.get(&join(folder, &entry.name)) {
                entry.size = bytes.len() as u64;
            }
        }
        Ok(entries)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        match self.changed.get(path) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.as_slice()))),
            None => self.base.open(path),
        }
    }

    fn canonical(&self, path: &str) -> io::Result<String> {
        self.base.canonical(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn a_changed_file_is_read_and_listed_as_it_is_now_and_others_as_they_were() {
        let base: Memory = [("f/a", "one"), ("f/b", "two")].into_iter().collect();
        let mut overlay = Overlay::new(&base);
        overlay.change("f/a", b"longer".to_vec());
        assert_eq!(overlay.read("f/a", 100).unwrap(), b"longer");
        assert_eq!(overlay.read("f/b", 100).unwrap(), b"two");
        let sizes: Vec<u64> = overlay.list("f").unwrap().iter().map(|e| e.size).collect();
        assert_eq!(sizes, [6, 3]);
        assert_eq!(overlay.changed().len(), 1);
        assert!(overlay.open("f/c").is_err());
    }
}
