use crate::diagnostic::Level;
use crate::facts::{Facts, FeatureList, Product};
use crate::rule::{Report, Rule, declare_rule};

/// The feature of IoT Core, and that of Windows 10 Mobile.
const TEST_SIGNING: &[&str] = &["IOT_ENABLE_TESTSIGNING", "ENABLETESTSIGNING"];

declare_rule! {
    /// A test image does not switch test signing on
    ///
    /// ## What it checks
    /// Every test image selects `IOT_ENABLE_TESTSIGNING`. It is an error while any package of the image may be signed with
    /// a test certificate: while one is, or is not built, or its signer is not known. Where every package is signed for
    /// production, and on Windows 10 Mobile, it is a warning.
    ///
    /// ## Why
    /// Without the feature the boot loader refuses what is signed for testing, and the image does not start. The add-on
    /// kit signs every package with a test certificate unless it is told otherwise. The feature is a condition on
    /// test-signed packages and not on the image type; the kit's own template for new boards forgets it.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- Feature>IOT_ENABLE_TESTSIGNING</Feature -->
    /// ```
    ///
    /// ## Fix
    /// Add `<Feature>IOT_ENABLE_TESTSIGNING</Feature>` to `Features/Microsoft`, which the fix does, and list Microsoft's
    /// manifest of test features that defines it.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": signing
    struct TestMissingTestsigning;
    id: "test-missing-testsigning",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: signing",
    images: [Test],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestMissingTestsigning {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            if TEST_SIGNING.iter().any(|id| product.feature(id).is_some()) {
                continue;
            }
            let place = product.features_place(FeatureList::Microsoft);
            let finding = report.at(place, "no `IOT_ENABLE_TESTSIGNING` in a test image");
            finding
                .because_of_image(product)
                .help("add it to `Features/Microsoft`")
                .fix(product.choose(FeatureList::Microsoft, "IOT_ENABLE_TESTSIGNING"));
            if !product.is_iot_core() || all_production(product, facts) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

/// Whether every package of the image is there and signed under a root of production.
fn all_production(product: &Product, facts: &Facts<'_>) -> bool {
    let of_production = |path: &str| {
        let of_file = facts.signatures_of(path);
        // What is unsigned inside is no test signature.
        let mut of_file = of_file.filter(|found| found.is_package() || found.report().is_some());
        of_file.clone().next().is_some() && of_file.all(|found| found.is_of_production())
    };
    product.manifests_not_found().next().is_none()
        && !product.packages.is_empty()
        && product.packages.iter().all(|package| {
            let cab = package.cab.as_ref();
            cab.is_some_and(|cab| of_production(&cab.path))
        })
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::testing::{feature_manifest, fixed, lint_one, oem_input, run, signed, workspace};

    fn input(release_type: &str, features: &str) -> String {
        oem_input(&format!(
            "<ReleaseType>{release_type}</ReleaseType><AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM>\
             </AdditionalFMs><Features>\n<Microsoft>\n<Feature>IOT_EFIESP</Feature>{features}</Microsoft></Features>"
        ))
    }

    fn lint(release_type: &str, features: &str) -> Vec<String> {
        let files = [("OEMInput.xml", input(release_type, features))];
        lint_one("test-missing-testsigning", &files)
    }

    #[test]
    fn a_test_image_without_the_feature_is_an_error_and_is_mended() {
        let found = lint("Test", "");
        assert_eq!(
            found,
            ["error OEMInput.xml:2:1 no `IOT_ENABLE_TESTSIGNING` in a test image"]
        );
        let files = [("OEMInput.xml", input("Test", ""))];
        let text = fixed("test-missing-testsigning", &files, "OEMInput.xml");
        assert!(
            text.contains("\n<Feature>IOT_ENABLE_TESTSIGNING</Feature></Microsoft>"),
            "{text}"
        );
        assert!(lint_one("test-missing-testsigning", &[("OEMInput.xml", text)]).is_empty());
    }

    #[test]
    fn with_the_feature_and_in_retail_nothing_is_wrong() {
        assert!(lint("Test", "<Feature>iot_enable_testsigning</Feature>").is_empty());
        assert!(lint("Production", "").is_empty());
    }

    #[test]
    fn where_every_package_is_signed_for_production_it_is_a_warning() {
        let manifest = feature_manifest(
            "<BasePackages><PackageFile Path=\"pkgs\" Name=\"A.cab\"/></BasePackages>",
        );
        let files = [
            ("OEMInput.xml", input("Test", "")),
            ("BoardFM.xml", manifest),
            ("pkgs/A.cab", String::new()),
        ];
        let level = |class| {
            let mut workspace = workspace(&files);
            workspace.signatures.push(signed("pkgs/A.cab", class));
            let found = run("test-missing-testsigning", &workspace);
            found[0].split(' ').next().unwrap().to_owned()
        };
        assert_eq!(level(TrustClass::Public), "warning");
        assert_eq!(level(TrustClass::OemTest2017), "error");
    }
}
