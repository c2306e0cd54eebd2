//! XML with byte places and limits: a thin layer over `roxmltree`.
//!
//! Three costs of the parser are not linear in the input: it compares every attribute of an element with all the
//! others, it searches all namespaces in scope for every prefix, and it reserves memory for every `<` and `=` before it
//! looks at them. So a first pass walks over the text, cheaply, and refuses what would make them
//! expensive. It also refuses document type definitions, with a place, and deep nesting.

use std::collections::BTreeSet;

use roxmltree::{Document, Error, ParsingOptions};

use super::error::{DocumentError, DocumentProblem};
use crate::source::{Source, Span};

/// Most `<` in a document.
pub const MARKUP_LIMIT: usize = 500_000;
/// Most `=` in a document.
pub const EQUALS_LIMIT: usize = 1_000_000;
/// Most attributes of one element, namespace declarations included.
pub const ATTRIBUTE_LIMIT: usize = 128;
/// Most different namespace declarations of a document: as many can be in scope.
pub const NAMESPACE_LIMIT: usize = 100;
/// Most namespace declarations of a document, equal ones included: manifests of components repeat two for each file.
pub const DECLARATION_LIMIT: usize = 100_000;
/// Deepest nesting of elements.
pub const DEPTH_LIMIT: usize = 128;
/// Longest name of an element, bytes.
pub const NAME_LIMIT: usize = 256;

/// Parses a document.
///
/// # Errors
/// [`DocumentProblem::Limit`], [`DocumentProblem::DocumentType`] or [`DocumentProblem::NotWellFormed`], with a place.
pub(super) fn parse(source: &Source) -> Result<Document<'_>, DocumentError> {
    let open = check_limits(source.text())?;
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(source.text(), options)
        .map_err(|error| locate(source, &error, open))
}

/// Local name of the root element, as far as it can be seen without parsing; the rest may be not well formed.
pub fn root_name(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.get(rest.find('<')?..)?;
        let skipped = if rest.starts_with("<!--") {
            rest.find("-->")?.saturating_add(3)
        } else if rest.starts_with("<?") {
            rest.find("?>")?.saturating_add(2)
        } else if rest.starts_with("<!") {
            rest.find('>')?.saturating_add(1)
        } else {
            let name = qualified_name(rest.get(1..)?);
            return Some(name.rsplit(':').next().unwrap_or(name));
        };
        rest = rest.get(skipped..)?;
    }
}

/// The name that a tag begins with, prefix included.
pub(super) fn qualified_name(tag: &str) -> &str {
    let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '<'));
    tag.get(..end.unwrap_or(tag.len())).unwrap_or_default()
}

/// Walks over the markup. Returns the name of the innermost element that is still open at the end, if any.
///
/// It reads tags, comments, CDATA sections and processing instructions as the parser does up to the parser's first
/// error, so nothing that the parser sees escapes the counting.
fn check_limits(text: &str) -> Result<Option<Span>, DocumentError> {
    count(text, b'<', "elements and other markup", MARKUP_LIMIT)?;
    count(text, b'=', "attributes", EQUALS_LIMIT)?;
    let mut open: Vec<Span> = Vec::new();
    let mut namespaces = Namespaces::default();
    let mut position = 0;
    while let Some(start) = find(text, position, "<") {
        check_references(text, position, start)?;
        let rest = text.get(start..).unwrap_or_default();
        let inside = start.saturating_add(1);
        let end = if rest.starts_with("<!--") {
            find(text, start.saturating_add(4), "-->")
        } else if rest.starts_with("<![CDATA[") {
            find(text, start, "]]>")
        } else if rest.starts_with("<!DOCTYPE") {
            let span = start..start.saturating_add("<!DOCTYPE".len());
            return Err(DocumentError::new(span, DocumentProblem::DocumentType));
        } else if rest.starts_with("<?") {
            find(text, start, "?>")
        } else if rest.starts_with("</") {
            open.pop();
            find(text, start, ">")
        } else {
            let tag = walk_tag(text, inside, &mut namespaces)?;
            check_references(text, inside, tag.end.unwrap_or(text.len()))?;
            if !tag.empty {
                limit(
                    "levels of elements",
                    open.len().saturating_add(1),
                    DEPTH_LIMIT,
                    tag.name,
                )?;
                open.push(tag.name);
            }
            tag.end
        };
        match end {
            Some(end) => position = end.saturating_add(1),
            None => break,
        }
    }
    Ok(open.pop())
}

/// Refuses references to numbers that are no characters of XML, such as half a surrogate pair: the parser puts another
/// character there. What is no reference at all is left to the parser.
fn check_references(text: &str, from: usize, to: usize) -> Result<(), DocumentError> {
    let part = text.get(from..to).unwrap_or_default();
    for (offset, _) in part.match_indices("&#") {
        let rest = part.get(offset.saturating_add(2)..).unwrap_or_default();
        let (marks, digits, radix) = match rest.strip_prefix('x') {
            Some(digits) => (3, digits, 16),
            None => (2, rest, 10),
        };
        let length = digits.find(|c: char| !c.is_digit(radix));
        let digits = digits.get(..length.unwrap_or(digits.len()));
        let digits = digits.unwrap_or_default();
        let number = u32::from_str_radix(digits, radix).ok();
        let character = number.and_then(char::from_u32);
        if !digits.is_empty() && !character.is_some_and(is_xml_character) {
            let start = from.saturating_add(offset);
            let end = start.saturating_add(marks).saturating_add(digits.len());
            let written = text.get(start..end).unwrap_or_default();
            let shown: String = written.chars().take(16).collect();
            let problem = format!("{shown:?} refers to no character");
            let problem = DocumentProblem::NotWellFormed(problem);
            return Err(DocumentError::new(start..end, problem));
        }
    }
    Ok(())
}

/// `Char` of XML 1.0.
fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The namespace declarations of a document.
#[derive(Default)]
struct Namespaces<'a> {
    different: BTreeSet<&'a str>,
    count: usize,
}

impl<'a> Namespaces<'a> {
    fn add(&mut self, declaration: &'a str, element: Span) -> Result<(), DocumentError> {
        self.count = self.count.saturating_add(1);
        self.different.insert(declaration);
        let different = self.different.len();
        limit(
            "namespace declarations",
            self.count,
            DECLARATION_LIMIT,
            element,
        )?;
        limit(
            "different namespace declarations",
            different,
            NAMESPACE_LIMIT,
            element,
        )
    }
}

/// What [`walk_tag`] saw.
struct Tag {
    name: Span,
    empty: bool,
    /// Place of the `>`, absent when the text ends before it.
    end: Option<usize>,
}

/// Walks over a start tag, whose name begins at `start`, and counts its attributes.
fn walk_tag<'a>(
    text: &'a str,
    start: usize,
    namespaces: &mut Namespaces<'a>,
) -> Result<Tag, DocumentError> {
    let rest = text.get(start..).unwrap_or_default();
    let length = qualified_name(rest).len();
    let name = Span::from(start..start.saturating_add(length));
    limit("bytes of an element's name", length, NAME_LIMIT, name)?;
    let mut attributes = 0_usize;
    let mut quote = None;
    // Where the text began that an `=` may find before itself: an attribute's name.
    let mut word = name.end;
    let mut declaration = None;
    for (index, byte) in rest.bytes().enumerate().skip(length) {
        let position = start.saturating_add(index);
        match (quote, byte) {
            (Some(open), close) if open == close => {
                quote = None;
                word = position.saturating_add(1);
                if let Some(from) = declaration.take() {
                    let written = text.get(from..position).unwrap_or_default();
                    namespaces.add(written.trim(), name)?;
                }
            }
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => {
                attributes = attributes.saturating_add(1);
                limit(
                    "attributes of an element",
                    attributes,
                    ATTRIBUTE_LIMIT,
                    name,
                )?;
                let attribute = text.get(word..position).unwrap_or_default().trim();
                if attribute.starts_with("xmlns") {
                    declaration = Some(word);
                }
            }
            (None, b'>') => {
                let before = index.checked_sub(1).and_then(|i| rest.as_bytes().get(i));
                return Ok(Tag {
                    name,
                    empty: before == Some(&b'/'),
                    end: Some(position),
                });
            }
            (None, _) => {}
        }
    }
    Ok(Tag {
        name,
        empty: false,
        end: None,
    })
}

/// Byte place of the next `needle` from `from` on.
fn find(text: &str, from: usize, needle: &str) -> Option<usize> {
    let found = text.get(from..)?.find(needle)?;
    Some(from.saturating_add(found))
}

/// Refuses a text with more than `most` of a byte.
fn count(text: &str, byte: u8, what: &'static str, most: usize) -> Result<(), DocumentError> {
    let found = text.bytes().filter(|b| *b == byte).count();
    limit(what, found, most, Span::default())
}

/// An error at `span` when `found` is over `limit`.
pub(super) fn limit(
    what: &'static str,
    found: usize,
    limit: usize,
    span: Span,
) -> Result<(), DocumentError> {
    if found <= limit {
        return Ok(());
    }
    let problem = DocumentProblem::Limit { what, found, limit };
    Err(DocumentError { span, problem })
}

/// The parser's error with a byte place; `open` is the innermost element without an end.
fn locate(source: &Source, error: &Error, open: Option<Span>) -> DocumentError {
    let length = source.text().len();
    let (span, detail) = match error {
        Error::UnclosedRootNode => {
            let span = open.unwrap_or(Span::from(length..length));
            let detail = format!("element {:?} is never closed", source.slice(span));
            (span, detail)
        }
        Error::UnexpectedEndOfStream => {
            let detail = "the text ends inside a tag, comment or section".to_owned();
            (Span::from(length..length), detail)
        }
        Error::NoRootNode => {
            let detail = "there is no element".to_owned();
            (Span::from(length..length), detail)
        }
        error => {
            let place = error.pos();
            let start = byte_at(source, place.row as usize, place.col as usize);
            let rest = source.text().get(start..).unwrap_or_default();
            let end = start.saturating_add(rest.chars().next().map_or(0, char::len_utf8));
            let detail = error.to_string().replace(&format!(" at {place}"), "");
            (Span { start, end }, detail)
        }
    };
    DocumentError {
        span,
        problem: DocumentProblem::NotWellFormed(detail),
    }
}

/// Byte place of a line and a column in code points, both from 1.
fn byte_at(source: &Source, line: usize, column: usize) -> usize {
    let span = source.line(line);
    let text = source.slice(span);
    let ahead = text
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(text.len(), |(index, _)| index);
    span.start.saturating_add(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, usize, usize) {
        let source = Source::new("a.xml", text, 0);
        let error = parse(&source).unwrap_err();
        let place = source.line_column(error.span.start);
        (error.to_string(), place.line, place.column)
    }

    #[test]
    fn errors_have_line_and_column() {
        let cases = [
            (
                "<a>\r\n  <b>\r\n</a>",
                "not well formed: expected 'b' tag, not 'a'",
                3,
                1,
            ),
            (
                "<a>\nüü&x;</a>",
                "not well formed: unknown entity reference 'x'",
                2,
                3,
            ),
            (
                "<a>\n <b>\n",
                "not well formed: element \"b\" is never closed",
                2,
                3,
            ),
            (
                "<a x='1' x='2'/>",
                "not well formed: attribute 'x' is already defined",
                1,
                10,
            ),
            (
                "<a><b x=",
                "not well formed: the text ends inside a tag, comment or section",
                1,
                9,
            ),
            (" \n", "not well formed: there is no element", 2, 1),
            (
                "<a/><!DOCTYPE a>",
                "a document type definition is not accepted",
                1,
                5,
            ),
        ];
        for (text, message, line, column) in cases {
            assert_eq!(refused(text), (message.to_owned(), line, column), "{text}");
        }
    }

    #[test]
    fn references_to_what_is_no_character_are_refused_where_they_are_references() {
        for (text, shown, column) in [
            ("<a>é&#xD800;</a>", "&#xD800", 5),
            ("<a>&#65535;</a>", "&#65535", 4),
            ("<a b='&#x0;'/>", "&#x0", 7),
            ("<a>&#x110000;</a>", "&#x110000", 4),
            ("<a>&#99999999999;</a>", "&#99999999999", 4),
            ("<a>&#x1F</a>", "&#x1F", 4),
        ] {
            let message = format!("not well formed: \"{shown}\" refers to no character");
            assert_eq!(refused(text), (message, 1, column), "{text}");
        }
        for text in [
            "<a b='&#x9;&#10;'>&#x0041;&#65533;&#x10FFFF;</a>",
            "<?p &#0;?><a><!-- &#0; --><![CDATA[&#xD800;]]></a>",
        ] {
            assert!(parse(&Source::new("a.xml", text, 0)).is_ok(), "{text}");
        }
        // What is no reference is told as the parser tells it.
        assert!(!refused("<a>&#;</a>").0.contains("refers to"));
    }

    #[test]
    fn what_only_looks_like_markup_is_not_counted() {
        let inner = "<x y=''>".repeat(DEPTH_LIMIT + 1);
        let text = format!("<?p {inner}?><a b='>'><!-- {inner} --><![CDATA[{inner}]]></a>");
        let source = Source::new("a.xml", text, 0);
        assert!(parse(&source).is_ok());
    }

    #[test]
    fn the_deepest_allowed_nesting_is_read() {
        let text = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&Source::new("a.xml", text(DEPTH_LIMIT), 0)).is_ok());
        assert!(
            refused(&text(DEPTH_LIMIT + 1))
                .0
                .starts_with("levels of elements: 129")
        );
    }

    #[test]
    fn many_equal_namespace_declarations_are_read_and_many_different_ones_are_not() {
        let text = |name: fn(usize) -> usize| {
            let elements = (0..NAMESPACE_LIMIT + 1).map(|i| format!("<b xmlns:n{}='u'/>", name(i)));
            format!("<a>{}</a>", elements.collect::<String>())
        };
        assert!(parse(&Source::new("a.xml", text(|_| 0), 0)).is_ok());
        let different = refused(&text(|i| i)).0;
        assert!(
            different.starts_with("different namespace declarations: 101"),
            "{different}"
        );
        let all = format!(
            "<a>{}</a>",
            "<b xmlns:n='u'/>".repeat(DECLARATION_LIMIT + 1)
        );
        assert!(
            refused(&all)
                .0
                .starts_with("namespace declarations: 100001")
        );
    }

    #[test]
    fn the_root_is_seen_in_broken_text() {
        let cases = [
            (
                "<?xml version='1.0'?>\n<!-- <b> -->\n<OEMInput><",
                Some("OEMInput"),
            ),
            ("<n:Package>", Some("Package")),
            ("<a/>", Some("a")),
            ("<!DOCTYPE x><a", Some("a")),
            ("<!-- <a>", None),
            ("text", None),
        ];
        for (text, name) in cases {
            assert_eq!(root_name(text), name, "{text}");
        }
    }
}
