//! Where a document comes from: people wrote it, it is a template of the add-on kit, or a build made it.

use crate::facts::product::Arch;
use crate::files;

/// Where a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// People wrote it.
    Source,
    /// The add-on kit makes documents from it.
    Template,
    /// A build made it, from documents that people wrote.
    Build,
}

impl Origin {
    /// By the folders that a path goes through.
    pub fn of(path: &str) -> Self {
        let mut folders = files::folder_of(path).split('/').peekable();
        while let Some(name) = folders.next() {
            match name.to_ascii_lowercase().as_str() {
                "templates" => return Self::Template,
                "mergedfms" | "inputfms" => return Self::Build,
                "build" if folders.peek().copied().and_then(Arch::from_word).is_some() => {
                    return Self::Build;
                }
                _ => {}
            }
        }
        Self::Source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_where_a_document_comes_from() {
        assert_eq!(Origin::of("w/Build/arm/MergedFMs/OEMFM.xml"), Origin::Build);
        assert_eq!(Origin::of("build/w/Source-arm/OEMFM.xml"), Origin::Source);
        assert_eq!(Origin::of("Tools/Templates/bsp/FM.xml"), Origin::Template);
        assert_eq!(Origin::of("MergedFMs.xml"), Origin::Source);
    }
}
