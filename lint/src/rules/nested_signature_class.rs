use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A second signature in a retail package is a test signature
    ///
    /// ## What it checks
    /// No signature that is nested in another one of a retail image leads to a test root. The first signature of a file is
    /// a matter of `test-signed-in-retail`.
    ///
    /// ## Why
    /// Windows takes the signature that its policy likes best, so that the second one does no harm where the first holds,
    /// and all of it where the first does not. Tools that look at the first one only do not see it.
    ///
    /// ## Passes
    /// A file with a SHA-1 and a SHA-256 signature of one signer.
    ///
    /// ## Fails
    /// A production signature with a test signature nested in it.
    ///
    /// ## Fix
    /// Sign the file again and let the new signature take the place of all: `proofmark sign --if-signed replace`.
    ///
    /// ## References
    /// - Microsoft, SignTool: `/as`
    struct NestedSignatureClass;
    id: "nested-signature-class",
    authority: "Microsoft, SignTool",
    clause: "/as",
    images: [Retail],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for NestedSignatureClass {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let class = signature
                .class()
                .filter(|class| class.is_test() && signature.is_nested())?;
            Some((
                "signer",
                format!(" has a second signature that is for testing ({class})"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("replace both: `proofmark sign --profile retail --if-signed replace --in-place FILE`");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/nested-signature-class/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "nested-signature-class",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains("has a second signature that is for testing (own-test)"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
