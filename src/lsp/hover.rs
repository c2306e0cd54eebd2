//! The manual of the rules that found something under the pointer.

use lint::explain::explain;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, TextDocumentPositionParams};

use super::places;
use super::session::Session;

pub(super) fn hover(session: &Session<'_>, at: &TextDocumentPositionParams) -> Option<Hover> {
    let path = places::path(&at.text_document.uri)?;
    let source = session.source(&path)?;
    let byte = places::byte(source, at.position);
    let mut shown = Vec::new();
    let mut rules = Vec::new();
    let mut span = None;
    for found in session.findings(&path) {
        let here = found
            .primary
            .span()
            .filter(|span| span.start <= byte && byte <= span.end);
        if here.is_none() || rules.contains(&found.rule) {
            continue;
        }
        if let Ok(manual) = explain(found.rule, &session.policies) {
            rules.push(found.rule);
            shown.push(manual);
            span = span.or(here);
        }
    }
    let markup = MarkupContent {
        kind: MarkupKind::Markdown,
        value: shown.join("\n\n---\n\n"),
    };
    Some(Hover {
        range: Some(places::range(source, span?)),
        contents: HoverContents::Markup(markup),
    })
}
