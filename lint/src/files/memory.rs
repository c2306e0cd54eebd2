//! A tree in memory, for a service and for tests.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use super::{Entry, Files, Kind, ReadSeek, name_of};

/// A tree of files in memory; folders are there where files are below them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// Adds a file; `.` and `..` in its path are resolved, `\` separates like `/`.
    pub fn insert(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(normal(path), bytes.into());
    }

    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        self.files
            .range(prefix.clone()..)
            .map_while(move |(path, bytes)| Some((path.strip_prefix(&prefix)?, bytes.as_slice())))
    }
}

impl<P: AsRef<str>, B: Into<Vec<u8>>> FromIterator<(P, B)> for Memory {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        let mut memory = Self::default();
        for (path, bytes) in files {
            memory.insert(path.as_ref(), bytes);
        }
        memory
    }
}

/// The path without empty names, `.` and `..`; nothing is above the root.
fn normal(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split(['/', '\\']) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

fn absent(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{path} is not there"))
}

impl Files for Memory {
    fn kind(&self, path: &str) -> io::Result<Kind> {
        let path = normal(path);
        if self.files.contains_key(&path) {
            Ok(Kind::File)
        } else if path.is_empty() || self.below(&path).next().is_some() {
            Ok(Kind::Folder)
        } else {
            Err(absent(&path))
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let folder = normal(folder);
        if self.kind(&folder)? == Kind::File {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
        for (rest, bytes) in self.below(&folder) {
            let (name, kind, size) = match rest.split_once('/') {
                Some((name, _)) => (name, Kind::Folder, 0),
                None => (name_of(rest), Kind::File, bytes.len() as u64),
            };
            let name_owned = name.to_owned();
            entries.entry(name).or_insert(Entry {
                name: name_owned,
                kind,
                size,
            });
        }
        Ok(entries.into_values().collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        let path = normal(path);
        let bytes = self.files.get(&path).ok_or_else(|| absent(&path))?;
        Ok(Box::new(Cursor::new(bytes.as_slice())))
    }

    fn canonical(&self, path: &str) -> io::Result<String> {
        self.kind(path)?;
        Ok(normal(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_from_the_files_below_them() {
        let files: Memory = [
            ("w/a/x.xml", "12"),
            ("w/a/y/z.xml", "1"),
            ("w\\b.xml", "123"),
        ]
        .into_iter()
        .collect();
        let names = |folder: &str| {
            let entries = files.list(folder).unwrap();
            entries
                .into_iter()
                .map(|e| (e.name, e.kind, e.size))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(""), [("w".into(), Kind::Folder, 0)]);
        assert_eq!(
            names("./w/"),
            [
                ("a".into(), Kind::Folder, 0),
                ("b.xml".into(), Kind::File, 3)
            ]
        );
        assert_eq!(
            names("w/b/../a"),
            [
                ("x.xml".into(), Kind::File, 2),
                ("y".into(), Kind::Folder, 0)
            ]
        );
        assert_eq!(files.kind("w/a").unwrap(), Kind::Folder);
        assert!(files.kind("w/c").is_err() && files.list("w/b.xml").is_err());
        assert_eq!(files.read("w/a/x.xml", 9).unwrap(), b"12");
        assert_eq!(files.read("w/a/x.xml", 1).unwrap(), b"1");
        assert_eq!(files.canonical("w/./a/../b.xml").unwrap(), "w/b.xml");
    }
}
