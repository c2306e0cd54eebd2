use signer::clock::rfc3339;
use signer::verify::{Check, Outcome};

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package carries no time stamp
    ///
    /// ## What it checks
    /// Every signature of a package in a retail image, and of a file in it, carries an RFC 3161 or a legacy time stamp. What is
    /// test-signed, and an app that issued its own certificate, are not asked for one.
    ///
    /// ## Why
    /// Without a time stamp a signature dies with its certificate, and the package with it, on devices in the field as well.
    ///
    /// ## Passes
    /// A package that was time-stamped when it was signed, or afterwards.
    ///
    /// ## Fails
    /// A package that was signed without a time-stamp server.
    ///
    /// ## Fix
    /// Give the retail profile a time-stamp server, or switch the rule off in your policy where the signature has to live as
    /// long as its certificate only.
    ///
    /// ## References
    /// - Microsoft, "Cross-certificates for kernel mode code signing": time stamps
    /// - iot-adk-addonkit, `sign.cmd`: retail signatures are time-stamped
    struct NoTimestamp;
    id: "no-timestamp",
    authority: "Microsoft, Cross-certificates for kernel mode code signing",
    clause: "time stamps",
    images: [Retail],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for NoTimestamp {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report()?;
            let is_test = record.anchor().is_some_and(|anchor| anchor.class.is_test());
            let is_absent = matches!(
                record.outcome(Check::Timestamp),
                Some(Outcome::NotChecked(_))
            );
            // An app that issued its own certificate has to be signed anew.
            let is_judged = !is_test && (signature.app().is_none() || record.anchor().is_some());
            let until = record.leaf.as_ref().map(|leaf| rfc3339(leaf.not_after));
            let until = until.as_deref().unwrap_or("an unknown day");
            let defect = format!(
                " has no time stamp, so its signature ends with the certificate on {until}"
            );
            (is_absent && is_judged).then_some(("timestamp", defect))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("time-stamp retail packages when they are signed");
        }
    }
}

#[cfg(test)]
mod tests {
    const BARE: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");
    const TEST: &[u8] =
        include_bytes!("../../tests/fixtures/test-signed-in-retail/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    #[test]
    fn a_retail_signature_without_a_time_stamp_is_a_warning() {
        let found = lint_signed("no-timestamp", &[("a.cab", BARE)], Some(ImageType::Retail));
        assert!(found[0].starts_with("warning "), "{found:?}");
        assert!(found[0].ends_with("2045-01-01T00:00:00Z"), "{found:?}");
    }

    #[test]
    fn test_images_and_test_signatures_are_not_asked() {
        assert!(lint_signed("no-timestamp", &[("a.cab", BARE)], Some(ImageType::Test)).is_empty());
        assert!(
            lint_signed("no-timestamp", &[("a.cab", TEST)], Some(ImageType::Retail)).is_empty()
        );
    }
}
