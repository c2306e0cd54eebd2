//! Findings for people: each with the lines it stands in, a summary at the end.
//!
//! The rule's id stands above each finding, because that is what `explain` and policies want. Colours are the caller's
//! decision. Whatever came from a file is made harmless before it reaches a terminal.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use formats::source::Span;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode};

use super::snippet::{Snippet, View, shown};
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
    if outcome.suppressed_count() > 0 {
        found.push(format!("{} suppressed", outcome.suppressed_count()));
    }
    let found = found.join(", ");
    // A policy is checked without anything that it is about.
    if outcome.roots.is_empty() && outcome.products.is_empty() {
        return found;
    }
    let mut read = vec![counted(outcome.documents, "document")];
    if outcome.packages > 0 {
        read.push(counted(outcome.packages, "package"));
    }
    format!("{found} in {products}, {} read", read.join(" and "))
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
    view: Option<View<'a>>,
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
        let related = diagnostic.related.iter().map(|(place, _)| place);
        let regions = std::iter::once(primary)
            .chain(related)
            .filter_map(Place::region);
        let view = snippet.filter(|_| is_drawn).map(|snippet| View {
            snippet,
            regions: regions.collect(),
        });
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
                view,
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
            let label = fix.applicability.label();
            writeln!(to, "{label:>6}: {}", shown(&fix.title))?;
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
        self.view.as_ref().map(|view| view as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Fix;
    use crate::engine::ProductSeen;
    use crate::testing::{found, outcome_of, place};

    fn found_at(primary: Place, message: &str) -> Diagnostic {
        Diagnostic {
            primary,
            ..found("some-rule", message)
        }
    }

    fn text(outcome: &Outcome) -> String {
        let mut out = String::new();
        render(outcome, TextStyle::default(), &mut out).unwrap();
        let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    #[test]
    fn a_finding_is_drawn_with_its_line_the_places_that_explain_it_and_who_decided() {
        let input = "<a>\r\n  <B>one</B>\r\n  <C>two</C>\r\n</a>";
        let policy = "[rules]\nsome-rule = 'warning'\n";
        let primary = place("a.xml", input, "two");
        let mut finding = found_at(primary.clone(), "found `two`, expected `three`");
        finding.level = Level::Warning;
        finding.help = Some("write `three`".into());
        finding
            .related
            .push((place("a.xml", input, "one"), "because of this".into()));
        finding
            .related
            .push((place("b.xml", "x y", "y"), "and of that".into()));
        finding.fix = Fix::replace("write `three`", &primary, "three").map(Fix::as_guess);
        finding.decided_by =
            DecidedBy::Policy(place("policy.toml", policy, "some-rule = 'warning'"));
        let texts = [("a.xml", input), ("b.xml", "x y"), ("policy.toml", policy)];
        let outcome = outcome_of(&texts, vec![finding]);
        let wanted = "\
some-rule

  ⚠ found `two`, expected `three`
   ╭─[a.xml:3:6]
 1 │ <a>
 2 │   <B>one</B>
   ·      ─┬─
   ·       ╰── because of this
 3 │   <C>two</C>
   ·      ───
 4 │ </a>
   ╰────
  help: write `three`
   see: b.xml:1:3: and of that
 guess: write `three`
policy: warning by policy.toml:2

1 warning";
        assert_eq!(text(&outcome), wanted);
    }

    #[test]
    fn a_file_without_lines_is_named_without_a_snippet() {
        let finding = found_at(Place::binary("a.cab", "signature[0].signer"), "test signer");
        let wanted = "\
some-rule

  × test signer
    at: a.cab (signature[0].signer)

1 error";
        assert_eq!(text(&outcome_of(&[], vec![finding])), wanted);
    }

    #[test]
    fn a_label_at_the_end_of_a_large_file_is_found_by_the_index() {
        let input = format!("{}<last/>", "<line/>\n".repeat(200_000));
        let finding = found_at(place("a.xml", &input, "<last/>"), "the last");
        let shown = text(&outcome_of(&[("a.xml", &input)], vec![finding]));
        assert!(shown.contains("[a.xml:200001:1]"), "{shown}");
        assert!(shown.contains("200001 │ <last/>"), "{shown}");
    }

    #[test]
    fn a_finding_on_a_line_without_end_is_short() {
        let input = format!("<a>{}</a>", "<b>some text</b>".repeat(20_000));
        let mut finding = found_at(place("a.xml", &input, "</a>"), &"long ".repeat(2000));
        finding
            .related
            .push((place("a.xml", &input, "<a>"), "the start".into()));
        let shown = text(&outcome_of(&[("a.xml", &input)], vec![finding]));
        assert!(shown.len() < 5000, "{}", shown.len());
        assert!(shown.contains("see: a.xml:1:1: the start"), "{shown}");
    }

    #[test]
    fn nothing_of_a_document_reaches_the_terminal_as_an_escape_sequence() {
        let input = "<a>\u{1B}]0;title\u{7}</a>";
        let mut finding = found_at(
            place("a\u{1B}.xml", input, "<a>"),
            "found \u{1B}[31mred\u{202E}",
        );
        finding.help = Some("\u{9B}2J\nnext".into());
        let mut outcome = outcome_of(&[("a\u{1B}.xml", input)], vec![finding]);
        outcome.products.push(ProductSeen {
            name: "A".into(),
            oem_input: "a".into(),
            image: Some(ImageType::Test),
            declared: false,
            packages: 0,
        });
        let shown = text(&outcome);
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
        assert!(!shown.contains('\u{202E}'));
        assert!(
            shown.ends_with("1 error in 1 product (1 test), 0 documents read"),
            "{shown}"
        );
    }

    #[test]
    fn colours_are_the_callers_decision() {
        let finding = found_at(place("a.xml", "<a/>", "<a/>"), "found");
        let outcome = outcome_of(&[("a.xml", "<a/>")], vec![finding]);
        let mut out = String::new();
        let style = TextStyle {
            colour: true,
            width: 80,
        };
        render(&outcome, style, &mut out).unwrap();
        assert!(out.contains("\u{1B}["));
        assert!(!text(&outcome).contains('\u{1B}'));
    }
}
