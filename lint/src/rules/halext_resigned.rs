use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A HAL extension of a retail image was signed again
    ///
    /// ## What it checks
    /// Every image in a package named `*.HalExt*` of a retail image keeps Microsoft's signature.
    ///
    /// ## Why
    /// Only Microsoft signs HAL extensions for retail. The kit leaves such packages out when it signs a retail image again,
    /// and goes by the same name.
    ///
    /// ## Passes
    /// The supplier's package as it came.
    ///
    /// ## Fails
    /// `sign` over a folder with such a package in it.
    ///
    /// ## Fix
    /// Take the supplier's package again. `proofmark resign` leaves HAL extensions alone.
    ///
    /// ## References
    /// - iot-adk-addonkit, Redo-IoTCabSignature
    struct HalextResigned;
    id: "halext-resigned",
    authority: "iot-adk-addonkit, Redo-IoTCabSignature",
    clause: ".HalExt",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for HalextResigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let leaf = signature.report()?.leaf.as_ref()?;
            let is_microsofts = signature.class() == Some(TrustClass::MicrosoftProduction);
            let is_other = signature.is_hal_extension() && !is_microsofts;
            let name = &leaf.subject.common_name;
            is_other.then(|| {
                (
                    "signer",
                    format!(" is a HAL extension signed by {name} and not by Microsoft"),
                )
            })
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("take the supplier's signed package again");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/halext-resigned/Fjordlight.Board.HalExt.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |name, bytes, image| lint_package("halext-resigned", name, bytes, image);
        let found = lint(
            "Fjordlight.Board.HalExt.cab",
            WRONG,
            Some(ImageType::Retail),
        );
        assert!(
            found[0].contains("is a HAL extension signed by Proofmark Demo Retail"),
            "{found:?}"
        );
        assert!(lint("a.cab", RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
