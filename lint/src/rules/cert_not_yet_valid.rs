use signer::verify::FailureKind;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed with a certificate that is not valid yet
    ///
    /// ## What it checks
    /// No certificate of a chain begins after the time that counts: that of a valid time stamp, or now where there is none.
    ///
    /// ## Why
    /// Devices refuse such a package until that day. Mostly the clock of the machine that made the certificate, or of the
    /// one that signs, is wrong.
    ///
    /// ## Passes
    /// A certificate that has begun.
    ///
    /// ## Fails
    /// A certificate that begins in 2044.
    ///
    /// ## Fix
    /// Set the clock right and sign again, or sign with another certificate.
    ///
    /// ## References
    /// - RFC 5280, 4.1.2.5
    struct CertNotYetValid;
    id: "cert-not-yet-valid",
    authority: "RFC 5280",
    clause: "4.1.2.5",
    images: All,
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for CertNotYetValid {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature
                .report()
                .filter(|record| record.timestamp.is_none());
            let mut failures = record.into_iter().flat_map(|record| record.failures());
            let (_, _, message) =
                failures.find(|(_, kind, _)| *kind == FailureKind::NotYetValid)?;
            Some(("validity", format!(": {message}")))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("set the clock right and sign again");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/cert-not-yet-valid/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "cert-not-yet-valid",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("is not valid before 2044-01-01"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
