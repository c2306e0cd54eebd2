use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package is signed under a test root that does not say so in the kit's words
    ///
    /// ## What it checks
    /// No signature in a retail image ends at a root that is in no list and calls itself a test, debug or development root
    /// without the words "(TEST ONLY)": those of Visual Studio, of the WDK and of people. What ends at a known test root,
    /// Microsoft's included, is reported by `test-signed-in-retail`, apps by `appx-test-signed`.
    ///
    /// ## Why
    /// The add-on kit finds test signatures by the text "(TEST ONLY)" alone, so that these pass its check. The device knows
    /// none of these roots.
    ///
    /// ## Passes
    /// A chain to a root of production.
    ///
    /// ## Fails
    /// ```text
    /// WDKTestCert builder,131...
    /// ```
    ///
    /// ## Fix
    /// Sign with a certificate of production.
    ///
    /// ## References
    /// - iot-adk-addonkit, Test-IoTSignature: searches for "(TEST ONLY)"
    struct TestRootWithoutMarker;
    id: "test-root-without-marker",
    authority: "iot-adk-addonkit, Test-IoTSignature",
    clause: "TEST ONLY",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestRootWithoutMarker {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let root = signature
                .unmarked_test_root()
                .filter(|_| signature.app().is_none())?;
            Some(("chain", format!(" is signed under the test root {root}")))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it again: `proofmark resign --profile retail --in-place PACKAGE.cab`");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/test-root-without-marker/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "test-root-without-marker",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains("is signed under the test root Fjordlight Test Signing"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
