//! Findings for people: each with the lines it stands in, a summary at the end.
//!
//! The rule's id stands above each finding, because that is what `explain` and policies want. Colours are the caller's
//! decision. Whatever came from a file is made harmless before it reaches a terminal.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use formats::source::Span;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode};

use super::snippet::{Snippet, safe};
use crate::diagnostic::{DecidedBy, Diagnostic, Level, Place};
use crate::engine::{Counts, Outcome};
use crate::image::ImageType;
use crate::sources::Sources;

/// How findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    /// Whether escape sequences for colours are written.
    pub colour: bool,
    /// Columns of the terminal, at which messages wrap.
    pub width: usize,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
        }
    }
}

/// Bytes of a message or help that are shown; values of hostile documents may be long.
const LONG_MESSAGE: usize = 2000;

/// Writes all findings and the summary.
pub fn render(outcome: &Outcome, style: TextStyle, to: &mut dyn Write) -> fmt::Result {
    let mut renderer = Renderer::new(&outcome.sources, style);
    for diagnostic in &outcome.diagnostics {
        renderer.diagnostic(diagnostic, to)?;
        writeln!(to)?;
    }
    writeln!(to, "{}", summary(outcome))
}

/// One line: how many findings, over what.
pub fn summary(outcome: &Outcome) -> String {
    let Counts {
        errors,
        warnings,
        infos,
    } = outcome.counts;
    let mut found: Vec<String> = Vec::new();
    for (count, one) in [(errors, "error"), (warnings, "warning")] {
        if count > 0 {
            found.push(counted(count, one));
        }
    }
    if infos > 0 {
        found.push(format!("{infos} info"));
    }
    if found.is_empty() {
        found.push("no findings".to_owned());
    }
    let of_type = |image: Option<ImageType>| {
        let count = outcome
            .products
            .iter()
            .filter(|product| product.image == image)
            .count();
        let word = image.map_or("of unknown type", ImageType::as_str);
        (count > 0).then(|| format!("{count} {word}"))
    };
    let known = ImageType::ALL.iter().copied().map(Some);
    let types: Vec<String> = known.chain([None]).filter_map(of_type).collect();
    let products = match outcome.products.len() {
        0 => "no product".to_owned(),
        count => format!("{} ({})", counted(count, "product"), types.join(", ")),
    };
    let documents = counted(outcome.documents, "document");
    format!("{} in {products}, {documents} read", found.join(", "))
}

fn counted(count: usize, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

/// Draws findings of one set of sources; a source is prepared once.
struct Renderer<'a> {
    handler: GraphicalReportHandler,
    sources: &'a Sources,
    snippets: BTreeMap<&'a str, Snippet<'a>>,
}

/// A finding as `miette` wants it.
struct Shown<'a> {
    rule: &'static str,
    message: String,
    help: Option<String>,
    severity: Severity,
    snippet: Option<&'a Snippet<'a>>,
    labels: Vec<LabeledSpan>,
}

impl<'a> Renderer<'a> {
    fn new(sources: &'a Sources, style: TextStyle) -> Self {
        let theme = match style.colour {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        Self {
            handler: GraphicalReportHandler::new_themed(theme)
                .with_width(style.width.max(40))
                .with_links(false),
            sources,
            snippets: BTreeMap::new(),
        }
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic, mut to: &mut dyn Write) -> fmt::Result {
        let primary = &diagnostic.primary;
        if let Some(source) = self.sources.get(primary.file()) {
            self.snippets
                .entry(source.name())
                .or_insert_with(|| Snippet::new(source));
        }
        let snippet = self.snippets.get(primary.file());
        let mut labels = Vec::new();
        let mut elsewhere = Vec::new();
        if let (Some(snippet), Some(region)) = (snippet, primary.region()) {
            let span = source_span(snippet.label_span(region.span));
            labels.push(LabeledSpan::new_primary_with_span(None, span));
        }
        for (place, label) in &diagnostic.related {
            match same_snippet(snippet, primary, place) {
                Some(span) => labels.push(LabeledSpan::new_with_span(Some(shown(label)), span)),
                None => elsewhere.push((place, label)),
            }
        }
        let is_drawn = !labels.is_empty();
        self.handler.render_report(
            &mut to,
            &Shown {
                rule: diagnostic.rule,
                message: shown(&diagnostic.message),
                help: diagnostic.help.as_deref().map(shown),
                severity: match diagnostic.level {
                    Level::Error => Severity::Error,
                    Level::Warning => Severity::Warning,
                    Level::Info => Severity::Advice,
                },
                snippet: if is_drawn { snippet } else { None },
                labels,
            },
        )?;
        if !is_drawn {
            writeln!(to, "    at: {}", shown(&primary.to_string()))?;
        }
        for (place, label) in elsewhere {
            writeln!(
                to,
                "   see: {}: {}",
                shown(&place.to_string()),
                shown(label)
            )?;
        }
        if let Some(fix) = &diagnostic.fix {
            writeln!(to, "   fix: {}", shown(&fix.title))?;
        }
        if let DecidedBy::Policy(_) = diagnostic.decided_by {
            let policy = shown(&diagnostic.decided_by.to_string());
            writeln!(to, "policy: {} by {policy}", diagnostic.level)?;
        }
        Ok(())
    }
}

/// The span of a place that can be drawn into the snippet of another.
fn same_snippet(
    snippet: Option<&Snippet<'_>>,
    primary: &Place,
    place: &Place,
) -> Option<miette::SourceSpan> {
    let snippet = snippet?;
    let own = primary.region()?.span;
    let other = place.region()?.span;
    let is_drawable = |span: Span| !snippet.is_on_long_line(span.start);
    let is_same = primary.file() == place.file() && is_drawable(own) && is_drawable(other);
    is_same.then(|| source_span(snippet.label_span(other)))
}

fn source_span(span: Span) -> miette::SourceSpan {
    (span.start, span.end.saturating_sub(span.start)).into()
}

/// A text on one line, harmless and of bearable length.
fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(LONG_MESSAGE);
    let (kept, rest) = text.split_at(end);
    let mut line = safe(kept).replace(['\n', '\r', '\t'], " ");
    if !rest.is_empty() {
        line.push_str(" ...");
    }
    line
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.rule))
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.map(|snippet| snippet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
