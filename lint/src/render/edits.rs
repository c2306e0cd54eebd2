//! Lines and columns of what fixes replace, looked up for all fixes of a run together.

use std::collections::{BTreeMap, BTreeSet};

use formats::source::LineColumn;

use crate::diagnostic::{Edit, Fix};
use crate::engine::Outcome;
use crate::sources::positions_of;

/// One replacement with the lines and columns of its ends.
pub(super) struct PlacedEdit<'a> {
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
    pub(super) text: &'a str,
}

/// Where the edits of all fixes stand, by file.
pub(super) struct EditPlaces<'a>(BTreeMap<&'a str, BTreeMap<usize, LineColumn>>);

impl<'a> EditPlaces<'a> {
    /// Looks up the ends of every edit.
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let mut by_file: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let fixes = outcome.diagnostics.iter();
        for fix in fixes.filter_map(|found| found.fix.as_ref()) {
            let ends = |edit: &Edit| [edit.span.start, edit.span.end];
            let file = by_file.entry(&fix.file).or_default();
            file.extend(fix.edits.iter().flat_map(ends));
        }
        let located = by_file.into_iter().filter_map(|(file, positions)| {
            let source = outcome.sources.get(file)?;
            Some((file, positions_of(source, &positions)))
        });
        Self(located.collect())
    }

    /// The edits of a fix; `None` where the text that it changes is not known.
    pub(super) fn place<'f>(&self, fix: &'f Fix) -> Option<Vec<PlacedEdit<'f>>> {
        let positions = self.0.get(&*fix.file)?;
        let edits = fix.edits.iter().map(|edit| {
            Some(PlacedEdit {
                start: *positions.get(&edit.span.start)?,
                end: *positions.get(&edit.span.end)?,
                text: &edit.text,
            })
        });
        edits.collect()
    }
}
