use crate::facts::shared::Defect;
use crate::facts::signature::State;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An app of a retail image is unsigned, or signed by nobody known
    ///
    /// ## What it checks
    /// Every app package of a retail image, frameworks included, is signed, and its chain ends at a known root. What ends
    /// at a known test root is reported by `test-signed-in-retail`.
    ///
    /// ## Why
    /// Visual Studio signs apps with a certificate that issued itself, "MSFT TEST" for the samples. Anyone can make one of
    /// that name, so a retail image should not trust it; the guide asks for apps from the Store or of a line of business,
    /// signed by a certificate of production.
    ///
    /// ## Passes
    /// An app from the Store, or signed under your own root that `proofmark.toml` names.
    ///
    /// ## Fails
    /// `IoTOnboardingTask.appx` of the samples: CN=MSFT, ended 2017.
    ///
    /// ## Fix
    /// Sign the app with a certificate of production, and name its publisher in the manifest.
    ///
    /// ## References
    /// - IoT Core, "Create a retail image": apps
    struct AppxTestSigned;
    id: "appx-test-signed",
    authority: "Microsoft, IoT Core, Create a retail image",
    clause: "apps",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for AppxTestSigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(defect) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign the app with a certificate of production");
        }
    }
}

fn defect(signature: &Signature) -> Option<Defect> {
    signature.app()?;
    match &signature.state {
        State::Unsigned => Some(("", " is an app without a signature".to_owned())),
        State::Unreadable(problem) => Some((
            "",
            format!(" is no app package that can be read: {problem}"),
        )),
        State::Signed(record) => {
            let leaf = record.leaf.as_ref().filter(|_| record.anchor().is_none())?;
            let name = &leaf.subject.common_name;
            let how = match leaf.is_self_issued() {
                true => "which issued itself",
                false => "whose chain ends at no known root",
            };
            Some(("signer", format!(" is an app signed by {name}, {how}")))
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/appx-test-signed/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "appx-test-signed",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(
            found[0].contains(
                "is an app signed by Proofmark Self-Signed (TEST ONLY), which issued itself"
            ),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
