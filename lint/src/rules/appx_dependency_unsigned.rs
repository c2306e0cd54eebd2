use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::facts::signature::State;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A framework that apps share is not signed by Microsoft
    ///
    /// ## What it checks
    /// Every app package that calls itself a framework (`Properties/Framework`) is signed under a Microsoft root of
    /// production.
    ///
    /// ## Why
    /// The frameworks beside the apps of a package, .NET Native and VCLibs, are Microsoft's, and only Microsoft may publish
    /// some. One that is signed by somebody else is not the file that Microsoft built.
    ///
    /// ## Passes
    /// `Microsoft.VCLibs.ARM.14.00.appx` as the SDK brings it.
    ///
    /// ## Fails
    /// The same file, signed again with the certificate of the app.
    ///
    /// ## Fix
    /// Take the framework as Visual Studio or the SDK brings it, and sign the app alone.
    ///
    /// ## References
    /// - Microsoft, "Framework packages and the package dependency graph"
    /// - iot-adk-addonkit, Add-IoTAppxPackage
    struct AppxDependencyUnsigned;
    id: "appx-dependency-unsigned",
    authority: "iot-adk-addonkit, Add-IoTAppxPackage",
    clause: "dependencies",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for AppxDependencyUnsigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            signature.app().filter(|app| app.is_framework)?;
            let is_microsofts = signature.class() == Some(TrustClass::MicrosoftProduction);
            let by = match &signature.state {
                State::Signed(record) => record
                    .leaf
                    .as_ref()
                    .map(|leaf| leaf.subject.common_name.as_str()),
                State::Unsigned | State::Unreadable(_) => None,
            };
            let how = by.map_or_else(|| "not signed".to_owned(), |by| format!("signed by {by}"));
            (!is_microsofts).then(|| {
                (
                    "signer",
                    format!(" is a framework {how}, expected Microsoft"),
                )
            })
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("take the framework as the SDK brings it");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/appx-dependency-unsigned/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/appx-publisher-mismatch/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "appx-dependency-unsigned",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains(
                "is a framework signed by Proofmark OEM Test Cert (TEST ONLY), expected Microsoft"
            ),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
