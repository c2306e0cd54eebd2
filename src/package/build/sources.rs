//! Files that definitions name: found as Windows would find them, and only where they may come from.

use std::path::{Path, PathBuf};

/// Largest file, in bytes: what one folder of a cabinet holds.
const MAX_FILE: u64 = 0x7FFF_8000;

/// Where the sources of a definition may be.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    /// The definition's folder.
    folder: PathBuf,
    /// Whole paths without links, below which sources may be.
    roots: Vec<PathBuf>,
}

impl Sources {
    /// Sources relative to `folder`, below it or one of `roots`; those of them that do not exist do not count.
    pub(super) fn new<'a>(folder: &Path, roots: impl Iterator<Item = &'a Path>) -> Self {
        let folder = match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        };
        let whole = |root: &Path| root.canonicalize().ok();
        let mut roots: Vec<PathBuf> = roots.filter_map(whole).collect();
        roots.extend(whole(&folder));
        Self { folder, roots }
    }

    /// The content of a source, `/` between the parts of its path.
    ///
    /// # Errors
    /// A text that says why there is none.
    pub(super) fn read(&self, source: &str) -> Result<Vec<u8>, String> {
        let path = in_any_case(&self.folder.join(source));
        let path = path.ok_or_else(|| format!("`{source}` does not exist"))?;
        let path = path.canonicalize();
        let path = path.map_err(|error| format!("`{source}`: {error}"))?;
        if !self.roots.iter().any(|root| path.starts_with(root)) {
            return Err(format!(
                "`{source}` is outside of the workspace; a folder that --define gives as a whole path may be used"
            ));
        }
        let metadata = path.metadata();
        let metadata = metadata.map_err(|error| format!("`{source}`: {error}"))?;
        if !metadata.is_file() {
            return Err(format!("`{source}` is no file"));
        }
        if metadata.len() > MAX_FILE {
            let size = metadata.len();
            return Err(format!(
                "`{source}` has {size} bytes, a cabinet holds {MAX_FILE}"
            ));
        }
        std::fs::read(&path).map_err(|error| format!("`{source}`: {error}"))
    }
}

/// The path as it is spelled on the disk; `None` where there is nothing.
fn in_any_case(path: &Path) -> Option<PathBuf> {
    if path.exists() {
        return Some(path.to_owned());
    }
    let folder = in_any_case(path.parent()?)?;
    let name = path.file_name()?.to_str()?.to_lowercase();
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| {
            let found = entry.file_name();
            found
                .to_str()
                .is_some_and(|found| found.to_lowercase() == name)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.into_iter().next()
}
