use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image takes in a test-signed package
    ///
    /// ## What it checks
    /// No signature of a package in a retail image ends at the key of a test root: Microsoft's test and development roots, the
    /// OEM test chains of 2017 and 2013, and this program's own test root. The key decides; names prove nothing.
    ///
    /// ## Why
    /// Retail images do not accept test signatures: the package is refused while the device boots, and a device that was
    /// flashed with it has to be recalled. The keys of the OEM test chains are public, so anyone could have signed it.
    ///
    /// ## Passes
    /// A package whose chain ends at a production root or at a root that the organisation named in `proofmark.toml`.
    ///
    /// ## Fails
    /// A package signed with `--profile test`, or with the certificates of the add-on kit.
    ///
    /// ## Fix
    /// Sign the package again with the retail profile: `proofmark sign --profile retail --in-place PACKAGE.cab`.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images": test-signed packages are not supported in retail images
    struct TestSignedInRetail;
    id: "test-signed-in-retail",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images, test-signed packages",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestSignedInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for signature in &facts.signatures {
            let Some((_, anchor)) = signature.anchored() else {
                continue;
            };
            if anchor.class.is_test() {
                let message = format!(
                    "`{}` is test-signed: its chain ends at {} ({})",
                    signature.name(),
                    anchor.name,
                    anchor.class
                );
                report
                    .at_signature(facts, signature, "signer", message)
                    .help("sign it again: `proofmark sign --profile retail --in-place FILE`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const TEST: &[u8] =
        include_bytes!("../../tests/fixtures/test-signed-in-retail/Fjordlight.Kiosk.Agent.cab");
    const OTHER: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::{feature_manifest, lint_signed, oem_input};

    fn lint(bytes: &[u8], image: ImageType) -> Vec<String> {
        lint_signed("test-signed-in-retail", &[("a.cab", bytes)], Some(image))
    }

    #[test]
    fn only_retail_images_refuse_test_signatures() {
        let found = lint(TEST, ImageType::Retail);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("Proofmark Root (TEST ONLY) (own-test)"),
            "{found:?}"
        );
        assert!(lint(TEST, ImageType::Test).is_empty());
        assert!(lint(OTHER, ImageType::Retail).is_empty());
    }

    #[test]
    fn the_finding_stands_where_the_package_is_taken_in() {
        let input = oem_input(
            "<ReleaseType>Production</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>",
        );
        let manifest =
            feature_manifest("<BasePackages>\n<PackageFile Name=\"a.cab\"/></BasePackages>");
        let files: [(&str, &[u8]); 4] = [
            ("IoTWorkspace.xml", b"<IoTWorkspace/>"),
            ("Build/arm/a.cab", TEST),
            ("Source-arm/Packages/OEMFM.xml", manifest.as_bytes()),
            ("Source-arm/Products/P/RetailOEMInput.xml", input.as_bytes()),
        ];
        let found = lint_signed("test-signed-in-retail", &files, None);
        assert!(
            found[0].starts_with("error Source-arm/Packages/OEMFM.xml:2:20"),
            "{found:?}"
        );
    }
}
