//! `*.inf`: how a driver is installed. Sections of `key = value, value` lines.
//!
//! ```text
//! [section]
//! key = value, "quoted; value", %string%    ; comment
//! value alone, another \
//!   and its continuation
//! ```

use super::error::DocumentError;
use super::xml;
use crate::source::{Source, Span, Spanned};

/// Most sections, values and unreadable lines of a file together.
pub const ENTRY_LIMIT: usize = 200_000;
/// How many strings are replaced in one value.
const REPLACEMENT_LIMIT: usize = 16;
/// Longest value with its strings replaced, bytes.
const VALUE_LIMIT: usize = 4096;

/// An INF file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inf {
    /// The sections in order; one that is repeated stands here again.
    pub sections: Vec<InfSection>,
    /// Lines that are neither section, entry, comment nor blank: those before the first section, and a `[` without `]`.
    pub unreadable: Vec<Span>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfSection {
    /// The name without brackets; names are compared without regard to case.
    pub name: Spanned<String>,
    /// Its lines in order.
    pub entries: Vec<InfEntry>,
}

/// One line of a section, its continuations included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfEntry {
    /// What stands before the `=`; absent where there is none.
    pub key: Option<Spanned<String>>,
    /// The values, quotes and blanks around them left out, strings not replaced; empty ones keep their position.
    pub values: Vec<Spanned<String>>,
    /// The line from its first to its last letter, comments left out.
    pub element: Span,
}

impl Inf {
    /// Reads an INF file.
    ///
    /// # Errors
    /// [`super::error::DocumentProblem::Limit`] beyond [`ENTRY_LIMIT`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        let mut inf = Self::default();
        let mut found = 0_usize;
        let text = source.text();
        let mut position = 0;
        while position < text.len() {
            let line = logical_line(text, position);
            let span = trimmed(text, line.content);
            found = found
                .saturating_add(1)
                .saturating_add(inf.read(text, span, &line));
            xml::limit("entries of an INF file", found, ENTRY_LIMIT, span)?;
            position = line.next;
        }
        Ok(inf)
    }

    /// Reads a line whose text is at `span`; returns how many values it has.
    fn read(&mut self, text: &str, span: Span, line: &Line) -> usize {
        let written = text.get(span.range()).unwrap_or_default();
        if written.is_empty() {
            return 0;
        }
        if let Some(name) = written.strip_prefix('[') {
            match name.find(']') {
                Some(end) => {
                    let start = span.start.saturating_add(1);
                    let name = trimmed(text, Span::from(start..start.saturating_add(end)));
                    self.sections.push(InfSection {
                        name: spanned(text, name),
                        entries: Vec::new(),
                    });
                }
                None => self.unreadable.push(span),
            }
            return 0;
        }
        let Some(section) = self.sections.last_mut() else {
            self.unreadable.push(span);
            return 0;
        };
        let (key, rest) = match find_outside_quotes(text, span, '=') {
            Some(at) => {
                let key = trimmed(text, Span::from(span.start..at));
                let after = at.saturating_add(1);
                (Some(unquoted(text, key)), Span::from(after..span.end))
            }
            None => (None, span),
        };
        let values = split(text, rest, &line.breaks);
        let count = values.len();
        section.entries.push(InfEntry {
            key,
            values,
            element: span,
        });
        count
    }

    /// The entries of all sections of that name, in order.
    pub fn entries<'a>(&'a self, section: &str) -> impl Iterator<Item = &'a InfEntry> {
        let name = section.to_lowercase();
        let sections = self.sections.iter();
        let named = sections.filter(move |section| section.name.value.to_lowercase() == name);
        named.flat_map(|section| &section.entries)
    }

    /// The first entry of that key in a section.
    pub fn entry<'a>(&'a self, section: &str, key: &str) -> Option<&'a InfEntry> {
        let mut entries = self.entries(section);
        entries.find(|entry| entry.is(key))
    }

    /// A value with the strings (`%name%`) of `[Strings]` replaced; unknown ones stay, `%%` is `%`.
    pub fn expand(&self, value: &str) -> String {
        let mut expanded = String::new();
        let mut rest = value;
        for _ in 0..REPLACEMENT_LIMIT {
            let Some((before, after)) = rest.split_once('%') else {
                break;
            };
            let Some((name, tail)) = after.split_once('%') else {
                break;
            };
            expanded.push_str(before);
            match (name, self.entry("Strings", name)) {
                ("", _) => expanded.push('%'),
                (_, Some(entry)) => {
                    let value = entry.values.first().map_or("", |value| &value.value);
                    expanded.push_str(value.get(..VALUE_LIMIT).unwrap_or(value));
                }
                (name, None) => {
                    expanded.push('%');
                    expanded.push_str(name);
                    expanded.push('%');
                }
            }
            rest = tail;
        }
        expanded.push_str(rest);
        expanded
    }
}

impl InfEntry {
    /// Whether the entry has this key, in any case.
    pub fn is(&self, key: &str) -> bool {
        let own = self.key.as_ref().map(|key| key.value.to_lowercase());
        own.is_some_and(|own| own == key.to_lowercase())
    }
}

/// A line with its continuations.
struct Line {
    /// From its first byte to where its comment or end begins.
    content: Span,
    /// The backslashes, comments and line ends inside, which are no text.
    breaks: Vec<Span>,
    /// Where the next line begins.
    next: usize,
}

/// The line that begins at `start`; a backslash at its end continues it.
fn logical_line(text: &str, start: usize) -> Line {
    let mut breaks = Vec::new();
    let mut from = start;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        let next = from
            .saturating_add(length)
            .saturating_add(1)
            .min(text.len());
        let line = Span::from(from..from.saturating_add(length));
        let comment = find_outside_quotes(text, line, ';').unwrap_or(line.end);
        let visible = trimmed(text, Span::from(from..comment));
        let continued = text
            .get(visible.range())
            .unwrap_or_default()
            .ends_with('\\');
        if !continued || next >= text.len() {
            return Line {
                content: Span::from(start..visible.end),
                breaks,
                next,
            };
        }
        breaks.push(Span::from(visible.end.saturating_sub(1)..next));
        from = next;
    }
}

/// The place of a character outside of double quotes.
fn find_outside_quotes(text: &str, span: Span, wanted: char) -> Option<usize> {
    let mut quoted = false;
    for (index, character) in text.get(span.range())?.char_indices() {
        match character {
            '"' => quoted = !quoted,
            character if character == wanted && !quoted => {
                return Some(span.start.saturating_add(index));
            }
            _ => {}
        }
    }
    None
}

/// The values of a line, which commas separate.
fn split(text: &str, mut rest: Span, breaks: &[Span]) -> Vec<Spanned<String>> {
    let mut values = Vec::new();
    loop {
        let end = find_outside_quotes(text, rest, ',').unwrap_or(rest.end);
        let value = without_breaks(text, Span::from(rest.start..end), breaks);
        values.push(unquoted(text, value));
        if end >= rest.end {
            return values;
        }
        rest.start = end.saturating_add(1);
    }
}

/// A value without the continuation that stands before or after it.
fn without_breaks(text: &str, span: Span, breaks: &[Span]) -> Span {
    let mut span = trimmed(text, span);
    let first = breaks.partition_point(|gap| gap.end <= span.start);
    for gap in breaks.iter().skip(first) {
        if gap.start >= span.end {
            break;
        }
        let after = trimmed(text, Span::from(gap.end.min(span.end)..span.end));
        if gap.start <= span.start {
            span = after;
        } else if after.start >= span.end {
            span = trimmed(text, Span::from(span.start..gap.start));
        }
    }
    span
}

/// A place without the blanks around it.
fn trimmed(text: &str, span: Span) -> Span {
    let written = text.get(span.range()).unwrap_or_default();
    let ahead = written.len().saturating_sub(written.trim_start().len());
    let start = span.start.saturating_add(ahead).min(span.end);
    Span::from(start..start.saturating_add(written.trim().len()))
}

fn spanned(text: &str, span: Span) -> Spanned<String> {
    Spanned {
        value: text.get(span.range()).unwrap_or_default().to_owned(),
        span,
    }
}

/// A text without the quotes around it; doubled quotes inside stand for one.
fn unquoted(text: &str, span: Span) -> Spanned<String> {
    let written = text.get(span.range()).unwrap_or_default();
    let inner = written
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'));
    match inner {
        Some(inner) => Spanned {
            value: inner.replace("\"\"", "\""),
            span,
        },
        None => spanned(text, span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "; first\r\n[Version]\r\nSignature = \"$WINDOWS NT$\" ; \"x\r\nClass=System\r\n\
        CatalogFile.NTarm = a.cat\r\n\r\n[Maker]\r\n%Maker% = Fjord, \\\r\n  NTarm, \\ ; more\r\n  \"NT;x86\"\r\n\
        [Files]\r\na.sys,,,2\r\n[strings]\r\nMaker=\"Fjord; \"\"light\"\"\"\r\n[files]\r\nb.sys\r\n";

    fn parse(text: &str) -> Inf {
        Inf::parse(&Source::new("a.inf", text, 0)).unwrap()
    }

    fn values(entry: &InfEntry) -> Vec<&str> {
        entry
            .values
            .iter()
            .map(|value| value.value.as_str())
            .collect()
    }

    #[test]
    fn sections_keys_and_values_are_read_with_their_places() {
        let inf = parse(TEXT);
        assert!(inf.unreadable.is_empty());
        let signature = inf.entry("version", "SIGNATURE").unwrap();
        assert_eq!(values(signature), ["$WINDOWS NT$"]);
        assert_eq!(
            TEXT.get(signature.element.range()).unwrap(),
            "Signature = \"$WINDOWS NT$\""
        );
        let catalog = inf.entry("Version", "CatalogFile.NTarm").unwrap();
        assert_eq!(TEXT.get(catalog.values[0].span.range()).unwrap(), "a.cat");
        let maker = inf.entry("Maker", "%maker%").unwrap();
        assert_eq!(values(maker), ["Fjord", "NTarm", "NT;x86"]);
        let files: Vec<_> = inf.entries("Files").map(values).collect();
        assert_eq!(files, [vec!["a.sys", "", "", "2"], vec!["b.sys"]]);
    }

    #[test]
    fn strings_are_replaced_and_unknown_ones_stay() {
        let inf = parse(TEXT);
        assert_eq!(
            inf.expand("%Maker%, 5%% of %x% %"),
            "Fjord; \"light\", 5% of %x% %"
        );
    }

    #[test]
    fn what_is_no_inf_is_told_and_nothing_panics() {
        let inf = parse("MZ\u{0}\n[open\n[a]\n=\n\\\n\"\n,\n");
        assert_eq!(inf.unreadable.len(), 2);
        for end in 0..TEXT.len() {
            let inf = parse(&TEXT[..end]);
            for entry in inf.sections.iter().flat_map(|section| &section.entries) {
                assert!(entry.element.end <= end);
                assert!(
                    entry
                        .values
                        .iter()
                        .all(|value| value.span.end <= end && value.span.start <= value.span.end)
                );
            }
        }
        parse(&TEXT.replace("\r\n", "\\\r\n"));
        parse(&"\\\n".repeat(50_000));
    }

    #[test]
    fn entries_are_counted() {
        let many = format!("[a]\n{}", "x,".repeat(ENTRY_LIMIT));
        assert!(Inf::parse(&Source::new("a.inf", many, 0)).is_err());
        assert!(Inf::parse(&Source::new("a.inf", "\n".repeat(ENTRY_LIMIT + 1), 0)).is_err());
    }
}
