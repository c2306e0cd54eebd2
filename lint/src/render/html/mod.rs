//! Findings as one HTML file: each in its source, with filters, for screens, printers and screen readers.
//!
//! The file needs nothing else and runs nothing: the filters are style rules over check boxes and lists, so its security
//! policy allows one style sheet, named by its digest, and nothing more. Whatever came from a file is escaped and made
//! harmless first.

mod filter;

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use signer::digest::DigestAlgorithm;

use super::markup::{manual, prose};
use super::most_severe;
use super::snippet::{Line, Snippet, safe, shown};
use super::text::summary;
use crate::diagnostic::{Applicability, DecidedBy, Diagnostic, Place};
use crate::engine::{Outcome, ProductSeen};
use crate::image::ImageType;
use crate::rules;
use filter::Filter;

/// Findings that are shown; a browser should open the file, and nobody reads more.
const MOST_FINDINGS: usize = 5_000;
/// Lines of context before and after a place.
const CONTEXT: usize = 2;
/// Products whose table is open from the start.
const FEW_PRODUCTS: usize = 4;
/// Places that explain a finding.
const MOST_RELATED: usize = 50;

/// The result of a run as a web page.
pub fn render(outcome: &Outcome) -> String {
    let kept = most_severe(&outcome.diagnostics, MOST_FINDINGS);
    let filter = Filter::of(&kept);
    let style = format!("{}{}", include_str!("report.css"), filter.style());
    let digest = Base64::encode_string(&DigestAlgorithm::Sha256.of(style.as_bytes()));
    let allowed = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let summary = summary(outcome);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(allowed);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (summary) " - proofmark lint" }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#findings" { "Skip to the findings" }
                header {
                    h1 { "proofmark lint" }
                    p.summary { (summary) "." }
                }
                (products(&outcome.products))
                (filter.form())
                main {
                    h2 id="findings" tabindex="-1" { "Findings" }
                    @if kept.len() < outcome.diagnostics.len() {
                        p {
                            "The " (kept.len()) " most severe of " (outcome.diagnostics.len())
                            " findings are shown; " code { "--format json" } " has all."
                        }
                    }
                    (findings(outcome, &kept, &filter))
                    @if outcome.suppressed_count() > 0 {
                        p.soft {
                            "Not shown: " (outcome.suppressed_count())
                            " that comments or the baseline keep from being reported."
                        }
                    }
                }
                (manuals(&kept))
                footer { "Made by proofmark " (env!("CARGO_PKG_VERSION")) "." }
            }
        }
    };
    page.into_string() + "\n"
}

fn products(products: &[ProductSeen]) -> Markup {
    let image = |product: &ProductSeen| match (product.image, product.declared) {
        (None, _) => "unknown".to_owned(),
        (Some(image), true) => format!("{image}, as declared"),
        (Some(image), false) => ImageType::as_str(image).to_owned(),
    };
    html! {
        @if !products.is_empty() {
            details.products open[products.len() <= FEW_PRODUCTS] {
                summary { "Products (" (products.len()) ")" }
                table {
                thead { tr {
                    th scope="col" { "Product" }
                    th scope="col" { "Image type" }
                    th scope="col" { "Packages" }
                    th scope="col" { "Image configuration" }
                } }
                tbody {
                    @for product in products {
                        tr {
                            th scope="row" { (shown(&product.name)) }
                            td data-name="Image type" { (image(product)) }
                            td data-name="Packages" { (product.packages) }
                            td data-name="Image configuration" { (shown(&product.oem_input)) }
                        }
                    }
                }
                }
            }
        }
    }
}

fn findings(outcome: &Outcome, kept: &[&Diagnostic], filter: &Filter<'_>) -> Markup {
    let mut snippets: BTreeMap<&str, Snippet<'_>> = BTreeMap::new();
    for found in kept {
        if let Some(source) = outcome.sources.get(found.primary.file()) {
            let snippet = || Snippet::new(source);
            snippets.entry(source.name()).or_insert_with(snippet);
        }
    }
    html! {
        @if kept.is_empty() {
            p { "Nothing was found." }
        } @else {
            ol.findings {
                @for found in kept {
                    li class=(format!("finding {} {}", found.level, filter.classes(found))) {
                        (finding(found, snippets.get(found.primary.file())))
                    }
                }
            }
            p.shown.soft data-all=(kept.len()) {}
        }
    }
}

fn finding(found: &Diagnostic, snippet: Option<&Snippet<'_>>) -> Markup {
    let source = found.primary.region().and_then(|region| {
        let lines = snippet?.lines(region.span, CONTEXT);
        Some(source(&lines, region.start.line, &found.primary))
    });
    let place = match found.primary.region() {
        Some(_) => shown(&found.primary.to_string()),
        None => shown(found.primary.file()),
    };
    html! {
        div.where {
            span.level { (found.level) }
            span.place { (place) }
            a href=(format!("#rule-{}", found.rule)) { (found.rule) }
        }
        h3 { (prose(&shown(&found.message))) }
        @if !found.primary.route().is_empty() {
            p.route { (shown(found.primary.route())) }
        }
        @if let Some(source) = source { (source) }
        @if found.help.is_some() || found.fix.is_some() || found.decided_by != DecidedBy::Rule {
            dl {
                @if let Some(help) = &found.help { dt { "Help" } dd { (prose(&shown(help))) } }
                @if let Some(fix) = &found.fix { dt { @if fix.applicability == Applicability::Safe { "Fix" } @else { "Guess" } } dd { (prose(&shown(&fix.title))) } }
                @if let DecidedBy::Policy(_) = found.decided_by {
                    dt { "Level" }
                    dd { (found.level) " by " (shown(&found.decided_by.to_string())) }
                }
            }
        }
        @if !found.related.is_empty() {
            ul {
                @for (place, label) in found.related.iter().take(MOST_RELATED) {
                    li { span.place { (shown(&place.to_string())) } ": " (prose(&shown(label))) }
                }
            }
        }
    }
}

fn source(lines: &[Line<'_>], here: usize, place: &Place) -> Markup {
    let name = format!("Source of {}, line {here}", shown(place.file()));
    html! {
        pre.source tabindex="0" role="region" aria-label=(name) {
            code {
                @for line in lines {
                    span class=(if line.number == here { "row here" } else { "row" }) {
                        span.number aria-hidden="true" { (line.number) }
                        @if line.cut.0 { "… " }
                        (line.before)
                        @if !line.marked.is_empty() { mark { (line.marked) } }
                        (line.after)
                        @if line.cut.1 { " …" }
                        "\n"
                    }
                }
            }
        }
    }
}

/// The manuals of the rules that found something.
fn manuals(kept: &[&Diagnostic]) -> Markup {
    let mut ids: Vec<&str> = kept.iter().map(|found| found.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    html! {
        @if !ids.is_empty() {
            section aria-labelledby="rules" {
                h2 id="rules" { "Rules" }
                @for id in ids {
                    @let info = rules::find(id);
                    details {
                        summary {
                            code { (id) }
                            @if let Some(info) = info { " " (prose(info.summary())) }
                        }
                        // A link to what is inside opens it.
                        div.manual id=(format!("rule-{id}")) {
                            @if let Some(info) = info {
                                (manual(info.manual().split_once('\n').map_or("", |(_, rest)| rest)))
                                p.soft { "Authority: " (info.authority) ", " (info.clause) "." }
                            } @else {
                                p { "A rule of the organisation." }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
