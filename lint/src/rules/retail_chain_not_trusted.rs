use signer::anchor::TrustClass;
use signer::chain::may_sign_code;
use signer::cross_certificate;
use signer::verify::Check;

use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package's chain ends at no accepted root
    ///
    /// ## What it checks
    /// The chain of every signature ends at one of these: a production root of Microsoft, a public root that Microsoft
    /// cross-certified for drivers, or a root that the organisation named in `proofmark.toml` or with `--root`. Every link of it
    /// is sound. What is in the package is asked as well. Test signatures, apps of nobody known, drivers below public roots and
    /// certificates that are not for code have rules of their own.
    ///
    /// ## Why
    /// A device that enforces code integrity accepts only these three routes. A chain to any other root verifies on the build
    /// machine, where somebody installed that root, and nowhere else.
    ///
    /// ## Passes
    /// A package signed under your own root, which `proofmark.toml` names:
    /// ```toml
    /// [trust]
    /// roots = ["keys/root.cer"]
    /// ```
    ///
    /// ## Fails
    /// A package signed with a certificate that issued itself.
    ///
    /// ## Fix
    /// Name your root where it is yours. Otherwise sign with a certificate of one of the three routes.
    ///
    /// ## References
    /// - Microsoft, "Cross-certificates for kernel mode code signing"
    /// - iot-adk-addonkit, `README.md` of 17763-v7: OEM-signed drivers
    struct RetailChainNotTrusted;
    id: "retail-chain-not-trusted",
    authority: "iot-adk-addonkit, README of 17763-v7",
    clause: "OEM-signed drivers",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for RetailChainNotTrusted {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(defects) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("`[trust] roots` in proofmark.toml names a root of your own");
        }
    }
}

fn defects(signature: &Signature) -> Vec<Defect> {
    let (Some(record), None) = (signature.report(), signature.unmarked_test_root()) else {
        return Vec::new();
    };
    // Apps of nobody known are told of by a rule of their own, as are certificates that are not for code.
    let is_app = signature.app().is_some() && record.anchor().is_none();
    let is_other_purpose = record
        .leaf
        .as_ref()
        .is_some_and(|leaf| may_sign_code(leaf).is_err());
    let failures = record.failures().filter(|(check, ..)| match check {
        Check::Chain => !is_app,
        Check::Usage => !is_app && !is_other_purpose,
        _ => false,
    });
    let defect = |(check, _, message): (Check, _, &str)| (check.name(), format!(": {message}"));
    let mut defects: Vec<Defect> = failures.map(defect).collect();
    let public = record
        .anchor()
        .filter(|anchor| anchor.class == TrustClass::Public);
    if let Some(anchor) = public
        && !signature.is_image()
        && cross_certificate::of_root(&anchor.public_key).is_none()
    {
        let root = &anchor.name;
        let defect = format!(
            ": the chain ends at {root}, which Microsoft never cross-certified for drivers"
        );
        defects.push(("chain", defect));
    }
    defects
}

#[cfg(test)]
mod tests {
    const SELF: &[u8] =
        include_bytes!("../../tests/fixtures/published-key/Fjordlight.Kiosk.Agent.cab");
    const TEST: &[u8] =
        include_bytes!("../../tests/fixtures/test-signed-in-retail/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    fn lint(bytes: &[u8], image: ImageType) -> Vec<String> {
        lint_signed("retail-chain-not-trusted", &[("a.cab", bytes)], Some(image))
    }

    #[test]
    fn an_unknown_root_is_found_in_retail_images() {
        let found = lint(SELF, ImageType::Retail);
        assert!(
            found[0].contains("unknown root Proofmark Self-Signed"),
            "{found:?}"
        );
        assert!(lint(SELF, ImageType::Test).is_empty());
        assert!(lint(TEST, ImageType::Retail).is_empty());
    }
}
