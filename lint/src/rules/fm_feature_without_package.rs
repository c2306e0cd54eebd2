use formats::document::feature_manifest::Section;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature of a manifest has no name, or a package no feature
    ///
    /// ## What it checks
    /// Every `FeatureID` of a package holds an identifier, and every package below `Features` has at least one.
    ///
    /// ## Why
    /// Nothing can select the package, so it is never in an image.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile Name="A.cab"><FeatureIDs><FeatureID>KIOSK_AGENT</FeatureID></FeatureIDs></PackageFile>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile Name="A.cab"><FeatureIDs><FeatureID></FeatureID></FeatureIDs></PackageFile>
    /// ```
    ///
    /// ## Fix
    /// Name the feature, or move the package to `BasePackages` where every image is to have it.
    ///
    /// ## References
    /// - Feature manifest file contents: `PackageFile`
    struct FmFeatureWithoutPackage;
    id: "fm-feature-without-package",
    authority: "Microsoft, feature manifest file contents",
    clause: "PackageFile",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmFeatureWithoutPackage {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in &facts.documents.manifests {
            for entry in &manifest.packages {
                for id in entry
                    .feature_ids
                    .items
                    .iter()
                    .filter(|id| id.text.value.is_empty())
                {
                    report
                        .at(manifest.item(id), "a `FeatureID` is empty")
                        .help("write the feature's identifier");
                }
                let by_feature = matches!(
                    entry.section,
                    Section::MicrosoftFeatures | Section::OemFeatures
                );
                if by_feature && entry.feature_ids.items.is_empty() {
                    report
                        .at(
                            manifest.entry(entry),
                            "a package below `Features` has no `FeatureID`, so nothing selects it",
                        )
                        .help("name a feature, or move the package to `BasePackages`");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_manifest};

    fn lint(text: String) -> Vec<String> {
        lint_one("fm-feature-without-package", &[("OEMFM.xml", text)])
    }

    #[test]
    fn empty_and_absent_identifiers_are_found() {
        let found = lint(oem_manifest(&[("A", "F"), ("B", "")]));
        assert_eq!(found, ["warning OEMFM.xml:3:59 a `FeatureID` is empty"]);
        let none =
            feature_manifest("<Features><OEM><PackageFile Name=\"A.cab\"/></OEM></Features>");
        assert!(lint(none).concat().contains("so nothing selects it"));
        assert!(
            lint(feature_manifest(
                "<BasePackages><PackageFile Name=\"A.cab\"/></BasePackages>"
            ))
            .is_empty()
        );
    }
}
