//! Which files there are: rules ask for them by name as the imaging tools do, without regard to case.

use std::collections::BTreeMap;

use crate::files;

/// One file of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

/// The files of a workspace, read or not.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    by_path: BTreeMap<String, TreeFile>,
    by_name: BTreeMap<String, Vec<String>>,
}

/// The spelling in which paths are compared: `/` between names, lower case, `.` and `..` resolved.
fn folded(path: &str) -> String {
    // Most paths are spelled so already but for case.
    let is_plain = !path.ends_with('/') && !path.starts_with('.');
    if is_plain && ["/.", "//", "\\"].iter().all(|odd| !path.contains(odd)) {
        return path.to_lowercase();
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split(['/', '\\']) {
        match name {
            "." => {}
            "" if !names.is_empty() => {}
            ".." if names.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/").to_lowercase()
}

impl FileTree {
    /// Adds a file. Of two paths that differ in case only, the first stays.
    pub fn insert(&mut self, path: impl Into<String>, size: u64) {
        let path = path.into();
        let key = folded(&path);
        let name = files::name_of(&key).to_owned();
        if !self.by_path.contains_key(&key) {
            self.by_name.entry(name).or_default().push(key.clone());
            self.by_path.insert(key, TreeFile { path, size });
        }
    }

    /// The file at a path, whose names may be separated by `/` or `\` and written in any case.
    pub fn find(&self, path: &str) -> Option<&TreeFile> {
        self.by_path.get(&folded(path))
    }

    /// The file that a document in `folder` means by a relative path such as `.\Custom.BCD.xml`.
    pub fn find_from(&self, folder: &str, path: &str) -> Option<&TreeFile> {
        self.find(&files::join(folder, path))
    }

    /// All files of that name, in any folder and case, in the order they were added.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &TreeFile> {
        let keys = self.by_name.get(&name.to_lowercase());
        keys.into_iter()
            .flatten()
            .filter_map(|key| self.by_path.get(key))
    }

    /// The names of the files directly in a folder.
    pub fn in_folder<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> {
        let prefix = match folded(folder) {
            folder if folder.is_empty() => folder,
            folder => format!("{folder}/"),
        };
        let from = self.by_path.range(prefix.clone()..);
        let below = from.take_while({
            let prefix = prefix.clone();
            move |(path, _)| path.starts_with(&prefix)
        });
        let direct = below
            .filter(move |(path, _)| !path.get(prefix.len()..).unwrap_or_default().contains('/'));
        direct.map(|(_, file)| files::name_of(&file.path))
    }

    /// Whether there is a file below a folder, at any depth.
    pub fn has_below(&self, folder: &str) -> bool {
        let prefix = format!("{}/", folded(folder));
        let mut from = self.by_path.range(prefix.clone()..);
        from.next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// All files, by path.
    pub fn iter(&self) -> impl Iterator<Item = &TreeFile> {
        self.by_path.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_any_case_and_with_either_separator() {
        let mut tree = FileTree::default();
        tree.insert("w/Packages/Custom.BCD/Custom.BCD.xml", 7);
        tree.insert("w/build/custom.bcd.xml", 1);
        let path = |file: Option<&TreeFile>| file.map(|file| file.path.clone());
        let first = Some("w/Packages/Custom.BCD/Custom.BCD.xml".to_owned());
        assert_eq!(
            path(tree.find(r"W\packages\CUSTOM.bcd\custom.bcd.XML")),
            first
        );
        assert_eq!(
            path(tree.find_from("w/Packages/Custom.BCD", r".\custom.bcd.xml")),
            first
        );
        assert_eq!(
            path(tree.find_from("w/Packages/Other", r"..\Custom.BCD\Custom.BCD.xml")),
            first
        );
        assert_eq!(path(tree.find("w/Packages")), None);
        assert_eq!(tree.named("CUSTOM.BCD.XML").count(), 2);
        assert_eq!(tree.iter().map(|file| file.size).sum::<u64>(), 8);
    }

    #[test]
    fn a_folder_lists_its_own_files() {
        let mut tree = FileTree::default();
        for path in [
            "w/A/x.txt",
            "w/a/Y.txt",
            "w/a/b/z.txt",
            "w/ab/n.txt",
            "top.txt",
        ] {
            tree.insert(path, 1);
        }
        assert!(tree.in_folder("W/a").eq(["x.txt", "Y.txt"]));
        assert!(tree.in_folder("").eq(["top.txt"]));
        assert!(tree.has_below("w/A") && tree.has_below("W") && !tree.has_below("w/a/x.txt"));
    }

    #[test]
    fn every_spelling_of_a_path_is_folded_alike() {
        for (path, expected) in [
            ("W/A.xml", "w/a.xml"),
            ("/W/Ä", "/w/ä"),
            ("w\\.\\A", "w/a"),
            ("w//a/", "w/a"),
            ("./w/../x", "x"),
            ("../w", "../w"),
            ("w/.hidden", "w/.hidden"),
            (".hidden/A", ".hidden/a"),
            ("a./b", "a./b"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(folded(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_above_the_start_keep_their_dots_and_absolute_ones_their_root() {
        let mut tree = FileTree::default();
        tree.insert("../../a/b.xml", 1);
        tree.insert("/x/y.xml", 1);
        assert!(tree.find("../../a/./c/../b.xml").is_some());
        assert!(tree.find("/x//y.xml").is_some() && tree.find("x/y.xml").is_none());
    }
}
