use std::collections::{BTreeMap, BTreeSet};

use formats::document::parts::Item;

use crate::facts::origin::Origin;
use crate::facts::product::Arch;
use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature manifest has features that no product selects
    ///
    /// ## What it checks
    /// Every package of a manifest is selected by a product that lists the manifest, and every manifest is listed by one.
    /// There is one finding for each manifest. Processors without a product are left out.
    ///
    /// ## Why
    /// What no image has is built for nothing, or was meant to be in one.
    ///
    /// ## Passes
    /// `KIOSK_AGENT` in `OEMFM.xml` and in an `OEMInput.xml` that lists it
    ///
    /// ## Fails
    /// `KIOSK_AGENT` in `OEMFM.xml` and in no `OEMInput.xml`
    ///
    /// ## Fix
    /// Select the feature, or remove it and its packages.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Feature manifests"
    struct FmFeatureUnused;
    id: "fm-feature-unused",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Feature manifests",
    images: All,
    input: FeatureManifest,
    level: Info,
    since: "0.1.0",
}

/// How many features a finding names.
const NAMED: usize = 3;

impl Rule for FmFeatureUnused {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        if !workspace.is_whole() {
            return;
        }
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let arch = Arch::of_path(manifest.path());
            let products = workspace.products.iter();
            let products: Vec<&Product> = products
                .filter(|product| Origin::of(product.oem_input.path()) == Origin::Source)
                .filter(|product| Arch::fits(product.arch, arch))
                .collect();
            let lists = |product: &&&Product| {
                product
                    .manifests
                    .iter()
                    .any(|named| named.name().eq_ignore_ascii_case(manifest.name()))
            };
            let users: Vec<&&Product> = products.iter().filter(lists).collect();
            if users.is_empty() {
                if !products.is_empty() {
                    let message = format!("no product lists `{}`", manifest.name());
                    report
                        .at(manifest.root_place(), message)
                        .help("list or remove it");
                }
                continue;
            }
            let selected = users.iter().flat_map(|product| product.features());
            let selected: BTreeSet<String> =
                selected.map(|id| id.text.value.to_lowercase()).collect();
            let mut unused: BTreeMap<String, &Item> = BTreeMap::new();
            // One of several identifiers of a package is enough.
            for ids in manifest.packages.iter().map(|entry| &entry.feature_ids) {
                if ids.texts().any(|id| selected.contains(&id.to_lowercase())) {
                    continue;
                }
                for id in ids.items.iter().filter(|id| !id.text.value.is_empty()) {
                    unused.entry(id.text.value.to_lowercase()).or_insert(id);
                }
            }
            let mut unused: Vec<&Item> = unused.into_values().collect();
            unused.sort_by_key(|id| id.element.start);
            let Some(first) = unused.first() else {
                continue;
            };
            let names = unused.iter().take(NAMED).map(|id| id.text.value.as_str());
            let mut names = format!("`{}`", names.collect::<Vec<_>>().join("`, `"));
            if unused.len() > NAMED {
                let more = unused.len().saturating_sub(NAMED);
                names = format!("{names} and {more} more");
            }
            report
                .at(manifest.item(first), format!("no product selects {names}"))
                .help("select the features, or remove them and their packages");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, lint_one, oem_input, oem_manifest};

    fn lint(listed: &str, features: &[(&str, &str)]) -> Vec<String> {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>{listed}</AdditionalFM></AdditionalFMs>\
             <Features><OEM><Feature>a</Feature></OEM></Features>"
        );
        let files = [
            (WORKSPACE.0, WORKSPACE.1.to_owned()),
            ("P/OEMInput.xml", oem_input(&input)),
            ("OEMFM.xml", oem_manifest(features)),
        ];
        lint_one("fm-feature-unused", &files)
    }

    #[test]
    fn features_that_nobody_selects_are_one_finding() {
        assert!(lint("OEMFM.xml", &[("A", "A")]).is_empty());
        let features = [
            ("A", "A"),
            ("B", "B"),
            ("C", "C"),
            ("C2", "C"),
            ("D", "D"),
            ("E", "E"),
        ];
        let wanted = "info OEMFM.xml:3:70 no product selects `B`, `C`, `D` and 1 more";
        assert_eq!(lint("OEMFM.xml", &features), [wanted]);
    }

    #[test]
    fn a_manifest_that_nobody_lists_is_one_too() {
        assert_eq!(
            lint("OtherFM.xml", &[("A", "A")]),
            ["info OEMFM.xml:1:2 no product lists `OEMFM.xml`"]
        );
    }
}
