use crate::facts::shared::Defect;
use crate::facts::signature::State;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A catalog in a package is not signed
    ///
    /// ## What it checks
    /// Every `*.cat` in a package, and every one beside a driver whose package is not built, is signed and can be read.
    ///
    /// ## Why
    /// A catalog vouches for files by its signature and by nothing else. Without one Windows does not install the driver,
    /// and the servicing stack does not take the package.
    ///
    /// ## Passes
    /// `proofmark catalog create driver/ --profile test`
    ///
    /// ## Fails
    /// A catalog as `makecat` leaves it.
    ///
    /// ## Fix
    /// `proofmark sign --profile NAME --in-place driver.cat` before the package is built, or `proofmark resign` for the
    /// whole package.
    ///
    /// ## References
    /// - iot-adk-addonkit, Test-IoTCabSignature: every cat
    struct UnsignedCatalog;
    id: "unsigned-catalog",
    authority: "iot-adk-addonkit, Test-IoTCabSignature",
    clause: "signatures of cat",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnsignedCatalog {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| defect(facts, signature)) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it: `proofmark sign --profile NAME --in-place FILE.cat`");
        }
    }
}

fn defect(facts: &Facts<'_>, signature: &Signature) -> Option<Defect> {
    if !signature.is_catalog() {
        return None;
    }
    match &signature.state {
        State::Unsigned => Some(("", " is a catalog without a signature".to_owned())),
        // What another rule says in better words.
        State::Unreadable(_) if has_unknown_oid(facts, signature) => None,
        State::Unreadable(problem) => {
            Some(("", format!(" is no catalog that can be read: {problem}")))
        }
        State::Signed(_) => None,
    }
}

fn has_unknown_oid(facts: &Facts<'_>, signature: &Signature) -> bool {
    let built = facts
        .built
        .iter()
        .filter(|built| built.path == signature.subject.file);
    let mut catalogs = built.flat_map(|built| &built.contents.catalogs);
    catalogs.any(|catalog| {
        Some(&catalog.path) == signature.subject.member.as_ref() && catalog.unknown_oid.is_some()
    })
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/unsigned-catalog/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-os-attr/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "unsigned-catalog",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0]
                .contains("`lineprobe.cat` in `Fjordlight.Kiosk.Agent.cab` is a catalog without"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
