use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature-identifier package of a retail image is test-signed
    ///
    /// ## What it checks
    /// No package named `*.FIP` in a retail image is signed under a test root. The feature merger makes these packages.
    ///
    /// ## Why
    /// The kit runs the merger with its test certificate, whatever the image is, and neither signs nor checks the result
    /// again. `test-signed-in-retail` tells of them as well; this says where they come from.
    ///
    /// ## Passes
    /// The packages of `MergedFMs`, signed again after the merger ran.
    ///
    /// ## Fails
    /// The packages as the merger leaves them.
    ///
    /// ## Fix
    /// `proofmark resign --profile retail --in-place Build/arm/MergedFMs` after every run of the merger.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 219
    struct FipPackageTestSigned;
    id: "fip-package-test-signed",
    authority: "iot-adk-addonkit",
    clause: "issue 219, feature merger",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for FipPackageTestSigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let name = crate::files::name_of(&signature.subject.file).to_ascii_lowercase();
            let is_identifier = name.ends_with(".fip.cab") || name.ends_with(".fip.spkg");
            let class = signature
                .class()
                .filter(|class| class.is_test() && is_identifier)?;
            Some((
                "signer",
                format!(" comes from the feature merger with its test signature ({class})"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign what the merger made: `proofmark resign --profile retail --in-place FOLDER`");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::lint_package;

    const FIP: &[u8] = include_bytes!(
        "../../tests/fixtures/fip-package-test-signed/Fjordlight.IoTUAP.OEM_AGENT.OEMFM.FIP.cab"
    );

    #[test]
    fn the_name_tells_where_it_comes_from() {
        let lint = |name| {
            let image = Some(ImageType::Retail);
            lint_package("fip-package-test-signed", name, FIP, image).concat()
        };
        let found = lint("A.FIP.cab");
        assert!(
            found.contains("`A.FIP.cab` comes from the feature merger"),
            "{found}"
        );
        assert_eq!(lint("A.cab"), "");
    }
}
