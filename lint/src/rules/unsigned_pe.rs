use crate::diagnostic::Level;
use crate::facts::shared::Defect;
use crate::facts::signature::State;
use crate::facts::{Facts, Signature};
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use crate::rules::unsigned_service_binary::is_of_built_service;

declare_rule! {
    /// A program or driver in a package is not signed
    ///
    /// ## What it checks
    /// Every PE image in a package, and every one that a definition names whose package is not built, has a signature of
    /// its own. Programs of services in a retail image are reported by `unsigned-service-binary` where the package is not
    /// built.
    ///
    /// ## Why
    /// The kit signs and checks every `exe`, `dll` and `sys` of a package. The kernel of a retail image loads no unsigned
    /// driver, and where a code-integrity policy is enforced no unsigned program starts: then it is an error. Elsewhere it
    /// is a warning; the catalog of the package covers the file as well, and the sources disagree whether that is enough.
    ///
    /// ## Passes
    /// ```text
    /// lineprobe.sys: signed, then packed
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// lineprobe.sys: as the linker left it
    /// ```
    ///
    /// ## Fix
    /// `proofmark resign --profile retail --in-place PACKAGE.cab` signs what is inside and everything above it.
    ///
    /// ## References
    /// - iot-adk-addonkit, Test-IoTCabSignature: every dll, sys and exe
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images": signing
    struct UnsignedPe;
    id: "unsigned-pe",
    authority: "iot-adk-addonkit, Test-IoTCabSignature",
    clause: "signatures of exe, dll, sys",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnsignedPe {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let is_enforced = facts
            .products
            .iter()
            .any(|product| product.brings("SEC_DEVICEGUARD"));
        for found in facts.shared(|signature| defect(facts, signature)) {
            let finding = report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it: `proofmark resign --profile NAME --in-place PACKAGE.cab`");
            let is_retail = facts.image == Some(ImageType::Retail);
            if !is_retail || !(is_enforced || found.first.is_driver()) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

fn defect(facts: &Facts<'_>, signature: &Signature) -> Option<Defect> {
    if !signature.is_image() || is_of_service(facts, signature) {
        return None;
    }
    let what = if signature.is_driver() {
        "driver"
    } else {
        "program"
    };
    match &signature.state {
        State::Unsigned => Some(("", format!(" is a {what} without a signature"))),
        State::Unreadable(problem) if signature.named_at.is_none() => {
            Some(("", format!(" is no {what} that can be read: {problem}")))
        }
        State::Unreadable(_) | State::Signed(_) => None,
    }
}

/// Whether `unsigned-service-binary` tells of it.
fn is_of_service(facts: &Facts<'_>, signature: &Signature) -> bool {
    let is_retail = facts.image == Some(ImageType::Retail) && !signature.is_driver();
    let package = facts.index.package(signature.document());
    let installs = package.is_some_and(|package| !package.definition.services().is_empty());
    is_retail && (installs || is_of_built_service(facts, signature))
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/unsigned-pe/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint =
            |bytes, image| lint_package("unsigned-pe", "Fjordlight.Kiosk.Agent.cab", bytes, image);
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(found[0].contains("driver without a signature"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
        assert!(
            found[0].starts_with("error ") && found[1].starts_with("warning "),
            "{found:?}"
        );
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found.iter().all(|line| line.starts_with("warning ")),
            "{found:?}"
        );
    }
}
