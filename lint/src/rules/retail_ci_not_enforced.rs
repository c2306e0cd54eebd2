use crate::diagnostic::Level;
use crate::facts::code_integrity::{driver_packages, policy_files};
use crate::facts::product::FeatureMatch;
use crate::facts::{Facts, FeatureList, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image enforces no code-integrity policy
    ///
    /// ## What it checks
    /// A retail image of IoT Core has a code-integrity policy, and not one that only reports. A policy that only reports, by
    /// the name of its file (`SIPolicyAudit.p7b`), is an error. No policy at all is a warning where a listed manifest has the
    /// feature `SEC_DEVICEGUARD` to choose, and for information where none has. A Raspberry Pi, which cannot protect a
    /// policy, is not checked; an image with drivers of its own is left to `retail-ci-missing`.
    ///
    /// ## Why
    /// The policy names who may have signed what runs on the device. Retail images enforce code integrity by default; with
    /// a policy that only reports, anything runs and a log grows.
    ///
    /// ## Passes
    /// ```xml
    /// <file source="SIPolicyEnforce.p7b" name="SIPolicy.p7b" destinationDir="$(runtime.bootDrive)\efi\microsoft\boot" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <file source="SIPolicyAudit.p7b" name="SIPolicy.p7b" destinationDir="$(runtime.bootDrive)\efi\microsoft\boot" />
    /// ```
    ///
    /// ## Fix
    /// Name the enforced policy in the package, or choose the feature that brings one. There is no mechanical fix, because
    /// a policy must first be tried with everything that the device runs.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": code integrity
    struct RetailCiNotEnforced;
    id: "retail-ci-not-enforced",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: code integrity",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for RetailCiNotEnforced {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let policies = policy_files(product);
            for policy in policies.iter().filter(|policy| policy.is_audit()) {
                report
                    .at(
                        policy.place.clone(),
                        format!(
                            "`{}`, a policy that only reports, in a retail image",
                            policy.name
                        ),
                    )
                    .also(
                        policy.selected.place(),
                        "this brings the package into the image",
                    )
                    .because_of_image(product)
                    .help("name the enforced policy");
            }
            if policies.is_empty() && is_wanting(facts, product) {
                let offered = product.known_feature("SEC_DEVICEGUARD") != FeatureMatch::None;
                report
                    .at(
                        product.features_place(FeatureList::Oem),
                        "no code-integrity policy in a retail image",
                    )
                    .because_of_image(product)
                    .help("choose `SEC_DEVICEGUARD`, together with `SEC_SECUREBOOT`")
                    .at_most(if offered { Level::Warning } else { Level::Info });
            }
        }
    }
}

/// Whether a product that shows no policy should have one, and no other rule says so.
fn is_wanting(facts: &Facts<'_>, product: &Product) -> bool {
    product.has_board_manifests()
        && !product.brings("SEC_DEVICEGUARD")
        && !product.brings("SEC_DEVICEGUARD_TEST")
        && !product.is_raspberry_pi()
        && driver_packages(product, facts).next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, oem_manifest, wm_xml};

    fn lint(input: &str, policy: &str, id: &str) -> Vec<String> {
        let input = oem_input(&format!(
            "<ReleaseType>Production</ReleaseType><Product>Windows 10 IoT Core</Product>\
             <AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>{input}"
        ));
        let file = format!("<files>\n<file source=\".\\{policy}\" name=\"SIPolicy.p7b\"/></files>");
        let files = [
            ("OEMInput.xml", input),
            ("OEMFM.xml", oem_manifest(&[("%OEM_NAME%.Test.Guard", id)])),
            ("Guard.wm.xml", wm_xml("Guard", &file)),
        ];
        lint_one("retail-ci-not-enforced", &files)
    }

    const CHOSEN: &str = "<Features><OEM><Feature>SEC_DEVICEGUARD</Feature></OEM></Features>";

    #[test]
    fn an_audit_policy_is_an_error_and_an_enforced_one_passes() {
        assert_eq!(
            lint(CHOSEN, "SIPolicyAudit.p7b", "SEC_DEVICEGUARD"),
            [
                "error Guard.wm.xml:2:15 `SIPolicyAudit.p7b`, a policy that only reports, in a retail image"
            ],
        );
        assert!(lint(CHOSEN, "SIPolicyEnforce.p7b", "SEC_DEVICEGUARD").is_empty());
    }

    #[test]
    fn no_policy_weighs_more_where_one_could_be_chosen() {
        let level = |id| {
            lint("", "SIPolicy.p7b", id)[0]
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(level("SEC_DEVICEGUARD"), "warning");
        assert_eq!(level("SOMETHING"), "info");
    }

    #[test]
    fn boards_that_cannot_and_inputs_alone_pass() {
        assert!(lint("<SOC>RPi2</SOC>", "SIPolicy.p7b", "SEC_DEVICEGUARD").is_empty());
        let alone = oem_input(
            "<ReleaseType>Production</ReleaseType><Product>Windows 10 IoT Core</Product>",
        );
        assert!(lint_one("retail-ci-not-enforced", &[("OEMInput.xml", alone)]).is_empty());
    }
}
