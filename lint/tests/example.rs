//! The example workspace is clean: the quiet fixture of every rule.

use lint::diagnostic::Level;
use lint::engine::{gather, judge};
use lint::files::Disk;
use lint::image::ImageType;
use lint::policy::Policies;
use lint::resolve::ResolveOptions;

use crate::support::{findings, lint, repository};

/// Policies of organisations that come with the program.
const POLICIES: &[&str] = &["policies/template.toml", "examples/policy.toml"];

#[test]
fn the_example_is_as_clean_by_the_policies_that_come_with_the_program() {
    let folder = repository().join("examples/workspace");
    let path = folder.to_str().unwrap().to_owned();
    let workspaces = gather(&Disk, &[path], &ResolveOptions::default()).unwrap();
    for name in POLICIES {
        let policy = repository().join(name);
        let policies = Policies::with_file(&Disk, policy.to_str().unwrap()).unwrap();
        let outcome = judge(&workspaces, &policies);
        let found = outcome
            .diagnostics
            .iter()
            .filter(|found| found.level > Level::Info && found.rule != "fm-missing-cab");
        let found: Vec<_> = found.map(|found| (found.rule, &found.message)).collect();
        assert_eq!(found, [], "{name}");
    }
}

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

#[test]
fn the_example_of_a_manufacturing_image_is_clean() {
    let folder = repository().join("examples/mmos");
    let outcome = lint(&folder, &ResolveOptions::default());
    let images: Vec<_> = outcome.products.iter().map(|seen| seen.image).collect();
    assert_eq!(images, [Some(ImageType::Mmos)]);
    assert_eq!(findings(&folder, &outcome), "");
}
