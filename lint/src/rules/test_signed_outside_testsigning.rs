use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

/// The features that switch test signing on: IoT Core's and Windows 10 Mobile's.
const ON: [&str; 2] = ["IOT_ENABLE_TESTSIGNING", "ENABLETESTSIGNING"];

declare_rule! {
    /// A test image takes in a test-signed package and test signing is off
    ///
    /// ## What it checks
    /// Where a package of a test image is test-signed, the `OEMInput.xml` selects `IOT_ENABLE_TESTSIGNING`, or for Windows 10
    /// Mobile `ENABLETESTSIGNING`.
    ///
    /// ## Why
    /// Test images accept test signatures only with that feature, which writes the setting into the boot configuration. Without
    /// it the image is built without complaint and its own packages are refused on the device.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fails
    /// A test image without that feature whose packages were signed with `--profile test`.
    ///
    /// ## Fix
    /// Select `IOT_ENABLE_TESTSIGNING`, or sign the packages with a retail certificate.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images": IOT_ENABLE_TESTSIGNING must be included
    struct TestSignedOutsideTestsigning;
    id: "test-signed-outside-testsigning",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images, IOT_ENABLE_TESTSIGNING",
    images: [Test],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestSignedOutsideTestsigning {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let off = |product: &&&Product| !ON.iter().any(|id| product.feature(id).is_some());
        for product in facts.products.iter().filter(off) {
            let input = product.oem_input.name();
            for found in facts.shared_in(product, |signature| {
                let (_, anchor) = signature.anchored()?;
                let class = Some(anchor.class).filter(|class| class.is_test())?;
                Some((
                    "signer",
                    format!(" is test-signed ({class}), and {input} does not enable test signing"),
                ))
            }) {
                report
                    .at_signature(facts, found.first, found.part, found.message())
                    .also(product.image_place(), "this makes it a test image")
                    .help("select `IOT_ENABLE_TESTSIGNING`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const TEST: &[u8] =
        include_bytes!("../../tests/fixtures/test-signed-in-retail/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::{feature_manifest, lint_signed, oem_input};

    fn lint(features: &str) -> Vec<String> {
        let input = oem_input(&format!(
            "<ReleaseType>Test</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><Microsoft>{features}</Microsoft></Features>"
        ));
        let manifest =
            feature_manifest("<BasePackages><PackageFile Name=\"a.cab\"/></BasePackages>");
        let files: [(&str, &[u8]); 4] = [
            ("IoTWorkspace.xml", b"<IoTWorkspace/>"),
            ("Build/arm/a.cab", TEST),
            ("Source-arm/Packages/OEMFM.xml", manifest.as_bytes()),
            ("Source-arm/Products/P/TestOEMInput.xml", input.as_bytes()),
        ];
        lint_signed("test-signed-outside-testsigning", &files, None)
    }

    #[test]
    fn the_feature_decides() {
        assert_eq!(lint("").len(), 1);
        assert!(lint("<Feature>IOT_ENABLE_TESTSIGNING</Feature>").is_empty());
    }

    #[test]
    fn a_package_of_no_product_is_not_judged() {
        let files: [(&str, &[u8]); 1] = [("a.cab", TEST)];
        assert!(lint_signed("test-signed-outside-testsigning", &files, None).is_empty());
    }
}
