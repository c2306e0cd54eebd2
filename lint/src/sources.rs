//! The texts that were read, by name: renderers look up what a diagnostic points at.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::source::Source;

/// Every text that a diagnostic may point into. A file that has no lines has no entry.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    by_name: BTreeMap<Arc<str>, Arc<Source>>,
}

impl Sources {
    /// Adds a text; one of the same name is replaced.
    pub fn insert(&mut self, source: Arc<Source>) {
        self.by_name.insert(Arc::from(source.name()), source);
    }

    /// The text of a file.
    pub fn get(&self, name: &str) -> Option<&Arc<Source>> {
        self.by_name.get(name)
    }

    /// All texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.by_name.values()
    }
}

impl FromIterator<Arc<Source>> for Sources {
    fn from_iter<I: IntoIterator<Item = Arc<Source>>>(sources: I) -> Self {
        let mut all = Self::default();
        for source in sources {
            all.insert(source);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_name_and_texts_come_in_order() {
        let named = |name: &str| Arc::new(Source::new(name, "text", 0));
        let sources: Sources = [named("b"), named("a")].into_iter().collect();
        assert_eq!(sources.get("b").map(|source| source.text()), Some("text"));
        assert!(sources.get("c").is_none());
        let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
