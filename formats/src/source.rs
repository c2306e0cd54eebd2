//! Text with line starts: the one type from which diagnostics, reports and editors take their places.

use std::ops::Range;

/// A byte range of a [`Source`]'s text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span as a range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place in the source's text.
    pub span: Span,
}

/// A place that a person can go to; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in Unicode code points, from 1.
    pub column: usize,
}

/// A document's decoded text, its byte-order mark left out, with the starts of its lines.
///
/// Spans count bytes of [`Source::text`]; [`Source::file_offset`] turns them into offsets of the file where the
/// encoding allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
    bom_length: usize,
}

impl Source {
    /// A source called `name` (a path as the user wrote it), whose text followed a byte-order mark of
    /// `bom_length` bytes in the file.
    pub fn new(name: impl Into<String>, text: impl Into<String>, bom_length: usize) -> Self {
        let text = text.into();
        let starts = text.match_indices('\n').map(|(i, _)| i.saturating_add(1));
        let line_starts = std::iter::once(0).chain(starts).collect();
        Self {
            name: name.into(),
            text,
            line_starts,
            bom_length,
        }
    }

    /// The path as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The decoded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span, empty where the span lies outside.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line and column of a byte position; a position past the end gives the end.
    pub fn line_column(&self, position: usize) -> LineColumn {
        let position = position.min(self.text.len());
        let index = self.line_starts.partition_point(|start| *start <= position);
        let start = index
            .checked_sub(1)
            .and_then(|i| self.line_starts.get(i))
            .copied()
            .unwrap_or_default();
        let before = self.text.get(start..position).unwrap_or_default();
        LineColumn {
            line: index.max(1),
            column: before.chars().count().saturating_add(1),
        }
    }

    /// Byte range of a line, counted from 1, without its line end.
    pub fn line(&self, line: usize) -> Span {
        let start = line
            .checked_sub(1)
            .and_then(|i| self.line_starts.get(i))
            .copied()
            .unwrap_or(self.text.len());
        let end = self
            .line_starts
            .get(line)
            .copied()
            .unwrap_or(self.text.len());
        let body = self.text.get(start..end).unwrap_or_default();
        let trimmed = body.trim_end_matches(['\r', '\n']).len();
        Span {
            start,
            end: start.saturating_add(trimmed),
        }
    }

    /// Number of lines, at least 1.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// Offset in a UTF-8 file of a byte of the text.
    pub fn file_offset(&self, position: usize) -> usize {
        position.saturating_add(self.bom_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one_and_columns_in_code_points() {
        let source = Source::new("a.xml", "ab\r\nüx\n", 3);
        assert_eq!(source.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(source.line_column(6), LineColumn { line: 2, column: 2 });
        assert_eq!(source.slice(source.line(1)), "ab");
        assert_eq!(source.slice(source.line(2)), "üx");
        assert_eq!(source.line_count(), 3);
        assert_eq!(source.file_offset(0), 3);
    }
}
