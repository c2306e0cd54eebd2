use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image takes in a test-signed package
    ///
    /// ## What it checks
    /// No signature of a package in a retail image, or of a catalog, program, driver or app in it, ends at the key of a test
    /// root: Microsoft's test and development roots, the OEM test chains of 2017 and 2013, and this program's own test root.
    /// The key decides; names prove nothing. Of packages that are not built, the files that their definitions name are
    /// judged. A test signature nested in a production signature is reported by `nested-signature-class`.
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
    /// Sign the package again from the inside out: `proofmark resign --profile retail --in-place PACKAGE.cab`.
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
        for found in facts.shared(|signature| {
            let (_, anchor) = signature
                .anchored()
                .filter(|_| !is_beside_another(facts, signature))?;
            let (name, class) = (&anchor.name, anchor.class);
            let defect = format!(" is test-signed: its chain ends at {name} ({class})");
            class.is_test().then_some(("signer", defect))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it again: `proofmark resign --profile retail --in-place PACKAGE.cab`");
        }
    }
}

/// Whether it is nested in a signature that is no test signature: then another rule tells of it.
fn is_beside_another(facts: &Facts<'_>, signature: &Signature) -> bool {
    let mut others = facts
        .signatures
        .iter()
        .filter(|other| other.subject == signature.subject);
    signature.is_nested() && others.any(|other| !other.is_nested() && other.is_of_production())
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
