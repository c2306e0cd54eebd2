//! What a reader is told: one finding, its level, where it stands and who decided its level.
//!
//! A diagnostic is plain data with a total order, so the same input gives the same report. Its places carry the
//! route through the document (`OEMInput/Features/Microsoft/Feature[3]`) first; bytes, lines and columns are there
//! where the subject is text. A diagnostic without a primary place cannot be built.

use std::fmt;
use std::sync::Arc;

use formats::source::{LineColumn, Source, Span};
use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Hygiene: worth knowing, nothing breaks.
    Info,
    /// It builds, but it is risky, or the sources disagree.
    Warning,
    /// The image is rejected, will not boot, or breaks the stated policy of its type.
    Error,
}

impl Level {
    /// The word that policies, options and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level a word stands for; `None` for any other word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == word)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stretch of text, in bytes and in the lines and columns that a person goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// Bytes of the source's text.
    pub span: Span,
    /// Line and column of the first byte.
    pub start: LineColumn,
    /// Line and column just after the last byte.
    pub end: LineColumn,
}

/// Where something stands: the file, the stretch of its text, and the route to it.
///
/// Lines and columns are looked up once for all places of a run, see [`crate::sources::Sources::locate`]. Ordered by
/// file, position, route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    file: Arc<str>,
    span: Option<Span>,
    route: String,
    region: Option<Region>,
}

impl Place {
    /// A stretch of a text; `route` says what it is in the document's own terms.
    pub fn text(source: &Source, span: Span, route: impl Into<String>) -> Self {
        Self {
            file: Arc::from(source.name()),
            span: Some(span),
            route: route.into(),
            region: None,
        }
    }

    /// A part of a file that has no lines, such as `signature[0].signer` of a cabinet. An empty route is the whole
    /// file.
    pub fn binary(file: impl Into<Arc<str>>, route: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            span: None,
            route: route.into(),
            region: None,
        }
    }

    /// A stretch of a text whose lines and columns are known already; without the text, the bytes are 0 to 0.
    pub fn located(file: impl Into<Arc<str>>, route: impl Into<String>, region: Region) -> Self {
        Self {
            file: file.into(),
            span: Some(region.span),
            route: route.into(),
            region: Some(region),
        }
    }

    /// The file, as the user wrote it or as it was found below what the user wrote.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The bytes of the text; `None` in a file that has no lines.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The stretch of text with lines and columns; `None` in a file that has no lines, and before the place was looked
    /// up.
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// The route through the document, e.g. `OEMInput/ReleaseType`; empty for the whole file.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Looks lines and columns up. `position` gives those of a byte of the text that the place is in.
    pub fn locate(&mut self, position: impl Fn(usize) -> LineColumn) {
        self.region = self.span.map(|span| Region {
            span,
            start: position(span.start),
            end: position(span.end),
        });
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match self.region {
            Some(region) => write!(f, ":{}:{}", region.start.line, region.start.column),
            None if self.route.is_empty() => Ok(()),
            None => write!(f, " ({})", self.route),
        }
    }
}

/// Who set the level of a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecidedBy {
    /// The rule itself; no policy speaks about it.
    Rule,
    /// This line of a policy.
    Policy(Place),
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule => f.write_str("the rule's default"),
            Self::Policy(place) => match place.region() {
                Some(region) => write!(f, "{}:{}", place.file(), region.start.line),
                None => f.write_str(place.file()),
            },
        }
    }
}

/// One replacement in a text; an empty span inserts, an empty text removes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// Bytes of the source's text that are replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// Whether a fix may be applied without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// It is what was meant: mechanical.
    Safe,
    /// It is a guess that somebody should look at.
    Unsafe,
}

impl Applicability {
    /// What a reader is told before the fix's title: `fix` or `guess`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Safe => "fix",
            Self::Unsafe => "guess",
        }
    }
}

/// A mechanical cure, all in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// What applying it does, e.g. ``write `Test` ``.
    pub title: String,
    /// Whether it may be applied without looking.
    pub applicability: Applicability,
    /// The file it changes.
    pub file: Arc<str>,
    /// Sorted by position, never overlapping.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// The same as a guess, which is applied only where the user asks for those too.
    #[must_use]
    pub fn as_guess(mut self) -> Self {
        self.applicability = Applicability::Unsafe;
        self
    }

    /// Puts `text` in the stead of what stands at `place`. `None` where the place is not text.
    pub fn replace(
        title: impl Into<String>,
        place: &Place,
        text: impl Into<String>,
    ) -> Option<Self> {
        let edit = Edit {
            span: place.span?,
            text: text.into(),
        };
        Some(Self {
            title: title.into(),
            applicability: Applicability::Safe,
            file: place.file.clone(),
            edits: vec![edit],
        })
    }

    /// Writes what was probably meant, a guess. `None` where the place is not text, or the new text would have to be
    /// written as references.
    pub fn guess(place: &Place, text: &str) -> Option<Self> {
        if text.contains(['<', '&', '"', '\'']) {
            return None;
        }
        Some(Self::replace(format!("write `{text}`"), place, text)?.as_guess())
    }

    /// Spells the end of the text at `place` as the end of `known`, as far as the two are equal but for the case of
    /// letters. `None` where there is nothing to change.
    pub fn respell(place: &Place, source: &Source, known: &str) -> Option<Self> {
        let written = source.slice(place.span?).trim_end();
        let pairs = written.bytes().rev().zip(known.bytes().rev());
        let length = pairs
            .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
            .count();
        let tail = known.get(known.len().checked_sub(length)?..)?;
        let end = place.span?.start.checked_add(written.len())?;
        let start = end.checked_sub(length)?;
        let tail_place = Place {
            span: Some(Span { start, end }),
            ..place.clone()
        };
        if written.ends_with(tail) {
            return None;
        }
        Self::replace(format!("write `{known}`"), &tail_place, tail)
    }

    /// Puts `text` behind what stands at `place`. `None` where the place is not text.
    pub fn insert_after(
        title: impl Into<String>,
        place: &Place,
        text: impl Into<String>,
    ) -> Option<Self> {
        let end = place.span?.end;
        let behind = Place {
            span: Some(Span { start: end, end }),
            ..place.clone()
        };
        Self::replace(title, &behind, text)
    }

    /// Switches an XML element off the way the samples do, `<!-- Feature>X</Feature -->`, so that it can be switched
    /// on again. `place` is the whole element, `source` the text it stands in. `None` where that would not be a
    /// comment (the element holds `--`) or the place is not an element.
    pub fn comment_out(title: impl Into<String>, place: &Place, source: &Source) -> Option<Self> {
        let span = place.span?;
        let text = source.slice(span);
        if !text.starts_with('<') || !text.ends_with('>') || text.contains("--") {
            return None;
        }
        let open = span.start.checked_add(1)?;
        let close = span.end.checked_sub(1)?;
        let insert = |at: usize, text: &str| Edit {
            span: Span { start: at, end: at },
            text: text.into(),
        };
        Some(Self {
            title: title.into(),
            applicability: Applicability::Safe,
            file: place.file.clone(),
            edits: vec![insert(open, "!-- "), insert(close, " --")],
        })
    }

    /// Adds an element as the last one of `parent`, the span of a whole XML element: below what stands there last and
    /// indented like it, or behind it where all is on one line. `None` where `parent` has no end tag.
    pub fn append(
        title: impl Into<String>,
        source: &Source,
        parent: Span,
        element: &str,
    ) -> Option<Self> {
        let (content, _) = source.slice(parent).rsplit_once("</")?;
        let kept = content.trim_end();
        let at = parent.start.checked_add(kept.len())?;
        let before = source.text().get(..at)?;
        let line = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
        let last = before.get(line..)?;
        let indent = last.get(..last.len().saturating_sub(last.trim_start().len()))?;
        // Nothing but the start tag: one step further in.
        let step = if kept.rfind('<') == Some(0) { "  " } else { "" };
        let blanks = content.get(kept.len()..)?;
        let text = if line > parent.start || blanks.contains('\n') {
            let is_crlf = blanks.contains("\r\n") || before.get(..line)?.ends_with("\r\n");
            let end = if is_crlf { "\r\n" } else { "\n" };
            format!("{end}{indent}{step}{element}")
        } else {
            element.to_owned()
        };
        let edit = Edit {
            span: Span { start: at, end: at },
            text,
        };
        Some(Self {
            title: title.into(),
            applicability: Applicability::Safe,
            file: Arc::from(source.name()),
            edits: vec![edit],
        })
    }
}

/// One finding. The order is file, position, rule, message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where it stands.
    pub primary: Place,
    /// The id of the rule that found it.
    pub rule: &'static str,
    /// One phrase: what was found against what was wanted, with the values.
    pub message: String,
    /// How much it weighs.
    pub level: Level,
    /// Other places that explain it, each with what it shows.
    pub related: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// A mechanical cure.
    pub fix: Option<Fix>,
    /// Who set the level.
    pub decided_by: DecidedBy,
}

impl Diagnostic {
    /// All places that it names.
    pub fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let related = self.related.iter_mut().map(|(place, _)| place);
        let decided_by = match &mut self.decided_by {
            DecidedBy::Rule => None,
            DecidedBy::Policy(place) => Some(place),
        };
        std::iter::once(&mut self.primary)
            .chain(related)
            .chain(decided_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(primary: Place, rule: &'static str) -> Diagnostic {
        Diagnostic {
            primary,
            rule,
            message: "found".into(),
            level: Level::Error,
            related: Vec::new(),
            help: None,
            fix: None,
            decided_by: DecidedBy::Rule,
        }
    }

    #[test]
    fn diagnostics_sort_by_file_then_position_then_rule() {
        let a = Source::new("a.xml", "0123456789\n0123456789", 0);
        let b = Source::new("b.xml", "0123456789", 0);
        let at = |source: &Source, start| {
            Place::text(
                source,
                Span {
                    start,
                    end: start + 1,
                },
                "r",
            )
        };
        let sorted = [
            diagnostic(at(&a, 2), "b-rule"),
            diagnostic(at(&a, 12), "a-rule"),
            diagnostic(at(&a, 12), "b-rule"),
            diagnostic(at(&b, 0), "a-rule"),
            diagnostic(Place::binary("c.cab", "signature[0]"), "a-rule"),
        ];
        let mut mixed = sorted.to_vec();
        mixed.reverse();
        mixed.sort();
        assert_eq!(mixed, sorted);
    }

    #[test]
    fn places_are_shown_with_line_and_column_or_with_the_route() {
        let source = Source::new("p/a.xml", "ab\ncd", 0);
        let mut place = Place::text(&source, Span { start: 3, end: 5 }, "Root/A");
        assert_eq!(place.to_string(), "p/a.xml (Root/A)");
        place.locate(|position| source.line_column(position));
        assert_eq!(place.to_string(), "p/a.xml:2:1");
        assert_eq!(place.region().map(|region| region.end.column), Some(3));
        let place = Place::binary("a.cab", "signature[0].signer");
        assert_eq!(place.to_string(), "a.cab (signature[0].signer)");
    }

    #[test]
    fn commenting_out_keeps_the_element_readable() {
        let text = "<a>\n  <Feature>X</Feature>\n</a>";
        let source = Source::new("a.xml", text, 0);
        let place = Place::text(&source, Span { start: 6, end: 26 }, "a/Feature");
        let fix = Fix::comment_out("switch X off", &place, &source).unwrap();
        let mut fixed = text.to_owned();
        for edit in fix.edits.iter().rev() {
            fixed.replace_range(edit.span.range(), &edit.text);
        }
        assert_eq!(fixed, "<a>\n  <!-- Feature>X</Feature -->\n</a>");
    }

    #[test]
    fn an_element_with_two_hyphens_is_not_commented_out() {
        let source = Source::new("a.xml", "<F>a--b</F>", 0);
        let place = Place::text(&source, Span { start: 0, end: 11 }, "F");
        assert_eq!(Fix::comment_out("off", &place, &source), None);
    }

    #[test]
    fn what_is_appended_stands_below_the_last_child_and_like_it() {
        let appended = |text: &str| {
            let text = format!("<R>{text}</R>");
            let source = Source::new("a.xml", text.as_str(), 0);
            let parent = Span {
                start: 3,
                end: text.len() - 4,
            };
            let fix = Fix::append("add", &source, parent, "<N/>")?;
            let edit = fix.edits.first()?;
            let mut fixed = text;
            fixed.replace_range(edit.span.range(), &edit.text);
            Some(fixed.replace("<R>", "").replace("</R>", ""))
        };
        for (before, after) in [
            ("<A>\n  <C/>\n</A>", "<A>\n  <C/>\n  <N/>\n</A>"),
            ("<A>\r\n\t<C/>\r\n</A>", "<A>\r\n\t<C/>\r\n\t<N/>\r\n</A>"),
            (
                "<A>\n <C/> <!-- c -->\n</A>",
                "<A>\n <C/> <!-- c -->\n <N/>\n</A>",
            ),
            (
                "<A>\n <C/>\n <!-- D -->\n\n</A>",
                "<A>\n <C/>\n <!-- D -->\n <N/>\n\n</A>",
            ),
            (
                "<A>\n <C>\n  <D/>\n </C>\n</A>",
                "<A>\n <C>\n  <D/>\n </C>\n <N/>\n</A>",
            ),
            ("<A><C/></A>", "<A><C/><N/></A>"),
            ("<A>\n <C/></A>", "<A>\n <C/>\n <N/></A>"),
            ("<A b='>'>\n</A>", "<A b='>'>\n  <N/>\n</A>"),
            ("<A> </A>", "<A><N/> </A>"),
        ] {
            assert_eq!(appended(before).as_deref(), Some(after));
        }
        assert_eq!(appended("<A/>"), None);
    }

    #[test]
    fn a_level_is_known_by_its_word() {
        assert_eq!(Level::from_word("warning"), Some(Level::Warning));
        assert_eq!(Level::from_word("Warning"), None);
        assert!(Level::Info < Level::Error);
    }
}
