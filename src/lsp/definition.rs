//! From a feature to the entries of manifests that it selects, from an entry to the package, from a reference to the
//! manifest.

use formats::source::Span;
use lint::diagnostic::Place;
use lint::facts::Product;
use lsp_types::{GotoDefinitionResponse, TextDocumentPositionParams};

use super::places;
use super::session::Session;

pub(super) fn definition(
    session: &Session<'_>,
    at: &TextDocumentPositionParams,
) -> Option<GotoDefinitionResponse> {
    let path = places::path(&at.text_document.uri)?;
    let byte = places::byte(session.source(&path)?, at.position);
    let products = session
        .workspaces
        .iter()
        .flat_map(|workspace| &workspace.products);
    let mut found: Vec<Place> = products
        .flat_map(|product| of(product, &path, byte))
        .collect();
    found.sort();
    found.dedup();
    let locations: Vec<_> = found
        .iter()
        .filter_map(|place| places::location(session, place))
        .collect();
    Some(GotoDefinitionResponse::Array(locations)).filter(|_| !found.is_empty())
}

/// What the text at a byte of a file means in a product.
fn of(product: &Product, path: &str, byte: usize) -> Vec<Place> {
    let is_here = |span: Span| span.start <= byte && byte <= span.end;
    let whole = |path: &str| Place::binary(path, "");
    let mut found = Vec::new();
    if product.oem_input.path() == path {
        for manifest in &product.manifests {
            let file = manifest
                .file()
                .filter(|_| is_here(manifest.reference.text.span));
            found.extend(file.map(|file| whole(file.path())));
        }
        for package in &product.packages {
            let mut selected_by = package.selected_by.iter();
            if selected_by.any(|feature| is_here(feature.text.span)) {
                found.push(package.place());
            }
        }
    }
    for package in &product.packages {
        let is_entry =
            package.manifest.path() == path && package.place().span().is_some_and(is_here);
        let definition = package.package.as_ref().filter(|_| is_entry);
        found.extend(definition.map(|package| whole(package.definition.path())));
    }
    found
}
