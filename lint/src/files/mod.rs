//! The one door to files: a tree that can be listed and read, on disk or in memory.
//!
//! Paths are text with `/` between names, as the user wrote them or below what the user wrote. Names that are not
//! Unicode are not offered: no input of an image has one.

mod disk;
mod memory;
mod overlay;
mod targets;

use std::io::{self, Read, Seek, SeekFrom};

pub use disk::Disk;
pub use memory::Memory;
pub use overlay::Overlay;
pub use targets::Targets;

/// What can be read from and sought in; an open file.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A tree of files.
pub trait Files: Sync {
    /// Whether a path is a file or a folder, links followed.
    fn kind(&self, path: &str) -> io::Result<Kind>;

    /// The files and folders in a folder, sorted by name. Links to files are files; links to folders are left out,
    /// so that a walk ends.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// Opens a file.
    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>>;

    /// One spelling for every way to write a path, links resolved, names separated by `/`.
    fn canonical(&self, path: &str) -> io::Result<String>;

    /// The length of a file in bytes.
    fn length(&self, path: &str) -> io::Result<u64> {
        self.open(path)?.seek(SeekFrom::End(0))
    }

    /// The bytes of a file, at most the first `limit`.
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// File or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something that can be opened.
    File,
    /// Something that can be listed.
    Folder,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without a folder.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file, 0 for a folder.
    pub size: u64,
}

/// A path below a folder; an empty folder or `.` adds nothing.
pub fn join(folder: &str, name: &str) -> String {
    match folder {
        "" | "." => name.to_owned(),
        _ if name.is_empty() => folder.to_owned(),
        _ if folder.ends_with('/') => format!("{folder}{name}"),
        _ => format!("{folder}/{name}"),
    }
}

/// The folder of a path, without a trailing `/`; empty where the path is a single name.
pub fn folder_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => "",
    }
}

/// What the paths of everything below a folder begin with.
pub fn start_below(folder: &str) -> String {
    match folder {
        "" => String::new(),
        folder => format!("{}/", folder.trim_end_matches('/')),
    }
}

/// The last name of a path.
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The last name of a path as documents write it, with either separator and maybe blanks around it.
pub fn written_name(path: &str) -> &str {
    path.trim().rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Whether `path` is `folder` or lies below it. Everything relative lies below the empty folder.
pub fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_taken_apart() {
        assert_eq!(join(".", "a"), "a");
        assert_eq!(join("", "a"), "a");
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("x/y", "a"), "x/y/a");
        assert_eq!(join("x", ""), "x");
        assert_eq!(folder_of("/a"), "/");
        assert_eq!(folder_of("x/y/a"), "x/y");
        assert_eq!(folder_of("a"), "");
        assert_eq!(name_of("x/y/a"), "a");
        assert_eq!(["", "/", "x", "x/"].map(start_below), ["", "/", "x/", "x/"]);
        assert_eq!(written_name(r" %X%\y/a\b.xml "), "b.xml");
        assert!(is_below("x/y", "x") && is_below("x", "x/") && is_below("x", ""));
        assert!(!is_below("xy", "x"));
    }
}
