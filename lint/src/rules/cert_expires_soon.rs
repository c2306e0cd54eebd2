use signer::clock::rfc3339;
use time::Duration;

use crate::diagnostic::Level;
use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed with a certificate that ends soon
    ///
    /// ## What it checks
    /// The certificate of every signer has more than `days` days left. Where a time stamp keeps the signature alive, the
    /// finding is for information: what is built next needs another certificate.
    ///
    /// ## Why
    /// The shared test certificates of the kit have stopped every build at once, more than once, and nobody had been
    /// warned; those of 2022 end on 2027-01-06.
    ///
    /// ## Passes
    /// A certificate with a year left.
    ///
    /// ## Fails
    /// A certificate that ends in three weeks.
    ///
    /// ## Fix
    /// Get the next certificate now, and time-stamp retail packages.
    ///
    /// ## Parameters
    /// `days`: how many days a certificate must have left; 60.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 354
    struct CertExpiresSoon {
        /// Days that a certificate must have left.
        days: u32 = 60,
    }
    id: "cert-expires-soon",
    authority: "iot-adk-addonkit",
    clause: "issue 354, expired certificates",
    images: All,
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for CertExpiresSoon {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| self.defect(signature)) {
            let finding = report.at_signature(facts, found.first, found.part, found.message());
            finding.help("get the next certificate, and time-stamp what is signed for retail");
            if found
                .first
                .report()
                .is_some_and(|record| record.timestamp.is_some())
            {
                finding.at_most(Level::Info);
            }
        }
    }
}

impl CertExpiresSoon {
    fn defect(&self, signature: &Signature) -> Option<Defect> {
        let leaf = signature.report()?.leaf.as_ref()?;
        let limit = signature
            .verified_at
            .checked_add(Duration::days(self.days.into()))?;
        let ends_soon = leaf.not_after >= signature.verified_at && leaf.not_after < limit;
        let (name, end) = (&leaf.subject.common_name, rfc3339(leaf.not_after));
        ends_soon.then(|| {
            (
                "validity",
                format!(" is signed with the certificate of {name}, which ends on {end}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/cert-expires-soon/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "cert-expires-soon",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(found[0].contains("which ends on 2026-06-20"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
