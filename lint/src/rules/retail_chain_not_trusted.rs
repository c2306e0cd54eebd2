use signer::anchor::TrustClass;
use signer::cross_certificate;
use signer::verify::Check;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package's chain ends at no accepted root
    ///
    /// ## What it checks
    /// The chain of every signature ends at one of these: a production root of Microsoft, a public root that Microsoft
    /// cross-certified for drivers, or a root that the organisation named in `proofmark.toml` or with `--root`. Every link of it
    /// is sound and its certificates are meant for code signing. What is test-signed is reported by `test-signed-in-retail`.
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
        for signature in &facts.signatures {
            let Some(record) = signature.report() else {
                continue;
            };
            let name = signature.name();
            for (check, _, message) in record.failures() {
                if matches!(check, Check::Chain | Check::Usage) {
                    report
                        .at_signature(
                            facts,
                            signature,
                            check.name(),
                            format!("`{name}`: {message}"),
                        )
                        .help("`[trust] roots` in proofmark.toml names a root of your own");
                }
            }
            let Some(anchor) = record.anchor() else {
                continue;
            };
            let cross_certificate = cross_certificate::of_root(&anchor.public_key);
            if anchor.class == TrustClass::Public && cross_certificate.is_none() {
                let message = format!(
                    "`{name}`: the chain ends at {}, which Microsoft never cross-certified for drivers",
                    anchor.name
                );
                report
                    .at_signature(facts, signature, "chain", message)
                    .help("`[trust] roots` in proofmark.toml names a root that your image accepts");
            }
        }
    }
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
