use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A HAL extension is signed with a certificate that is not for HAL extensions
    ///
    /// ## What it checks
    /// Every image in a package named `*.HalExt*` is signed by a certificate with the purpose 1.3.6.1.4.1.311.61.5.1. What
    /// is not Microsoft's in a retail image is reported by `halext-resigned`.
    ///
    /// ## Why
    /// The loader takes HAL extensions with that purpose only. For test images the kit has a certificate with it; for
    /// retail Microsoft signs.
    ///
    /// ## Passes
    /// `proofmark sign --profile test` with the HAL extension certificate of the kit
    ///
    /// ## Fails
    /// A HAL extension signed like any other file.
    ///
    /// ## Fix
    /// Sign it with `OEM_HAL_Extension_Test_Cert_2017`, or take the supplier's signed file.
    ///
    /// ## References
    /// - iot-adk-addonkit, `sign.cmd`: `-hal`
    struct EkuHalExtension;
    id: "eku-hal-extension",
    authority: "iot-adk-addonkit, sign.cmd",
    clause: "-hal",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for EkuHalExtension {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let is_retail = facts.image == Some(ImageType::Retail);
        for found in facts.shared(|signature| {
            let leaf = signature.report()?.leaf.as_ref()?;
            let is_microsofts = signature.class() == Some(TrustClass::MicrosoftProduction);
            let is_judged = signature.is_hal_extension() && (is_microsofts || !is_retail);
            let has_purpose = leaf.allows("1.3.6.1.4.1.311.61.5.1");
            let name = &leaf.subject.common_name;
            (is_judged && !has_purpose).then(|| {
                (
                    "signer",
                    format!(" is a HAL extension, and the certificate of {name} is not for these"),
                )
            })
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it with the HAL extension certificate, or take the supplier's signed file");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/eku-hal-extension/Fjordlight.Board.HalExt.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |name, bytes, image| lint_package("eku-hal-extension", name, bytes, image);
        let found = lint("Fjordlight.Board.HalExt.cab", WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("is a HAL extension, and the certificate of"),
            "{found:?}"
        );
        assert!(lint("a.cab", RIGHT, Some(ImageType::Test)).is_empty());
    }
}
