use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A program is signed with a certificate for protected processes
    ///
    /// ## What it checks
    /// No image is signed by a certificate with the purpose of protected processes, 1.3.6.1.4.1.311.10.3.22 (light) or
    /// 1.3.6.1.4.1.311.10.3.24, unless `programs` names it. Whether a program wants to run protected does not stand in its
    /// file, so that the reverse is not checked.
    ///
    /// ## Why
    /// The kit has such certificates beside the common one, and signing tools that choose by name take any. A program that
    /// is meant to run protected needs Microsoft's root besides in retail.
    ///
    /// ## Passes
    /// A service signed with `OEM_Test_Cert_2017`.
    ///
    /// ## Fails
    /// A service signed with `OEM_PPL_Test_Cert_2017` by mistake.
    ///
    /// ## Fix
    /// Sign it with the common certificate, or name the program in the policy.
    ///
    /// ## Parameters
    /// `programs`: names of programs that are meant to run protected.
    ///
    /// ## References
    /// - iot-adk-addonkit, `Tools/TestCerts`
    struct PplEku {
        /// Names of programs that are meant to run protected.
        programs: Vec<String> = Vec::new(),
    }
    id: "ppl-eku",
    authority: "iot-adk-addonkit, TestCerts",
    clause: "PP and PPL certificates",
    images: All,
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PplEku {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| self.defect(signature)) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it with the common certificate, or name it under `programs` in the policy");
        }
    }
}

impl PplEku {
    fn defect(&self, signature: &Signature) -> Option<Defect> {
        let leaf = signature
            .report()?
            .leaf
            .as_ref()
            .filter(|_| signature.is_image())?;
        let name = signature.name();
        let is_meant = self
            .programs
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        let purposes = ["1.3.6.1.4.1.311.10.3.22", "1.3.6.1.4.1.311.10.3.24"];
        let has_purpose = purposes.iter().any(|purpose| leaf.allows(purpose));
        let name = &leaf.subject.common_name;
        (has_purpose && !is_meant).then(|| {
            (
                "signer",
                format!(" is signed by {name}, a certificate for protected processes"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] = include_bytes!("../../tests/fixtures/ppl-eku/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint =
            |bytes, image| lint_package("ppl-eku", "Fjordlight.Kiosk.Agent.cab", bytes, image);
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("a certificate for protected processes"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
