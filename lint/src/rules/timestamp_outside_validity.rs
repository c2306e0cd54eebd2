use signer::clock::rfc3339;
use signer::verify::FailureKind;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package was time-stamped when its certificate was not valid
    ///
    /// ## What it checks
    /// The time stamp of every signature lies inside the validity of every certificate of the signer's chain.
    ///
    /// ## Why
    /// A time stamp proves that a signature existed while its certificate was valid. One from before or after proves the
    /// opposite, and Windows takes such a signature for expired.
    ///
    /// ## Passes
    /// Signed and stamped on one day of 2022 with a certificate of 2021 to 2023.
    ///
    /// ## Fails
    /// The same certificate, stamped in 2024.
    ///
    /// ## Fix
    /// Sign again with a valid certificate. Another stamp does not help.
    ///
    /// ## References
    /// - RFC 3161, 2 and appendix B
    /// - Microsoft, "Windows Authenticode Portable Executable Signature Format": time stamps
    struct TimestampOutsideValidity;
    id: "timestamp-outside-validity",
    authority: "RFC 3161",
    clause: "appendix B",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for TimestampOutsideValidity {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report()?;
            let stamp = record.timestamp.as_ref()?;
            let mut failures = record.failures();
            let (_, _, message) = failures.find(|(_, kind, _)| {
                matches!(kind, FailureKind::Expired | FailureKind::NotYetValid)
            })?;
            let time = rfc3339(stamp.time);
            Some((
                "timestamp",
                format!(" was time-stamped on {time}: {message}"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it again with a valid certificate");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] = include_bytes!(
        "../../tests/fixtures/timestamp-outside-validity/Fjordlight.Kiosk.Agent.cab"
    );
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "timestamp-outside-validity",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("was time-stamped on 2024-03-01"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
