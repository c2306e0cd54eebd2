//! One folder as the linter sees it: nothing above it is there.

use std::io;
use std::path::{Path, PathBuf};

use lint::files::{Disk, Entry, Files, Kind, ReadSeek};

/// The files below a folder, by paths relative to it.
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The files below `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// Where a path is. None leads out of the folder.
    fn on_disk(&self, path: &str) -> io::Result<String> {
        let mut place = self.root.clone();
        for name in path.split(['/', '\\']) {
            match name {
                "" | "." => {}
                ".." => return Err(io::ErrorKind::NotFound.into()),
                name => place.push(name),
            }
        }
        let place = place.into_os_string().into_string();
        place.map_err(|_| io::ErrorKind::InvalidInput.into())
    }
}

impl Files for Folder {
    fn kind(&self, path: &str) -> io::Result<Kind> {
        Disk.kind(&self.on_disk(path)?)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        Disk.list(&self.on_disk(folder)?)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        Ok(Box::new(std::fs::File::open(self.on_disk(path)?)?))
    }

    fn canonical(&self, path: &str) -> io::Result<String> {
        self.kind(path)?;
        let names = path
            .split(['/', '\\'])
            .filter(|name| !matches!(*name, "" | "."));
        Ok(names.collect::<Vec<_>>().join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_above_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::fs::write(folder.path().join("in/a.xml"), "x").unwrap();
        let files = Folder::new(&folder.path().join("in"));
        assert_eq!(files.kind("a.xml").unwrap(), Kind::File);
        assert_eq!(files.canonical("./a.xml").unwrap(), "a.xml");
        assert_eq!(files.list("").unwrap().len(), 1);
        assert_eq!(files.read("/a.xml", 9).unwrap(), b"x");
        for above in ["..", "../secret", "a/../../secret"] {
            assert!(files.kind(above).is_err(), "{above}");
            assert!(files.open(above).is_err() && files.canonical(above).is_err());
        }
    }
}
