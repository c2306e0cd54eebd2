//! What the user asked for, among all that is read.

use std::collections::HashSet;

/// Files and folders that the user asked for. Whether a path is one of them or below one costs as much as the path has
/// names, however many they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    written: HashSet<String>,
    /// Without a trailing `/`; the empty one has everything below it.
    folders: HashSet<String>,
}

impl Targets {
    /// Whether a path is one of these, as it is written.
    pub fn names(&self, path: &str) -> bool {
        self.written.contains(path)
    }

    /// Whether a path is one of these or lies below one.
    pub fn contains(&self, path: &str) -> bool {
        let mut above = Some(path);
        while let Some(folder) = above {
            if self.folders.contains(folder) {
                return true;
            }
            above = folder.rsplit_once('/').map(|(above, _)| above);
        }
        self.folders.contains("")
    }
}

impl FromIterator<String> for Targets {
    fn from_iter<I: IntoIterator<Item = String>>(paths: I) -> Self {
        let written: HashSet<String> = paths.into_iter().collect();
        let folders = written.iter();
        let folders = folders.map(|path| path.trim_end_matches('/').to_owned());
        Self {
            folders: folders.collect(),
            written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::is_below;

    #[test]
    fn a_path_belongs_where_it_is_below_one_of_them() {
        let all = ["w/a", "w/b/c.xml", "x/", "/r/s", ".."];
        let targets: Targets = all.iter().map(|path| (*path).to_owned()).collect();
        for path in [
            "w",
            "w/a",
            "w/ab",
            "w/a/d/e",
            "w/b",
            "w/b/c.xml",
            "w/b/c.xml.bak",
            "x",
            "x/y",
            "/r/s/t",
            "/r",
            "r/s",
            "../q",
            "",
            "/",
        ] {
            let is = all.iter().any(|target| is_below(path, target));
            assert_eq!(targets.contains(path), is, "{path}");
        }
        assert!(targets.names("x/") && !targets.names("x") && !targets.names("w/a/d"));
        let everything: Targets = [String::new()].into_iter().collect();
        assert!(everything.contains("/a/b") && everything.contains("a") && everything.contains(""));
        assert!(!Targets::default().contains("a"));
    }
}
