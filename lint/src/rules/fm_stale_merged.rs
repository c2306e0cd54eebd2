use std::collections::BTreeSet;

use formats::document::feature_manifest::FeatureManifest;

use crate::facts::origin::Origin;
use crate::facts::product::{Arch, FeatureIds, FeatureMatch};
use crate::facts::{Facts, File};
use crate::files::{folder_of, name_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A merged feature manifest is not that of the source any more
    ///
    /// ## What it checks
    /// A manifest in `MergedFMs` has the features of the manifest of that name in the sources: none is missing, none is left
    /// over. The features are compared, not the dates of the files, which a checkout sets anew.
    ///
    /// ## Why
    /// Images are made from the merged manifests. After a change of a manifest the feature merger must run again; until
    /// then a new feature is unknown and a removed one still brings its packages.
    ///
    /// ## Passes
    /// `KIOSK_AGENT` in `Source-arm/Packages/OEMFM.xml` and in `Build/arm/MergedFMs/OEMFM.xml`
    ///
    /// ## Fails
    /// `KIOSK_AGENT` in `Source-arm/Packages/OEMFM.xml` only
    ///
    /// ## Fix
    /// Run the feature merger again (`buildfm` in the add-on kit), or build the image from a clean folder.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Feature manifests"
    struct FmStaleMerged;
    id: "fm-stale-merged",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Feature manifests",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmStaleMerged {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let is_merged = |file: &File<FeatureManifest>| {
            name_of(folder_of(file.path())).eq_ignore_ascii_case("MergedFMs")
        };
        for merged in facts
            .documents
            .manifests
            .iter()
            .filter(|file| is_merged(file))
        {
            let arch = Arch::built_for(merged.path());
            let sources = facts.manifests_named(merged.name(), arch);
            let sources: Vec<_> = sources
                .filter(|file| Origin::of(file.path()) == Origin::Source)
                .collect();
            let [source] = sources.as_slice() else {
                continue;
            };
            for (of, to, where_it_lacks) in [
                (*source, merged, "the merged manifest"),
                (merged, *source, "the source"),
            ] {
                let (known, mut seen) = (FeatureIds::of(to), BTreeSet::new());
                let ids = of
                    .packages
                    .iter()
                    .flat_map(|package| &package.feature_ids.items);
                for id in ids {
                    let text = id.text.value.as_str();
                    if known.find(text) == FeatureMatch::None && seen.insert(text.to_lowercase()) {
                        report
                            .at(
                                merged.root_place(),
                                format!("the feature `{text}` is not in {where_it_lacks}"),
                            )
                            .also(of.item(id), "it is here")
                            .help("run the feature merger again");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_manifest};

    fn lint(source: &str, merged: &str) -> Vec<String> {
        let files = [
            (
                "Source-arm/Packages/OEMFM.xml",
                oem_manifest(&[("A", "A"), ("B", source)]),
            ),
            ("Source-x64/Packages/OEMFM.xml", oem_manifest(&[("X", "X")])),
            (
                "Build/arm/MergedFMs/OEMFM.xml",
                oem_manifest(&[("M", "a"), ("N", merged)]),
            ),
        ];
        lint_one("fm-stale-merged", &files)
    }

    #[test]
    fn features_are_compared_both_ways() {
        assert!(lint("B", "B").is_empty());
        let wanted = |what, where_it_lacks| {
            format!(
                "warning Build/arm/MergedFMs/OEMFM.xml:1:2 the feature `{what}` is not in {where_it_lacks}"
            )
        };
        assert_eq!(lint("NEW", "A"), [wanted("NEW", "the merged manifest")]);
        assert_eq!(lint("A", "OLD"), [wanted("OLD", "the source")]);
    }
}
