//! The texts that were read, by name: renderers look up what a diagnostic points at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::source::{LineColumn, Source};

use crate::diagnostic::Place;

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

    /// Looks up lines and columns of all these places together: every text is read once, however many places it has
    /// and however long its lines are.
    pub fn locate(&self, places: &mut [&mut Place]) {
        let mut by_file: BTreeMap<Arc<str>, BTreeSet<usize>> = BTreeMap::new();
        for place in &*places {
            if let (Some(span), Some(source)) = (place.span(), self.get(place.file())) {
                let name = Arc::from(source.name());
                by_file
                    .entry(name)
                    .or_default()
                    .extend([span.start, span.end]);
            }
        }
        let located: BTreeMap<Arc<str>, BTreeMap<usize, LineColumn>> = by_file
            .into_iter()
            .filter_map(|(name, positions)| {
                let located = positions_of(self.get(&name)?, &positions);
                Some((name, located))
            })
            .collect();
        for place in places {
            if let Some(positions) = located.get(place.file()) {
                let nowhere = LineColumn { line: 1, column: 1 };
                place.locate(|position| positions.get(&position).copied().unwrap_or(nowhere));
            }
        }
    }
}

/// Lines and columns of many positions of one text, which is read once. A position past the end gives the end.
pub fn positions_of(source: &Source, positions: &BTreeSet<usize>) -> BTreeMap<usize, LineColumn> {
    let text = source.text();
    let mut known = BTreeMap::new();
    let mut last = (0, LineColumn { line: 1, column: 1 });
    for &asked in positions {
        let position = text.floor_char_boundary(asked);
        let line = line_number(source, position);
        // In the line of the position before, counting goes on from there.
        let (from, column) = match last {
            (before, at) if at.line == line => (before, at.column),
            _ => (source.line(line).start, 1),
        };
        let between = text.get(from..position).unwrap_or_default();
        let column = between.chars().count().saturating_add(column);
        last = (position, LineColumn { line, column });
        known.insert(asked, last.1);
    }
    known
}

/// The line of a position, counted from 1, by the line index alone.
pub fn line_number(source: &Source, position: usize) -> usize {
    let (mut low, mut high) = (1, source.line_count());
    while low < high {
        let middle = low.midpoint(high.saturating_add(1));
        if source.line(middle).start <= position {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    low
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
    use formats::source::Span;

    #[test]
    fn a_text_is_found_by_its_name_and_texts_come_in_order() {
        let named = |name: &str| Arc::new(Source::new(name, "text", 0));
        let sources: Sources = [named("b"), named("a")].into_iter().collect();
        assert_eq!(sources.get("b").map(|source| source.text()), Some("text"));
        assert!(sources.get("c").is_none());
        let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn positions_are_those_that_the_source_gives_one_by_one() {
        for text in ["", "a", "\n", "ab\r\nüx\n\nend", "ü\nü", "one line only"] {
            let source = Source::new("a", text, 0);
            let all: BTreeSet<usize> = (0..text.len() + 3).collect();
            let all: BTreeSet<usize> = all
                .into_iter()
                .filter(|at| *at > text.len() || text.is_char_boundary(*at))
                .collect();
            for (position, found) in positions_of(&source, &all) {
                assert_eq!(found, source.line_column(position), "{text:?} {position}");
                assert_eq!(
                    line_number(&source, position),
                    found.line,
                    "{text:?} {position}"
                );
            }
        }
    }

    #[test]
    fn places_of_several_files_are_looked_up_together() {
        let a = Arc::new(Source::new("a", "x\nyz", 0));
        let b = Arc::new(Source::new("b", "x", 0));
        let sources: Sources = [a.clone(), b.clone()].into_iter().collect();
        let mut places = [
            Place::text(&a, Span { start: 3, end: 4 }, ""),
            Place::text(&b, Span { start: 0, end: 1 }, ""),
            Place::binary("c", "part"),
            Place::text(&a, Span { start: 0, end: 1 }, ""),
        ];
        sources.locate(&mut places.each_mut());
        assert_eq!(
            places.map(|place| place.to_string()),
            ["a:2:2", "b:1:1", "c (part)", "a:1:1"]
        );
    }
}
