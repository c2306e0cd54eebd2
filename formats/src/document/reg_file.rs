//! `*.reg`: registry contents as the registry editor exports them.

use std::sync::Arc;

use super::error::{DocumentError, DocumentProblem};
use super::registry::{Notation, Registry, RegistryKey, RegistryType, RegistryValue};
use super::registry_data::{hex_type, quoted_length, unescape};
use super::xml;
use crate::source::{Source, Span, Spanned};

/// First line of files of Windows 2000 and later.
const HEADER_5: &str = "Windows Registry Editor Version 5.00";
/// Most keys, values and unreadable lines of a file together.
pub const ENTRY_LIMIT: usize = 200_000;

/// First line of older files.
const HEADER_4: &str = "REGEDIT4";

/// A registry file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegFile {
    /// The first line: `Windows Registry Editor Version 5.00` or `REGEDIT4`.
    pub header: Spanned<String>,
    /// Which of the two it is.
    pub notation: Notation,
    /// The contents.
    pub registry: Registry,
    /// Lines, or their ends, that are neither key, value, comment nor blank.
    pub unreadable: Vec<Span>,
}

/// The notation that a first line announces.
pub(super) fn notation(text: &str) -> Option<Notation> {
    match text.lines().next().unwrap_or_default().trim() {
        HEADER_5 => Some(Notation::Reg5),
        HEADER_4 => Some(Notation::Reg4),
        _ => None,
    }
}

impl RegFile {
    /// Reads a registry file.
    ///
    /// # Errors
    /// [`DocumentProblem::NotWellFormed`] where the first line is not a registry file's, and
    /// [`DocumentProblem::Limit`] beyond [`ENTRY_LIMIT`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        let first = source.line(1);
        let Some(notation) = notation(source.text()) else {
            let problem = DocumentProblem::NotWellFormed(format!(
                "the first line is neither {HEADER_5:?} nor {HEADER_4:?}"
            ));
            return Err(DocumentError {
                span: first,
                problem,
            });
        };
        let mut scanner = Scanner {
            text: source.text(),
            position: first.end,
            notation,
            key: None,
            values: 0,
            registry: Registry::default(),
            unreadable: Vec::new(),
        };
        while scanner.position < scanner.text.len() {
            scanner.line();
            let span = scanner.span_of("");
            xml::limit("keys and values", scanner.entries(), ENTRY_LIMIT, span)?;
        }
        Ok(Self {
            header: Spanned {
                value: source.slice(first).trim().to_owned(),
                span: first,
            },
            notation,
            registry: scanner.registry,
            unreadable: scanner.unreadable,
        })
    }
}

/// Reads line by line; only quoted text and continued bytes go over the end of a line.
struct Scanner<'a> {
    text: &'a str,
    position: usize,
    notation: Notation,
    /// The key that values belong to.
    key: Option<Spanned<Arc<str>>>,
    /// Values of that key so far.
    values: usize,
    registry: Registry,
    unreadable: Vec<Span>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes);
    }

    /// Keys, values and unreadable lines so far.
    fn entries(&self) -> usize {
        let Registry { keys, values } = &self.registry;
        let read = keys.len().saturating_add(values.len());
        read.saturating_add(self.unreadable.len())
    }

    /// Skips blanks of the line.
    fn blanks(&mut self) {
        let rest = self.rest();
        let kept = rest.trim_start_matches([' ', '\t']);
        self.advance(rest.len().saturating_sub(kept.len()));
    }

    /// What is left of the line, without its end.
    fn line_rest(&self) -> &'a str {
        let line = self.rest().lines().next().unwrap_or_default();
        line.trim_end()
    }

    /// Goes to the next line; what is left of this one must be a comment or nothing.
    fn end_line(&mut self) {
        self.blanks();
        let left = self.line_rest();
        if !left.is_empty() && !left.starts_with(';') {
            self.unreadable.push(self.span_of(left));
        }
        self.skip_line();
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        let line = rest
            .find('\n')
            .map_or(rest.len(), |end| end.saturating_add(1));
        self.advance(line);
    }

    /// Place of a text that begins here.
    fn span_of(&self, text: &str) -> Span {
        Span::from(self.position..self.position.saturating_add(text.len()))
    }

    fn line(&mut self) {
        self.blanks();
        let line = self.line_rest();
        match line.chars().next() {
            Some('[') => self.read_key(line),
            Some('"' | '@') if self.key.is_some() => self.read_value(),
            _ => self.end_line(),
        }
    }

    fn read_key(&mut self, line: &'a str) {
        let element = self.span_of(line);
        let name = line
            .rfind(']')
            .and_then(|end| line.get(1..end))
            .unwrap_or_default();
        let (deleted, key) = match name.strip_prefix('-') {
            Some(key) => (true, key),
            None => (false, name),
        };
        if key.is_empty() {
            self.unreadable.push(element);
            self.key = None;
            return self.skip_line();
        }
        let start = element
            .start
            .saturating_add(1)
            .saturating_add(usize::from(deleted));
        let key = Spanned {
            value: Arc::<str>::from(key),
            span: Span::from(start..start.saturating_add(key.len())),
        };
        self.registry.keys.push(RegistryKey {
            key: key.clone(),
            deleted,
            build_filters: Vec::new(),
            element,
            route: format!("key[{}]", self.registry.keys.len().saturating_add(1)),
        });
        self.key = Some(key);
        self.values = 0;
        self.advance(name.len().saturating_add(2));
        self.end_line();
    }

    fn read_value(&mut self) {
        let start = self.position;
        let line = self.span_of(self.line_rest());
        let name = self.read_name();
        self.blanks();
        let (Some(name), Some(key)) = (name, self.key.clone()) else {
            self.unreadable.push(line);
            return self.skip_line();
        };
        if !self.rest().starts_with('=') {
            self.unreadable.push(line);
            self.position = start;
            return self.skip_line();
        }
        self.advance(1);
        self.blanks();
        let written = self.read_data();
        self.values = self.values.saturating_add(1);
        self.registry.values.push(RegistryValue {
            key,
            name,
            kind: kind(&written, self.text),
            element: Span::from(start..written.span.end),
            written,
            notation: self.notation,
            build_filters: Vec::new(),
            route: format!("key[{}]/value[{}]", self.registry.keys.len(), self.values),
        });
        self.end_line();
    }

    /// The name of a value: `@` or quoted text.
    fn read_name(&mut self) -> Option<Spanned<String>> {
        if self.rest().starts_with('@') {
            let span = self.span_of("@");
            self.advance(1);
            return Some(Spanned {
                value: String::new(),
                span,
            });
        }
        let length = quoted_length(self.line_rest())?;
        let start = self.position.saturating_add(1);
        let span = Span::from(start..start.saturating_add(length.saturating_sub(2)));
        self.advance(length);
        Some(Spanned {
            value: unescape(self.text.get(span.range()).unwrap_or_default()),
            span,
        })
    }

    /// What follows the `=`, continuation lines joined.
    fn read_data(&mut self) -> Spanned<String> {
        let start = self.position;
        let mut value = String::new();
        if let Some(length) = quoted_length(self.rest()) {
            value.push_str(self.rest().get(..length).unwrap_or_default());
            self.advance(length);
        } else {
            loop {
                let line = self.line_rest();
                let line = line.split(';').next().unwrap_or_default().trim_end();
                let part = line.strip_suffix('\\').unwrap_or(line);
                value.push_str(part);
                let (continued, length) = (part.len() < line.len(), line.len());
                self.advance(length);
                if !continued {
                    break;
                }
                self.skip_line();
                self.blanks();
            }
        }
        Spanned {
            value,
            span: Span::from(start..self.position),
        }
    }
}

/// The type that the data announces.
fn kind(written: &Spanned<String>, source: &str) -> Spanned<RegistryType> {
    let text = written.value.as_str();
    let head = text.split(':').next().unwrap_or_default();
    let span = Span::from(written.span.start..written.span.start.saturating_add(head.len()));
    // A type that goes over the end of a line stands nowhere in one piece.
    let span = match source.get(span.range()) == Some(head) {
        true => span,
        false => written.span,
    };
    let (value, span) = if text.starts_with('"') {
        (RegistryType::Sz, written.span)
    } else if text.trim() == "-" {
        (RegistryType::Deleted, written.span)
    } else if text.is_empty() {
        (RegistryType::Missing, written.span)
    } else if head.trim().eq_ignore_ascii_case("dword") {
        (RegistryType::Dword, span)
    } else if let Some(number) = hex_type(head) {
        (RegistryType::from_number(number), span)
    } else {
        (RegistryType::Unknown(head.to_owned()), span)
    };
    Spanned { value, span }
}
