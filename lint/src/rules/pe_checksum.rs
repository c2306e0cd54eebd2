use signer::verify::Check;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The CheckSum of a driver is wrong
    ///
    /// ## What it checks
    /// The CheckSum in the header of every signed driver is that of its bytes.
    ///
    /// ## Why
    /// No digest covers the field. Boot drivers with a wrong one are not loaded; of others Windows does not ask, so it is
    /// for information. Every signing tool writes it anew: where it is wrong, something changed the file afterwards.
    ///
    /// ## Passes
    /// A driver as it came from the signing tool.
    ///
    /// ## Fails
    /// A driver whose CheckSum was set to 0 after it was signed.
    ///
    /// ## Fix
    /// Sign the driver again.
    ///
    /// ## References
    /// - Microsoft, PE format: CheckSum
    struct PeChecksum;
    id: "pe-checksum",
    authority: "Microsoft, PE format",
    clause: "CheckSum",
    images: All,
    input: Signature,
    level: Info,
    since: "0.1.0",
}

impl Rule for PeChecksum {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report().filter(|_| signature.is_driver())?;
            let mut failures = record.failures();
            let (_, _, message) = failures.find(|(check, ..)| *check == Check::Checksum)?;
            Some(("checksum", format!(": {message}")))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign the driver again");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/package-arch-mismatch/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint =
            |bytes, image| lint_package("pe-checksum", "Fjordlight.Kiosk.Agent.cab", bytes, image);
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(found[0].contains("the header states CheckSum"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
