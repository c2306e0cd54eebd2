use signer::verify::FailureKind;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Bytes that no signature protects are not what a signing tool writes
    ///
    /// ## What it checks
    /// What no digest covers, the reserve and the end of a cabinet, the certificate table of an image and the bytes behind
    /// it, the tail of an app package, is what the format prescribes.
    ///
    /// ## Why
    /// There anyone can put something into a signed file without breaking the signature: installers have been told what to
    /// do in this way. Some readers refuse such files, others do not look.
    ///
    /// ## Passes
    /// A file as it came from the signing tool.
    ///
    /// ## Fails
    /// A signed cabinet with six bytes behind the signature.
    ///
    /// ## Fix
    /// Build and sign the file again; find out who wrote there.
    ///
    /// ## References
    /// - Microsoft, security advisory 2915720: WIN_CERTIFICATE
    /// - Microsoft, "Windows Authenticode Portable Executable Signature Format"
    struct SignatureTrailingData;
    id: "signature-trailing-data",
    authority: "Microsoft, security advisory 2915720",
    clause: "WIN_CERTIFICATE",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for SignatureTrailingData {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report()?;
            let mut failures = record.failures();
            let (_, _, message) =
                failures.find(|(_, kind, _)| *kind == FailureKind::NotCanonical)?;
            Some((
                "structure",
                format!(" has data that no signature protects: {message}"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("build and sign the file again");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/signature-trailing-data/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "signature-trailing-data",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("has data that no signature protects"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
