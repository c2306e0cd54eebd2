use crate::diagnostic::Fix;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A test package gets into a retail image
    ///
    /// ## What it checks
    /// No package that a retail image selects has the release type `Test` in its definition, `onecorePackageInfo/@releaseType`
    /// of a `*.wm.xml` or `Package/@ReleaseType` of a `*.pkg.xml`, or inside the built package, `phoneRelease` of `update.mum`
    /// or `ReleaseType` of `man.dsm.xml`. A package that no image selects is not checked unless it is declared to be for
    /// retail.
    ///
    /// ## Why
    /// A retail image takes packages of the release type `Production` only; a test image takes both.
    ///
    /// ## Passes
    /// ```xml
    /// <onecorePackageInfo targetPartition="MainOS" releaseType="Production" ownerType="OEM" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <onecorePackageInfo targetPartition="MainOS" releaseType="Test" ownerType="OEM" />
    /// ```
    ///
    /// ## Fix
    /// Take the feature out of the retail image where the package is for tests. Where it is not, write `Production`, which
    /// the fix does for a `*.wm.xml`.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": packages
    /// - Windows 10 Mobile, "Primary elements and attributes of a package": `ReleaseType`
    struct PackageReleaseTypeTest;
    id: "package-release-type-test",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: packages",
    images: [Retail],
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageReleaseTypeTest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Some(found) = package.definition.release_type() else {
                continue;
            };
            if !found.value.trim().eq_ignore_ascii_case("Test") {
                continue;
            }
            let message = format!(
                "the release type is `{}`, a retail image needs `Production`",
                found.value
            );
            let finding = report.at(found.place.clone(), message);
            finding.help("take the package out of the retail image, or write `Production`");
            if matches!(package.definition, Definition::Wm(_)) {
                finding.fix(Fix::replace(
                    "write `Production`",
                    &found.place,
                    "Production",
                ));
            }
            finding.because_of_selection(facts, package);
        }
        for (built, found) in facts.built_as_test() {
            let part = built.manifest_place("phoneInformation/@phoneRelease");
            let name = built.name();
            let message = format!(
                "the release type in `{name}` is `{found}`, a retail image needs `Production`"
            );
            report
                .at_built(facts, built, part, message)
                .help("build the package again as `Production`");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{
        feature_manifest, fixed, lint_one, oem_input, run, wm_xml, workspace_with,
    };

    fn files(image: &str, feature: &str, release_type: &str) -> [(&'static str, String); 3] {
        let input = oem_input(&format!(
            "<ReleaseType>{image}</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>"
        ));
        let manifest = "<Features><OEM><PackageFile Name=\"%OEM_NAME%.Test.Agent.cab\"><FeatureIDs>\
                        <FeatureID>AGENT</FeatureID></FeatureIDs></PackageFile></OEM></Features>";
        let info = format!("\n<onecorePackageInfo releaseType=\"{release_type}\"/>");
        [
            ("OEMInput.xml", input),
            ("OEMFM.xml", feature_manifest(manifest)),
            ("Agent.wm.xml", wm_xml("Agent", &info)),
        ]
    }

    const ID: &str = "package-release-type-test";

    #[test]
    fn a_test_package_that_a_retail_image_selects_is_an_error_and_is_mended() {
        let files = files("Production", "AGENT", "Test");
        assert_eq!(
            lint_one(ID, &files),
            [
                "error Agent.wm.xml:2:34 the release type is `Test`, a retail image needs `Production`"
            ],
        );
        assert!(fixed(ID, &files, "Agent.wm.xml").contains("releaseType=\"Production\""));
    }

    #[test]
    fn packages_of_other_images_or_of_none_pass() {
        assert!(lint_one(ID, &files("Test", "AGENT", "Test")).is_empty());
        assert!(lint_one(ID, &files("Production", "OTHER", "Test")).is_empty());
        assert!(lint_one(ID, &files("Production", "AGENT", "Production")).is_empty());
    }

    #[test]
    fn a_package_alone_is_judged_by_what_it_is_declared_to_be_for() {
        let package = &files("", "", "Test")[2..];
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        assert_eq!(run(ID, &workspace_with(package, &options)).len(), 1);
        assert!(lint_one(ID, package).is_empty());
    }
}
