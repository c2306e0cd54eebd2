use formats::document::feature_manifest::Section;

use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image of a phone lists packages that replace others before release
    ///
    /// ## What it checks
    /// The manifests of a retail image of Windows 10 Mobile have no `PrereleasePackages` of type `replacement`.
    ///
    /// ## Why
    /// Such packages stand in for released ones while a device is developed. In a shipping image they are what the device
    /// gets no updates for.
    ///
    /// ## Passes
    /// `<PrereleasePackages><PackageFile Type="protected" .../></PrereleasePackages>`
    ///
    /// ## Fails
    /// `<PrereleasePackages><PackageFile Type="replacement" .../></PrereleasePackages>`
    ///
    /// ## Fix
    /// Take the entry out, or leave it in manifests of test images only.
    ///
    /// ## References
    /// - Feature manifest file contents: `PrereleasePackages`
    struct FmPrereleaseReplacement;
    id: "fm-prerelease-replacement",
    authority: "Microsoft, feature manifest file contents",
    clause: "PrereleasePackages",
    images: [Retail],
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmPrereleaseReplacement {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in &facts.documents.manifests {
            if !facts.systems_of(manifest.path()).contains(&System::Mobile) {
                continue;
            }
            for entry in manifest.section(Section::Prerelease) {
                let kind = entry.selector.as_ref();
                if kind.is_some_and(|kind| kind.value.trim().eq_ignore_ascii_case("replacement")) {
                    report
                        .at(
                            manifest.entry(entry),
                            "a package of type `replacement` in a retail image",
                        )
                        .help("take the entry out of the manifests of retail images");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(product: &str, kind: &str) -> Vec<String> {
        let fms = "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
        let input = format!("<ReleaseType>Production</ReleaseType>{product}{fms}");
        let entry = format!("\n<PackageFile Type=\"{kind}\" Name=\"A.cab\"/>");
        let manifest = format!("<PrereleasePackages>{entry}</PrereleasePackages>");
        let files = [
            ("OEMInput.xml", oem_input(&input)),
            ("OEMFM.xml", feature_manifest(&manifest)),
        ];
        lint_one("fm-prerelease-replacement", &files)
    }

    #[test]
    fn replacements_are_not_for_retail_images_of_phones() {
        let wanted = "error OEMFM.xml:2:39 a package of type `replacement` in a retail image";
        assert_eq!(lint("", "replacement"), [wanted]);
        assert!(lint("", "protected").is_empty());
        assert!(lint("<Product>Windows 10 IoT Core</Product>", "replacement").is_empty());
    }
}
