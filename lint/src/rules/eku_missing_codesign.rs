use signer::chain::may_sign_code;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is signed with a certificate that is not for code
    ///
    /// ## What it checks
    /// The certificate of every signer has the extended key usage code signing (1.3.6.1.5.5.7.3.3), and its key usage
    /// allows signatures.
    ///
    /// ## Why
    /// Windows takes no signature of code by any other certificate. The policy signer of the kit's samples has no extended
    /// key usage: it is right for policies and wrong for packages.
    ///
    /// ## Passes
    /// `extendedKeyUsage = codeSigning`
    ///
    /// ## Fails
    /// A certificate for a web server, or one without the extension.
    ///
    /// ## Fix
    /// Sign with a certificate for code signing.
    ///
    /// ## References
    /// - RFC 5280, 4.2.1.12
    /// - Microsoft, Windows Authenticode signature format
    struct EkuMissingCodesign;
    id: "eku-missing-codesign",
    authority: "Microsoft, Windows Authenticode signature format",
    clause: "signing certificate",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for EkuMissingCodesign {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let leaf = signature.report()?.leaf.as_ref()?;
            let reason = may_sign_code(leaf).err()?;
            let name = &leaf.subject.common_name;
            Some((
                "signer",
                format!(": the certificate of {name} may not sign code: {reason}"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it with a certificate for code signing");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/eku-missing-codesign/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "eku-missing-codesign",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("there is no extendedKeyUsage"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
