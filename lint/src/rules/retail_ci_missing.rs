use crate::diagnostic::Level;
use crate::facts::code_integrity::{DriverSigner, driver_packages, driver_signer, policy_files};
use crate::facts::product::FeatureMatch;
use crate::facts::{Facts, FeatureList, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image has drivers of the manufacturer and no secure boot or code-integrity policy
    ///
    /// ## What it checks
    /// A retail image of IoT Core that gets drivers from packages of the workspace has the features `SEC_SECUREBOOT` and
    /// `SEC_DEVICEGUARD`, or packages that those stand for. It is an error where a driver was found, in a built package or
    /// beside its definition, whose signature ends neither at Microsoft nor at a public root, and a warning where no driver
    /// was found. A Raspberry Pi is not checked.
    ///
    /// ## Why
    /// Since the cross-certificates have ended, Windows does not accept what a manufacturer signs. From release
    /// 17763.1577 on there is one way to run such drivers in retail: a code-integrity policy that names the signer, and
    /// secure boot that protects the policy. Without both the image does not start.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>SEC_SECUREBOOT</Feature><Feature>SEC_DEVICEGUARD</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>BOARD_DRIVERS</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose both features, or have Microsoft sign the drivers. The fix adds a feature that a listed manifest defines.
    ///
    /// ## References
    /// - iot-adk-addonkit, release notes of version 7
    struct RetailCiMissing;
    id: "retail-ci-missing",
    authority: "iot-adk-addonkit",
    clause: "Release notes of version 7",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for RetailCiMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            if !product.is_iot_core() || product.is_raspberry_pi() {
                continue;
            }
            let signers: Vec<_> = driver_packages(product, facts)
                .map(|package| (package, driver_signer(package, facts)))
                .filter(|(_, signer)| *signer != DriverSigner::Accepted)
                .collect();
            let Some((package, _)) = signers.first() else {
                continue;
            };
            let is_known = signers
                .iter()
                .any(|(_, signer)| *signer == DriverSigner::Own);
            for feature in missing(product) {
                let message = format!("no `{feature}` in a retail image with drivers of its own");
                let finding = report.at(product.features_place(FeatureList::Oem), message);
                finding
                    .also(package.place(), "this package has drivers")
                    .because_of_image(product)
                    .help(format!(
                        "add `{feature}`, or have Microsoft sign the drivers"
                    ));
                if product.known_feature(feature) == FeatureMatch::Exact {
                    finding.fix(product.choose(FeatureList::Oem, feature));
                }
                if !is_known {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

fn missing(product: &Product) -> impl Iterator<Item = &'static str> {
    let guard = product.brings("SEC_DEVICEGUARD") || !policy_files(product).is_empty();
    let boot = product.brings("SEC_SECUREBOOT");
    let features = [("SEC_SECUREBOOT", boot), ("SEC_DEVICEGUARD", guard)];
    let missing = features.into_iter().filter(|(_, there)| !there);
    missing.map(|(feature, _)| feature)
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::facts::contents::Content;
    use crate::facts::signature::Carrier;
    use crate::testing::*;

    fn files(sv: &str, features: &str) -> [(&'static str, String); 4] {
        let input = oem_input(&format!(
            "<ReleaseType>Production</ReleaseType><SV>{sv}</SV><Product>Windows 10 IoT Core</Product>\
             <AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><OEM>\n<Feature>DRIVERS</Feature>{features}</OEM></Features>"
        ));
        let manifest = oem_manifest(&[
            ("%OEM_NAME%.Test.Gpio", "DRIVERS"),
            ("Guard", "SEC_DEVICEGUARD"),
            ("Boot", "SEC_SECUREBOOT"),
        ]);
        let driver = "<drivers><driver><inf source=\"gpio.inf\"/></driver></drivers>";
        [
            ("OEMInput.xml", input),
            ("BoardFM.xml", manifest),
            ("Gpio.wm.xml", wm_xml("Gpio", driver)),
            ("%OEM_NAME%.Test.Gpio.cab", String::new()),
        ]
    }

    #[test]
    fn both_features_are_missed_where_there_are_drivers() {
        let files = files("Board", "");
        let found = lint_one("retail-ci-missing", &files);
        assert!(found[0].starts_with("warning "), "{found:?}");
        assert!(found[0].contains("no `SEC_DEVICEGUARD` in a retail image with drivers"));
        let text = fixed("retail-ci-missing", &files, "OEMInput.xml");
        assert!(text.contains("<Feature>SEC_SECUREBOOT</Feature>"), "{text}");
    }

    #[test]
    fn a_driver_that_windows_does_not_accept_makes_it_an_error() {
        let found = |class| {
            let mut workspace = workspace(&files("Board", ""));
            let mut signature = signed("%OEM_NAME%.Test.Gpio.cab", class);
            signature.subject.member = Some("gpio.SYS".into());
            signature.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
            workspace.signatures.push(signature);
            run("retail-ci-missing", &workspace)
        };
        assert!(found(TrustClass::OwnTest)[0].starts_with("error "));
        assert!(found(TrustClass::Named)[0].starts_with("error "));
        assert!(found(TrustClass::Public).is_empty());
    }

    #[test]
    fn both_features_or_a_board_without_secure_boot_pass() {
        let both = "<Feature>SEC_SECUREBOOT</Feature><Feature>SEC_DEVICEGUARD</Feature>";
        assert!(lint_one("retail-ci-missing", &files("Board", both)).is_empty());
        assert!(lint_one("retail-ci-missing", &files("Raspberry Pi", "")).is_empty());
        assert!(lint_one("retail-ci-missing", &files("Board", "")[..2]).is_empty());
    }
}
