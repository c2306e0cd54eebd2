//! From the paths a user gives to the files that belong to them.
//!
//! A path is a workspace folder, a product folder, a document or a package. What lies inside a workspace (a folder with
//! `IoTWorkspace.xml`) is read together with that workspace, because a product means nothing without its manifests and
//! packages; reported is only what was asked for. A document outside of any workspace is read alone.

use std::collections::BTreeMap;

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
                    files: vec![FoundFile {
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

fn walk(files: &dyn Files, root: &str, targets: &[Target]) -> Result<Discovered, DiscoverError> {
    let shown = |relative: &str| -> String {
        let below = targets.iter().find_map(|target| {
            let rest = relative.strip_prefix(&target.relative)?;
            let is_below = rest.is_empty() || target.relative.is_empty() || rest.starts_with('/');
            let rest = rest.trim_start_matches('/');
            is_below.then(|| files::join(&target.written, rest))
        });
        below.unwrap_or_else(|| files::join(root, relative))
    };
    let mut discovered = Discovered {
        root: shown(""),
        targets: targets
            .iter()
            .map(|target| shown(&target.relative))
            .collect(),
        ..Discovered::default()
    };
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match files.list(&files::join(root, &folder)) {
            Ok(entries) => entries,
            Err(error) => {
                discovered
                    .unlisted
                    .push((shown(&folder), error.to_string()));
                continue;
            }
        };
        for entry in entries {
            let path = files::join(&folder, &entry.name);
            match entry.kind {
                Kind::Folder if is_skipped(&entry.name) => {}
                Kind::Folder if depth >= DEEPEST => {
                    return Err(DiscoverError::TooDeep {
                        folder: shown(&path),
                    });
                }
                Kind::Folder => folders.push((path, depth.saturating_add(1))),
                Kind::File if discovered.files.len() >= MOST_FILES => {
                    let root = discovered.root;
                    return Err(DiscoverError::TooManyFiles { root });
                }
                Kind::File => discovered.files.push(FoundFile {
                    path: shown(&path),
                    size: entry.size,
                }),
            }
        }
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
