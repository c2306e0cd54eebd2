use signer::anchor::TrustClass;

use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A signer's certificate has the purposes of tests where none belong, or lacks them
    ///
    /// ## What it checks
    /// In a retail image, the certificate of a signer that leads to no test root has none of the purposes of OEM test
    /// certificates (1.3.6.1.4.1.311.76.5.20, .40, .99, .200, .500). In a test image, what is signed under the OEM test
    /// root of 2017 has one of them.
    ///
    /// ## Why
    /// These purposes say that a certificate is for test signing; a policy may tell by them. What the numbers mean is
    /// inferred from the certificates that carry them, so it is a warning.
    ///
    /// ## Passes
    /// A retail certificate with code signing alone.
    ///
    /// ## Fails
    /// A retail certificate that was made after the model of a test certificate.
    ///
    /// ## Fix
    /// Ask for a certificate without them; sign test images with the certificates of the kit.
    ///
    /// ## Parameters
    /// `purposes`: the extended key usages of OEM test certificates.
    ///
    /// ## References
    /// - iot-adk-addonkit, `Tools/TestCerts`
    struct EkuTestOem {
        /// Purposes of OEM test certificates.
        purposes: Vec<String> = ["20", "40", "99", "200", "500"]
            .map(|last| format!("1.3.6.1.4.1.311.76.5.{last}"))
            .into(),
    }
    id: "eku-test-oem",
    authority: "iot-adk-addonkit, TestCerts",
    clause: "extended key usages",
    images: [Retail, Test],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for EkuTestOem {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let is_retail = facts.image == Some(ImageType::Retail);
        for found in facts.shared(|signature| self.defect(signature, is_retail)) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it with the certificate that is meant for this image");
        }
    }
}

impl EkuTestOem {
    fn defect(&self, signature: &Signature, is_retail: bool) -> Option<Defect> {
        let (record, anchor) = signature.anchored()?;
        let leaf = record.leaf.as_ref()?;
        let mut purposes = leaf.extended_key_usage.iter().flatten();
        let found = purposes.find(|purpose| self.purposes.contains(purpose));
        let name = &leaf.subject.common_name;
        match found {
            Some(purpose) if is_retail && !anchor.class.is_test() => Some((
                "signer",
                format!(
                    ": the certificate of {name} has the purpose {purpose} of test certificates"
                ),
            )),
            None if !is_retail && anchor.class == TrustClass::OemTest2017 => Some((
                "signer",
                format!(": the certificate of {name} has no purpose of OEM test certificates"),
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/eku-test-oem/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint =
            |bytes, image| lint_package("eku-test-oem", "Fjordlight.Kiosk.Agent.cab", bytes, image);
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains("has the purpose 1.3.6.1.4.1.311.76.5.40"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
