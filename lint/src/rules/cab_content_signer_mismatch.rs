use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed for production and what is in it for testing
    ///
    /// ## What it checks
    /// Where the chain of a cabinet in a retail image ends at no test root, that of no file in it does.
    ///
    /// ## Why
    /// Signing the cabinet again is what people do when a test package has to become a retail one; the kit did so as well.
    /// The device checks the files: it refuses the driver, and the package looked right on the way.
    ///
    /// ## Passes
    /// `proofmark resign --profile retail --in-place PACKAGE.cab`, which begins inside.
    ///
    /// ## Fails
    /// `proofmark sign --profile retail --in-place PACKAGE.cab` on a test package.
    ///
    /// ## Fix
    /// Sign the package again from the inside out: `proofmark resign`.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 219
    struct CabContentSignerMismatch;
    id: "cab-content-signer-mismatch",
    authority: "iot-adk-addonkit",
    clause: "issue 219, packages signed again in part",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for CabContentSignerMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let packages = facts
            .signatures
            .iter()
            .filter(|signature| signature.is_package());
        let production: BTreeMap<&str, _> = packages
            .filter(|signature| signature.is_of_production())
            .filter_map(|signature| Some((signature.subject.file.as_str(), signature.class()?)))
            .collect();
        for found in facts.shared(|signature| {
            let of_package = production.get(signature.subject.file.as_str())?;
            let class = signature
                .class()
                .filter(|class| class.is_test() && !signature.is_nested())?;
            Some((
                "signer",
                format!(
                    " is signed for testing ({class}), the package for production ({of_package})"
                ),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it from the inside out: `proofmark resign --profile retail --in-place PACKAGE.cab`");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] = include_bytes!(
        "../../tests/fixtures/cab-content-signer-mismatch/Fjordlight.Kiosk.Agent.cab"
    );
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "cab-content-signer-mismatch",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0]
                .contains("is signed for testing (own-test), the package for production (named)"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
