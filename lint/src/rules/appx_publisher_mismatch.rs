use signer::verify::Check;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An app is signed by somebody else than its publisher
    ///
    /// ## What it checks
    /// The publisher in the manifest of an app package or bundle is the subject of the signer's certificate.
    ///
    /// ## Why
    /// Windows compares the two when it installs an app, and refuses it where they differ.
    ///
    /// ## Passes
    /// ```xml
    /// <Identity Name="Kiosk" Publisher="CN=Fjordlight" Version="1.0.0.0" />
    /// ```
    ///
    /// ## Fails
    /// The same app, signed by `CN=Fjordlight Apps`.
    ///
    /// ## Fix
    /// Write the certificate's subject into the manifest and package the app again.
    ///
    /// ## References
    /// - Microsoft, "Sign an app package using SignTool": the publisher must match
    struct AppxPublisherMismatch;
    id: "appx-publisher-mismatch",
    authority: "Microsoft, Sign an app package using SignTool",
    clause: "prerequisites",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for AppxPublisherMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report()?;
            let mut failures = record.failures();
            let (_, _, message) = failures.find(|(check, ..)| *check == Check::Publisher)?;
            Some(("publisher", format!(": {message}")))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("write the certificate's subject into the manifest, or sign with the publisher's certificate");
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/appx-publisher-mismatch/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/appx-dependency-unsigned/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "appx-publisher-mismatch",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(
            found[0].contains("the manifest names CN=Somebody Else"),
            "{found:?}"
        );
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
