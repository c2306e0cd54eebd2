use crate::facts::Facts;
use crate::facts::signature::State;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package carries no signature
    ///
    /// ## What it checks
    /// Every cabinet that gets into an image, or that was asked for, carries an Authenticode signature that can be found. A file
    /// that is no readable cabinet is reported as well: nothing can be said about its signature.
    ///
    /// ## Why
    /// The imaging tools take signed packages only, for test images too. Code integrity on the device trusts what the package's
    /// catalog says, and the signature of the cabinet is what ties the two together on the way there.
    ///
    /// ## Passes
    /// `proofmark verify PACKAGE.cab` prints `verified`.
    ///
    /// ## Fails
    /// `proofmark verify PACKAGE.cab` prints `unsigned`.
    ///
    /// ## Fix
    /// `proofmark sign --profile test --in-place PACKAGE.cab`, or with the retail profile for a retail image.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images": all packages are signed
    /// - iot-adk-addonkit, Test-IoTCabSignature
    struct UnsignedCab;
    id: "unsigned-cab",
    authority: "iot-adk-addonkit, Test-IoTCabSignature",
    clause: "the cab has a valid signature",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnsignedCab {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for signature in facts
            .signatures
            .iter()
            .filter(|signature| signature.is_package())
        {
            let name = signature.name();
            match &signature.state {
                State::Unsigned => {
                    report
                        .at_signature(facts, signature, "", format!("`{name}` is not signed"))
                        .help("sign it: `proofmark sign --profile NAME --in-place FILE`");
                }
                State::Unreadable(problem) => {
                    let message = format!("`{name}` cannot be read: {problem}");
                    report.at_signature(facts, signature, "", message);
                }
                State::Signed(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const UNSIGNED: &[u8] =
        include_bytes!("../../tests/fixtures/unsigned-cab/Fjordlight.Kiosk.Agent.cab");
    const SIGNED: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    #[test]
    fn unsigned_and_unreadable_cabinets_are_found_in_every_image() {
        for image in [None, Some(ImageType::Retail), Some(ImageType::Test)] {
            let found = lint_signed("unsigned-cab", &[("a.cab", UNSIGNED)], image);
            assert_eq!(found, ["error a.cab (signature) `a.cab` is not signed"]);
            let found = lint_signed("unsigned-cab", &[("a.cab", b"MZ no cabinet")], image);
            assert!(found[0].contains("cannot be read"), "{found:?}");
        }
    }

    #[test]
    fn a_signed_cabinet_passes() {
        assert!(lint_signed("unsigned-cab", &[("a.cab", SIGNED)], None).is_empty());
    }
}
