use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A driver of a retail image is signed without page hashes
    ///
    /// ## What it checks
    /// The signature of every driver in a retail image that is not Microsoft's has hashes of its pages.
    ///
    /// ## Why
    /// With them the kernel checks every page as it is read, without them the file as a whole when it is loaded. Nothing
    /// asks for them but boot drivers of some releases, and the kit's variable for it is always empty: for information.
    ///
    /// ## Passes
    /// `proofmark sign --page-hashes`, or `signtool sign /ph`
    ///
    /// ## Fails
    /// `signtool sign` without `/ph`
    ///
    /// ## Fix
    /// Sign the driver again with page hashes.
    ///
    /// ## References
    /// - Microsoft, SignTool: `/ph`
    /// - iot-adk-addonkit, `sign.cmd`: PAGE_HASH
    struct PageHashesMissing;
    id: "page-hashes-missing",
    authority: "Microsoft, SignTool",
    clause: "/ph",
    images: [Retail],
    input: Signature,
    level: Info,
    since: "0.1.0",
}

impl Rule for PageHashesMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report().filter(|_| signature.is_driver())?;
            let is_other = signature.class() != Some(TrustClass::MicrosoftProduction);
            let is_missing = !record.page_hashes && is_other && !signature.is_nested();
            is_missing.then(|| {
                (
                    "digest",
                    " is a driver signed without page hashes".to_owned(),
                )
            })
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign the driver with `--page-hashes`");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] = include_bytes!(
        "../../tests/fixtures/cab-content-signer-mismatch/Fjordlight.Kiosk.Agent.cab"
    );

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "page-hashes-missing",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains("is a driver signed without page hashes"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
