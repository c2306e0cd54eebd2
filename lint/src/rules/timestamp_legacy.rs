use signer::timestamp::Protocol;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package has a time stamp of the old protocol
    ///
    /// ## What it checks
    /// Time stamps of packages in a retail image are RFC 3161 tokens made with SHA-256 or better. Legacy counter-signatures
    /// and SHA-1 are warned of.
    ///
    /// ## Why
    /// The kit's `sign.cmd` asks for stamps by `/t`, the old protocol, whose servers are going. A signature that is to
    /// outlive its certificate should not hang on it.
    ///
    /// ## Passes
    /// `proofmark sign --timestamp URL`, or `signtool sign /tr URL /td sha256`
    ///
    /// ## Fails
    /// `signtool sign /t URL`
    ///
    /// ## Fix
    /// Stamp again: `proofmark timestamp`, which replaces the stamp and leaves the signature.
    ///
    /// ## References
    /// - iot-adk-addonkit, `sign.cmd`
    /// - Microsoft, SignTool: `/t` and `/tr`
    struct TimestampLegacy;
    id: "timestamp-legacy",
    authority: "Microsoft, SignTool",
    clause: "/tr and /td",
    images: [Retail],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for TimestampLegacy {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let stamp = signature.report()?.timestamp.as_ref()?;
            match (stamp.protocol, stamp.digest.is_strong()) {
                (Protocol::Legacy, _) => Some((
                    "timestamp",
                    " has a time stamp of the legacy protocol".to_owned(),
                )),
                (Protocol::Rfc3161, false) => Some((
                    "timestamp",
                    format!(" has a time stamp made with {}", stamp.digest),
                )),
                (Protocol::Rfc3161, true) => None,
            }
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("stamp it again by RFC 3161 with SHA-256");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/timestamp-legacy/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "timestamp-legacy",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains("time stamp of the legacy protocol"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
