//! Lines of a source for the terminal: found by the line index, never too long, and never an escape sequence.

use std::borrow::Cow;

use formats::source::{Source, Span};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::diagnostic::Region;
use crate::sources::line_number;

/// Bytes of a line that is shown whole; of a longer one a part is.
const LONG_LINE: usize = 400;
/// What is shown of a long line before and after the place.
const BEFORE: usize = 80;
const AFTER: usize = 200;
/// Bytes of a snippet. More are shown as several snippets.
const LONG_SNIPPET: usize = 4096;
/// Bytes of a message or help that are shown; values of hostile documents may be long.
const LONG_MESSAGE: usize = 2000;

/// A text that may hold anything, made safe to show: what moves the cursor or turns the writing direction is replaced,
/// byte for byte, so that places stay right.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_line_end = character == '\r' && characters.peek() == Some(&'\n');
        if !is_unsafe(character) || is_line_end {
            out.push(character);
        } else if character.len_utf8() == '\u{FFFD}'.len_utf8() {
            out.push('\u{FFFD}');
        } else {
            out.extend(std::iter::repeat_n('?', character.len_utf8()));
        }
    }
    Cow::Owned(out)
}

/// A text on one line, harmless and of bearable length.
pub(crate) fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(LONG_MESSAGE);
    let (kept, rest) = text.split_at(end);
    let mut line = safe(kept).replace(['\n', '\r', '\t'], " ");
    if !rest.is_empty() {
        line.push_str(" ...");
    }
    line
}

fn is_unsafe(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    let is_direction = matches!(
        character,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    (character.is_control() && !is_layout) || is_direction
}

/// A source as the terminal shows it.
pub(super) struct Snippet<'a> {
    source: &'a Source,
    name: String,
    text: Cow<'a, str>,
}

impl<'a> Snippet<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            name: safe(source.name()).into_owned(),
            text: safe(source.text()),
        }
    }

    /// The part of a span that one label underlines, which is on one line.
    pub(super) fn label_span(&self, span: Span) -> Span {
        let line = self.line_of(span.start);
        let longest = if self.is_long(line) { AFTER } else { LONG_LINE };
        let end = span
            .end
            .min(line.end)
            .min(span.start.saturating_add(longest));
        Span {
            start: span.start,
            end: self.text.floor_char_boundary(end).max(span.start),
        }
    }

    /// Whether the line of a position is too long to be shown whole.
    pub(super) fn is_on_long_line(&self, position: usize) -> bool {
        self.is_long(self.line_of(position))
    }

    fn line_of(&self, position: usize) -> Span {
        self.source.line(line_number(self.source, position))
    }

    fn is_long(&self, line: Span) -> bool {
        line.end.saturating_sub(line.start) > LONG_LINE
    }

    /// The bytes to show around a span with so many lines of context.
    fn with_context(&self, span: Span, before: usize, after: usize) -> Span {
        let first = line_number(self.source, span.start);
        let line = self.source.line(first);
        if self.is_long(line) {
            let start = span.start.saturating_sub(BEFORE).max(line.start);
            let end = span.start.saturating_add(AFTER).min(line.end);
            return Span {
                start: self.text.floor_char_boundary(start),
                end: self.text.ceil_char_boundary(end),
            };
        }
        let last = line_number(self.source, span.end);
        let mut shown = Span {
            start: line.start,
            end: self.source.line(last).end,
        };
        for distance in 1..=before {
            let Some(number) = first.checked_sub(distance).filter(|number| *number > 0) else {
                break;
            };
            let line = self.source.line(number);
            if self.is_long(line) {
                break;
            }
            shown.start = line.start;
        }
        for distance in 1..=after {
            let number = last.saturating_add(distance);
            let line = self.source.line(number);
            if number > self.source.line_count() || self.is_long(line) {
                break;
            }
            shown.end = line.end;
        }
        shown
    }
}

/// One line around a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) before: &'a str,
    /// The part that is meant.
    pub(super) marked: &'a str,
    pub(super) after: &'a str,
    /// Whether the line goes on to the left and to the right of what is shown.
    pub(super) cut: (bool, bool),
}

impl Snippet<'_> {
    /// The line of a place with its neighbours, `context` of them before and after; of a long line the part around the
    /// place, alone.
    pub(super) fn lines(&self, place: Span, context: usize) -> Vec<Line<'_>> {
        let place = self.label_span(place);
        let shown = self.with_context(place, context, context);
        let first = line_number(self.source, shown.start);
        let last = line_number(self.source, shown.end);
        let lines = (first..=last).map(|number| {
            let whole = self.source.line(number);
            let start = whole.start.max(shown.start);
            let end = whole.end.min(shown.end).max(start);
            let part = |from: usize, to: usize| {
                let (from, to) = (from.clamp(start, end), to.clamp(start, end));
                self.text.get(from..to).unwrap_or_default()
            };
            Line {
                number,
                before: part(start, place.start),
                marked: part(place.start, place.end),
                after: part(place.end, end),
                cut: (whole.start < start, end < whole.end),
            }
        });
        lines.collect()
    }
}

/// A source with the places of one finding, whose lines and columns are known.
pub(super) struct View<'a> {
    pub(super) snippet: &'a Snippet<'a>,
    pub(super) regions: Vec<Region>,
}

impl SourceCode for View<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let snippet = self.snippet;
        let asked = Span {
            start: span.offset(),
            end: span.offset().saturating_add(span.len()),
        };
        let shown = match (context_lines_before, context_lines_after) {
            (0, 0) => asked,
            (before, after) => snippet.with_context(asked, before, after),
        };
        let text = snippet
            .text
            .get(shown.range())
            .ok_or(MietteError::OutOfBounds)?;
        if text.len() > LONG_SNIPPET {
            return Err(MietteError::OutOfBounds);
        }
        // The column is wanted for the heading only, which is about one of the places.
        let known = self
            .regions
            .iter()
            .find(|region| region.span.start == shown.start);
        let column = known.map_or(1, |region| region.start.column);
        Ok(Box::new(MietteSpanContents::new_named(
            snippet.name.clone(),
            text.as_bytes(),
            SourceSpan::from((shown.start, text.len())),
            line_number(snippet.source, shown.start).saturating_sub(1),
            column.saturating_sub(1),
            text.lines().count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(snippet: &'a Snippet<'a>, start: usize, length: usize) -> View<'a> {
        let position = |at| snippet.source.line_column(at);
        let end = start + length;
        let region = Region {
            span: Span { start, end },
            start: position(start),
            end: position(end),
        };
        View {
            snippet,
            regions: vec![region],
        }
    }

    fn read(
        snippet: &Snippet<'_>,
        start: usize,
        length: usize,
        context: usize,
    ) -> (String, usize, usize) {
        let view = view(snippet, start, length);
        let contents = view
            .read_span(&(start, length).into(), context, context)
            .unwrap();
        let text = String::from_utf8(contents.data().to_vec()).unwrap();
        (text, contents.line(), contents.column())
    }

    #[test]
    fn lines_before_and_after_are_shown() {
        let source = Source::new("a.xml", "one\r\ntwo\r\nthree\r\nfour", 0);
        let snippet = Snippet::new(&source);
        assert_eq!(
            read(&snippet, 10, 5, 1),
            ("two\r\nthree\r\nfour".into(), 1, 0)
        );
        assert_eq!(read(&snippet, 0, 3, 1), ("one\r\ntwo".into(), 0, 0));
        assert_eq!(read(&snippet, 11, 2, 0), ("hr".into(), 2, 1));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!("short\n{}HERE{}\nshort", "ä".repeat(3000), "b".repeat(3000));
        let source = Source::new("a.xml", text.as_str(), 0);
        let snippet = Snippet::new(&source);
        let start = text.find("HERE").unwrap();
        let (shown, line, column) = read(&snippet, start, 4, 1);
        assert!(
            shown.len() <= BEFORE + AFTER + 4 && shown.contains("HERE") && !shown.contains('\n')
        );
        assert_eq!((line, column), (1, 0));
        assert_eq!(read(&snippet, start, 4, 0), ("HERE".into(), 1, 3000));
        let whole = snippet.label_span(Span {
            start,
            end: text.len(),
        });
        assert_eq!(whole.end - whole.start, AFTER);
        assert!(snippet.is_on_long_line(start) && !snippet.is_on_long_line(0));
        // A long neighbour is no context.
        assert_eq!(read(&snippet, 0, 5, 1).0, "short");
    }

    #[test]
    fn what_would_be_too_long_is_refused_so_that_it_is_shown_in_parts() {
        let text = "line\n".repeat(2000);
        let source = Source::new("a.xml", text.as_str(), 0);
        let snippet = Snippet::new(&source);
        let view = view(&snippet, 0, 9000);
        assert!(view.read_span(&(0, 9000).into(), 1, 1).is_err());
        assert!(view.read_span(&(9999, 10).into(), 0, 0).is_err());
    }

    #[test]
    fn the_lines_around_a_place_are_shown_with_the_place_marked() {
        let source = Source::new("a.xml", "one\r\ntwo\nthree\n\nfive", 0);
        let snippet = Snippet::new(&source);
        let lines = |start, end, context| {
            let lines = snippet.lines(Span { start, end }, context);
            let line = |line: &Line<'_>| {
                let Line {
                    number,
                    before,
                    marked,
                    after,
                    cut,
                } = *line;
                assert_eq!(cut, (false, false));
                format!("{number} {before}[{marked}]{after}")
            };
            lines.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(lines(6, 7, 1), ["1 one[]", "2 t[w]o", "3 []three"]);
        // Of a place over several lines the first is marked.
        assert_eq!(lines(0, 12, 0), ["1 [one]"]);
        assert_eq!(lines(16, 20, 1), ["4 []", "5 [five]"]);
        let text = format!("{}HERE{}", "a".repeat(3000), "b".repeat(3000));
        let source = Source::new("a.xml", text, 0);
        let snippet = Snippet::new(&source);
        let lines = snippet.lines(
            Span {
                start: 3000,
                end: 3004,
            },
            3,
        );
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].marked, lines[0].cut), ("HERE", (true, true)));
        assert_eq!(lines[0].before.len(), BEFORE);
    }

    #[test]
    fn escape_sequences_and_turned_writing_become_harmless_and_places_stay() {
        let text = "a\u{1B}[31m\tb\u{9B}c\u{202E}d\r\ne\rf";
        let shown = safe(text);
        assert_eq!(shown, "a?[31m\tb??c\u{FFFD}d\r\ne?f");
        assert_eq!(shown.len(), text.len());
        assert!(matches!(safe("plain\r\ntext ü"), Cow::Owned(text) if text == "plain\r\ntext ü"));
        assert!(matches!(safe("plain text ü"), Cow::Borrowed(_)));
    }
}
