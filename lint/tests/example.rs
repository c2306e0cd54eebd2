//! The example workspace is clean: the quiet fixture of every rule.

use lint::diagnostic::Level;
use lint::resolve::ResolveOptions;

use crate::support::{findings, lint, repository};

#[test]
fn the_example_workspace_is_clean_but_for_packages_that_are_not_built() {
    let folder = repository().join("examples/workspace");
    let mut outcome = lint(&folder, &ResolveOptions::default());
    assert_eq!(outcome.products.len(), 2);
    outcome
        .diagnostics
        .retain(|found| found.level > Level::Info && found.rule != "fm-missing-cab");
    assert_eq!(findings(&folder, &outcome), "");
}
