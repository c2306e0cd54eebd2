use formats::document::feature_manifest::Section;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image gets release packages that are for test images
    ///
    /// ## What it checks
    /// Of the `ReleasePackages` of its manifests a retail image takes none that are for `ReleaseType` `Test`, and none that
    /// are for `Production` while their definition says that the package is for testing. A `ReleaseType` that is neither
    /// word is reported too.
    ///
    /// ## Why
    /// A retail image takes packages of type `Production` only. The section chooses by the release type of the image, so an
    /// entry that says `Production` and brings a test package puts it into every retail image.
    ///
    /// ## Passes
    /// `<ReleasePackages><PackageFile ReleaseType="Test" .../></ReleasePackages>` with a test image
    ///
    /// ## Fails
    /// `<ReleasePackages><PackageFile ReleaseType="Production" Name="A.cab"/></ReleasePackages>` with `releaseType="Test"` in
    /// `A.wm.xml`
    ///
    /// ## Fix
    /// Give the entry the release type of its package, or build the package for production.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images"
    /// - Feature manifest file contents: `ReleasePackages`
    struct FmReleasePackages;
    id: "fm-release-packages",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: [Retail],
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmReleasePackages {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for selected in product
                .packages
                .iter()
                .filter(|one| one.entry.section == Section::Release)
            {
                let written = selected
                    .entry
                    .selector
                    .as_ref()
                    .map_or("", |word| word.value.trim());
                let package = selected.package.as_ref();
                let declared = package.and_then(|package| package.definition.release_type());
                let is_test = |word: &str| word.eq_ignore_ascii_case("Test");
                let name = &selected.file_name;
                if is_test(written) {
                    report
                        .at(selected.place(), format!("`{name}` is for test images"))
                        .because_of_image(product)
                        .help(
                            "build a test image, or give the entry the release type `Production`",
                        );
                } else if let Some(declared) = declared.filter(|declared| is_test(declared.value)) {
                    report
                        .at(selected.place(), format!("`{name}` is listed for production and built for testing"))
                        .also(declared.place, "the package says so")
                        .help("give the entry the release type `Test`, or build the package for production");
                }
            }
        }
        for manifest in &facts.documents.manifests {
            for entry in manifest.section(Section::Release) {
                let Some(word) = &entry.selector else {
                    continue;
                };
                if !matches!(word.value.as_str(), "Test" | "Production") {
                    report
                        .at(
                            manifest.value(word, entry.route.clone()),
                            format!("`{}` is neither `Test` nor `Production`", word.value),
                        )
                        .help("write one of the two");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{feature_manifest, oem_input, run, wm_xml, workspace_with};

    /// A manifest's entry for `listed` and a package that says `built`, in an image that says `input` and is retail.
    fn lint(input: &str, listed: &str, built: &str) -> Vec<String> {
        let fms = "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
        let entry =
            format!("\n<PackageFile ReleaseType=\"{listed}\" Name=\"%OEM_NAME%.Test.A.cab\"/>");
        let info = format!("<onecorePackageInfo releaseType=\"{built}\"/>");
        let files = [
            (
                "OEMInput.xml",
                oem_input(&format!("<ReleaseType>{input}</ReleaseType>{fms}")),
            ),
            (
                "OEMFM.xml",
                feature_manifest(&format!("<ReleasePackages>{entry}</ReleasePackages>")),
            ),
            ("A.wm.xml", wm_xml("A", &info)),
        ];
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        run("fm-release-packages", &workspace_with(&files, &options))
    }

    #[test]
    fn test_packages_are_found_in_both_disguises() {
        assert!(lint("Production", "Production", "Production").is_empty());
        assert!(lint("Production", "Test", "Test").is_empty());
        assert!(
            lint("Test", "Test", "Test")
                .concat()
                .contains("is for test images")
        );
        let found = lint("Production", "Production", "Test").concat();
        assert!(
            found.contains("is listed for production and built for testing"),
            "{found}"
        );
        assert!(
            lint("Production", "Retail", "Test")
                .concat()
                .contains("neither `Test` nor")
        );
    }
}
