//! Files of the operating system.

use std::fs;
use std::io;
use std::path::Path;

use super::{Entry, Files, Kind, ReadSeek};

/// The files of the operating system. The empty path is the current folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

fn path(path: &str) -> &Path {
    Path::new(if path.is_empty() { "." } else { path })
}

fn kind(metadata: &fs::Metadata) -> io::Result<Kind> {
    if metadata.is_dir() {
        Ok(Kind::Folder)
    } else if metadata.is_file() {
        Ok(Kind::File)
    } else {
        let problem = "neither a file nor a folder";
        Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
    }
}

impl Files for Disk {
    fn kind(&self, at: &str) -> io::Result<Kind> {
        kind(&fs::metadata(path(at))?)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path(folder))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let file_type = entry.file_type()?;
            let is_link = file_type.is_symlink();
            if file_type.is_dir() {
                entries.push(Entry {
                    name,
                    kind: Kind::Folder,
                    size: 0,
                });
                continue;
            }
            let metadata = match is_link {
                true => fs::metadata(entry.path()),
                false => entry.metadata(),
            };
            // A link that leads nowhere, a device or a pipe is no input.
            let Ok(metadata) = metadata else {
                continue;
            };
            match kind(&metadata) {
                Ok(Kind::Folder) if is_link => {}
                Ok(kind) => entries.push(Entry {
                    name,
                    kind,
                    size: if kind == Kind::File {
                        metadata.len()
                    } else {
                        0
                    },
                }),
                Err(_) => {}
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, at: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        // Opening a pipe would wait for its other end.
        match self.kind(at)? {
            Kind::File => Ok(Box::new(fs::File::open(path(at))?)),
            Kind::Folder => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn canonical(&self, at: &str) -> io::Result<String> {
        let canonical = fs::canonicalize(path(at))?;
        let text = canonical.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(text.replace(std::path::MAIN_SEPARATOR, "/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_is_listed_in_order_and_links_to_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("b.xml"), "four").unwrap();
        fs::create_dir(at("a")).unwrap();
        std::os::unix::fs::symlink(".", at("loop")).unwrap();
        std::os::unix::fs::symlink("b.xml", at("c.xml")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("d.xml")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("e.xml")).unwrap();

        let root = folder.path().to_str().unwrap();
        let names: Vec<_> = Disk
            .list(root)
            .unwrap()
            .into_iter()
            .map(|e| (e.name, e.size))
            .collect();
        assert_eq!(
            names,
            [("a".into(), 0), ("b.xml".into(), 4), ("c.xml".into(), 4)]
        );

        let file = format!("{root}/c.xml");
        assert_eq!(Disk.read(&file, 10).unwrap(), b"four");
        assert_eq!(Disk.read(&file, 3).unwrap(), b"fou");
        assert!(Disk.open(root).is_err());
        assert!(Disk.open(&format!("{root}/e.xml")).is_err());
        let canonical = Disk
            .canonical(&format!("{root}/loop/./loop/c.xml"))
            .unwrap();
        assert!(canonical.ends_with("/b.xml") && !canonical.contains("loop"));
    }
}
