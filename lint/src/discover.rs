//! From the paths a user gives to the files that belong to them.
//!
//! A path is a workspace folder, a product folder, a document or a package. What lies inside a workspace (a folder with
//! `IoTWorkspace.xml`) is read together with that workspace, because a product means nothing without its manifests and
//! packages; reported is only what was asked for. A document outside of any workspace is read alone.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::files::{self, Entry, Files, Kind};

/// The file that makes a folder a workspace; its name is compared without regard to case.
pub const WORKSPACE_FILE: &str = "IoTWorkspace.xml";

/// How many folders above a path are searched for a workspace.
const HIGHEST: usize = 8;
/// How many folders deep a walk goes.
const DEEPEST: usize = 32;
/// How many files a walk takes.
const MOST_FILES: usize = 500_000;
/// Folders that hold no inputs; those whose name starts with a full stop neither.
const SKIPPED: &[&str] = &["node_modules", "target"];

/// Paths that cannot be linted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// A path that the user gave cannot be opened.
    #[error("{path}: {problem}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        problem: String,
    },
    /// Folders inside folders inside folders.
    #[error("{folder}: folders are nested more than {DEEPEST} deep")]
    TooDeep {
        /// Where the walk stopped.
        folder: String,
    },
    /// More files than an image has inputs.
    #[error("{root}: more than {MOST_FILES} files")]
    TooManyFiles {
        /// The folder that was walked.
        root: String,
    },
}

/// A set of files that are read together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The folder that was walked; empty for the current one, and where a document is read alone.
    pub root: String,
    /// What the user asked for: files and folders among those below.
    pub targets: Vec<String>,
    /// The same by their paths below the root; empty for the root itself.
    pub targets_below: Vec<String>,
    /// All files, by path, with their length.
    pub files: Vec<FoundFile>,
    /// Folders that could not be listed, with the reason.
    pub unlisted: Vec<(String, String)>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundFile {
    /// Its path, starting with what the user wrote where it lies below that.
    pub path: String,
    /// Its path below the root; of a document that is read alone its name.
    pub below: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A path that the user gave, seen from the folder that is walked for it.
struct Target {
    written: String,
    /// Its place below the root; empty for the root itself.
    relative: String,
}

/// Finds the files for each path, those of one workspace together.
pub fn discover(files: &dyn Files, paths: &[String]) -> Result<Vec<Discovered>, DiscoverError> {
    let mut alone = Vec::new();
    let mut roots: BTreeMap<String, (String, Vec<Target>)> = BTreeMap::new();
    for path in paths {
        let written = written(path);
        let failed = |error: std::io::Error| DiscoverError::Unreadable {
            path: path.clone(),
            problem: error.to_string(),
        };
        let kind = files.kind(&written).map_err(failed)?;
        let canonical = files.canonical(&written).map_err(failed)?;
        let above = workspace_above(files, &written, kind);
        let root = above.or_else(|| (kind == Kind::Folder).then(|| written.clone()));
        let located = root.and_then(|root| {
            let canonical_root = files.canonical(&root).ok()?;
            let below = canonical.strip_prefix(canonical_root.trim_end_matches('/'))?;
            let relative = below.trim_start_matches('/').to_owned();
            Some((canonical_root, root, relative))
        });
        match located {
            Some((canonical_root, root, relative)) => {
                let (_, targets) = roots.entry(canonical_root).or_insert((root, Vec::new()));
                targets.push(Target { written, relative });
            }
            None => {
                let size = size(files, &written).map_err(failed)?;
                alone.push(Discovered {
                    root: String::new(),
                    targets: vec![written.clone()],
                    targets_below: vec![files::name_of(&written).to_owned()],
                    files: vec![FoundFile {
                        below: files::name_of(&written).to_owned(),
                        path: written,
                        size,
                    }],
                    unlisted: Vec::new(),
                });
            }
        }
    }
    let walked = roots
        .into_values()
        .map(|(root, targets)| walk(files, &root, &targets));
    let mut found: Vec<_> = walked.collect::<Result<_, _>>()?;
    found.extend(alone);
    Ok(found)
}

/// The path with `/` between names; empty for the current folder.
fn written(path: &str) -> String {
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let path = path.strip_prefix("./").unwrap_or(&path);
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" if path.starts_with('/') => "/".to_owned(),
        "." => String::new(),
        _ => trimmed.to_owned(),
    }
}

fn size(files: &dyn Files, path: &str) -> std::io::Result<u64> {
    let name = files::name_of(path);
    let entries = files.list(files::folder_of(path))?;
    let entry = entries.into_iter().find(|entry| entry.name == name);
    Ok(entry.map_or(0, |entry| entry.size))
}

/// The nearest folder at or above a path that is a workspace.
fn workspace_above(files: &dyn Files, path: &str, kind: Kind) -> Option<String> {
    let mut folder = match kind {
        Kind::Folder => path.to_owned(),
        Kind::File => files::folder_of(path).to_owned(),
    };
    let mut last = None;
    for _ in 0..HIGHEST {
        let canonical = files.canonical(&folder).ok()?;
        if last.as_ref() == Some(&canonical) {
            return None;
        }
        let entries = files.list(&folder).ok()?;
        if entries.iter().any(is_workspace_file) {
            return Some(folder);
        }
        last = Some(canonical);
        folder = folder_above(&folder);
    }
    None
}

fn is_workspace_file(entry: &Entry) -> bool {
    entry.kind == Kind::File && entry.name.eq_ignore_ascii_case(WORKSPACE_FILE)
}

/// The folder above, shortened where it can be.
fn folder_above(folder: &str) -> String {
    match files::name_of(folder) {
        "" if folder.is_empty() => "..".to_owned(),
        ".." => files::join(folder, ".."),
        _ => files::folder_of(folder).to_owned(),
    }
}

/// How paths below the root are written: as the user wrote the first target at or above each.
struct Shown<'t> {
    root: &'t str,
    /// Number and spelling of the first target at each place.
    targets: HashMap<&'t str, (usize, &'t str)>,
}

/// A path as it is written, and the number of the target that it is written by; the highest where there is none.
type Written = (usize, String);

impl<'t> Shown<'t> {
    fn new(root: &'t str, targets: &'t [Target]) -> Self {
        let mut first = HashMap::new();
        for (number, target) in targets.iter().enumerate() {
            let spelling = (number, target.written.as_str());
            first.entry(target.relative.as_str()).or_insert(spelling);
        }
        Self {
            root,
            targets: first,
        }
    }

    /// The root itself.
    fn root(&self) -> Written {
        self.target("")
            .unwrap_or((usize::MAX, self.root.to_owned()))
    }

    /// A path whose last name is `name`, in a folder that is written like this.
    fn below(&self, folder: &Written, path: &str, name: &str) -> Written {
        match self.target(path) {
            Some(target) if target.0 < folder.0 => target,
            _ => (folder.0, files::join(&folder.1, name)),
        }
    }

    fn target(&self, path: &str) -> Option<Written> {
        let (number, written) = self.targets.get(path)?;
        Some((*number, (*written).to_owned()))
    }

    /// Any path below the root.
    fn path(&self, relative: &str) -> String {
        let mut shown = self.root();
        let mut path = String::new();
        for name in relative.split('/').filter(|name| !name.is_empty()) {
            path = files::join(&path, name);
            shown = self.below(&shown, &path, name);
        }
        shown.1
    }
}

/// A folder that is to be listed: its path below the root, and as it is written.
type Folder = (String, Written);

fn walk(files: &dyn Files, root: &str, targets: &[Target]) -> Result<Discovered, DiscoverError> {
    let shown = Shown::new(root, targets);
    let mut discovered = Discovered {
        root: shown.root().1,
        targets: targets
            .iter()
            .map(|target| shown.path(&target.relative))
            .collect(),
        targets_below: targets
            .iter()
            .map(|target| target.relative.clone())
            .collect(),
        ..Discovered::default()
    };
    let mut folders: Vec<Folder> = vec![(String::new(), shown.root())];
    for depth in 0_usize.. {
        let listed: Vec<_> = folders
            .par_iter()
            .map(|(folder, _)| files.list(&files::join(root, folder)))
            .collect();
        let mut inner: Vec<Folder> = Vec::new();
        for ((folder, written), entries) in folders.into_iter().zip(listed) {
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    discovered.unlisted.push((written.1, error.to_string()));
                    continue;
                }
            };
            for entry in entries {
                let path = files::join(&folder, &entry.name);
                let written = shown.below(&written, &path, &entry.name);
                match entry.kind {
                    Kind::Folder if is_skipped(&entry.name) => {}
                    Kind::Folder if depth >= DEEPEST => {
                        return Err(DiscoverError::TooDeep { folder: written.1 });
                    }
                    Kind::Folder => inner.push((path, written)),
                    Kind::File if discovered.files.len() >= MOST_FILES => {
                        let root = discovered.root;
                        return Err(DiscoverError::TooManyFiles { root });
                    }
                    Kind::File => discovered.files.push(FoundFile {
                        path: written.1,
                        below: path,
                        size: entry.size,
                    }),
                }
            }
        }
        if inner.is_empty() {
            break;
        }
        folders = inner;
    }
    discovered.files.sort();
    discovered.unlisted.sort();
    Ok(discovered)
}

/// Whether a folder or file of this name, or what is below it, is no input.
pub fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Disk, Memory};

    fn tree() -> Memory {
        let files = [
            "ws/iotworkspace.xml",
            "ws/Common/Packages/OEMCommonFM.xml",
            "ws/Source-arm/Products/A/TestOEMInput.xml",
            "ws/.git/config.xml",
            "ws/target/x.xml",
            "loose/TestOEMInput.xml",
            "loose/other.xml",
        ];
        files.into_iter().map(|path| (path, "x")).collect()
    }

    fn run(paths: &[&str]) -> Vec<Discovered> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        discover(&tree(), &paths).unwrap()
    }

    fn paths(discovered: &Discovered) -> Vec<&str> {
        discovered
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect()
    }

    #[test]
    fn a_workspace_is_walked_without_what_is_no_input() {
        let found = run(&["ws/"]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].root.as_str(), &found[0].targets),
            ("ws", &vec!["ws".to_owned()])
        );
        assert_eq!(
            paths(&found[0]),
            [
                "ws/Common/Packages/OEMCommonFM.xml",
                "ws/Source-arm/Products/A/TestOEMInput.xml",
                "ws/iotworkspace.xml",
            ],
        );
    }

    #[test]
    fn a_product_and_a_document_of_it_bring_their_workspace_once() {
        let found = run(&["ws/Source-arm/Products/A/TestOEMInput.xml", "ws/Common"]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].root, "ws");
        assert_eq!(
            found[0].targets,
            ["ws/Source-arm/Products/A/TestOEMInput.xml", "ws/Common"]
        );
        assert_eq!(found[0].files.len(), 3);
    }

    #[test]
    fn a_document_without_a_workspace_is_alone_and_a_folder_is_not() {
        let found = run(&["loose/TestOEMInput.xml"]);
        assert_eq!(paths(&found[0]), ["loose/TestOEMInput.xml"]);
        assert_eq!(found[0].files[0].size, 1);
        let found = run(&["loose"]);
        assert_eq!(
            paths(&found[0]),
            ["loose/TestOEMInput.xml", "loose/other.xml"]
        );
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error() {
        let error = discover(&tree(), &["nowhere".into()]).unwrap_err();
        assert!(matches!(error, DiscoverError::Unreadable { path, .. } if path == "nowhere"));
    }

    #[test]
    fn folders_without_end_are_an_error() {
        let path = format!("{}/a.xml", vec!["f"; 40].join("/"));
        let files: Memory = [(path, "x")].into_iter().collect();
        let error = discover(&files, &[".".into()]).unwrap_err();
        assert!(matches!(error, DiscoverError::TooDeep { .. }), "{error}");
    }

    #[test]
    fn on_disk_a_workspace_above_the_path_is_found_and_paths_stay_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let product = folder.path().join("Source-arm/Products/A");
        std::fs::create_dir_all(&product).unwrap();
        std::fs::write(folder.path().join("IoTWorkspace.xml"), "x").unwrap();
        std::fs::write(product.join("TestOEMInput.xml"), "x").unwrap();
        let target = product.to_str().unwrap().to_owned();
        let found = discover(&Disk, &[format!("{target}/")]).unwrap();
        assert_eq!(found[0].targets.concat(), target);
        let paths = paths(&found[0]);
        assert!(
            paths.contains(&format!("{target}/TestOEMInput.xml").as_str()),
            "{paths:?}"
        );
        assert_eq!(paths.len(), 2);
    }
}
