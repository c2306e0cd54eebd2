use signer::verify::FailureKind;

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed with an expired certificate and no time stamp saves it
    ///
    /// ## What it checks
    /// Every certificate of a chain without a time stamp is valid now: of a package, and of what is signed in it. In a test
    /// image an expired certificate is a warning. Whether a time stamp was in time is checked by
    /// `timestamp-outside-validity`.
    ///
    /// ## Why
    /// A retail device refuses such a package from the day of expiry on. The shared test certificates of the add-on kit have
    /// stopped every build of every user in this way, more than once.
    ///
    /// ## Passes
    /// A certificate that is valid today, or that was valid when the package was time-stamped.
    ///
    /// ## Fails
    /// A certificate that ended in 2018 on a package without a time stamp.
    ///
    /// ## Fix
    /// Sign the package again with a valid certificate, and time-stamp retail packages.
    ///
    /// ## References
    /// - RFC 5280, 4.1.2.5
    /// - iot-adk-addonkit, issues 212, 218, 224 and 354
    struct CertExpired;
    id: "cert-expired",
    authority: "RFC 5280",
    clause: "4.1.2.5",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for CertExpired {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            // With a time stamp it is a matter of when that was made.
            let record = signature
                .report()
                .filter(|record| record.timestamp.is_none())?;
            let mut failures = record.failures();
            let (_, _, message) = failures.find(|(_, kind, _)| *kind == FailureKind::Expired)?;
            Some(("validity", format!(": {message}")))
        }) {
            let finding = report.at_signature(facts, found.first, found.part, found.message());
            finding.help("sign it again with a valid certificate");
            if facts.image == Some(ImageType::Test) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const EXPIRED: &[u8] =
        include_bytes!("../../tests/fixtures/cert-expired/Fjordlight.Kiosk.Agent.cab");
    const VALID: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    fn lint(bytes: &[u8], image: ImageType) -> Vec<String> {
        lint_signed("cert-expired", &[("a.cab", bytes)], Some(image))
    }

    #[test]
    fn an_expired_certificate_is_an_error_in_retail_and_a_warning_in_test() {
        let found = lint(EXPIRED, ImageType::Retail);
        assert!(
            found[0].starts_with("error ") && found[0].contains("2023-01-01"),
            "{found:?}"
        );
        assert!(lint(EXPIRED, ImageType::Test)[0].starts_with("warning "));
    }

    #[test]
    fn a_valid_certificate_passes() {
        assert!(lint(VALID, ImageType::Retail).is_empty());
    }
}
