use crate::facts::Facts;
use crate::facts::code_integrity::policy_files;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A test image enforces a code-integrity policy
    ///
    /// ## What it checks
    /// Whether a test image gets a code-integrity policy that is enforced: a package that installs `SIPolicy.p7b` from a file
    /// whose name does not say that it only reports.
    ///
    /// ## Why
    /// Test images have no code-integrity policy by default. With an enforced one, drivers and programs that are signed
    /// for testing may be refused, which is hard to see from the device. It may be wanted, to try the policy of the
    /// retail image; hence for information.
    ///
    /// ## Passes
    /// ```xml
    /// <file source="SIPolicyAudit.p7b" name="SIPolicy.p7b" destinationDir="$(runtime.bootDrive)\efi\microsoft\boot" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <file source="SIPolicyEnforce.p7b" name="SIPolicy.p7b" destinationDir="$(runtime.bootDrive)\efi\microsoft\boot" />
    /// ```
    ///
    /// ## Fix
    /// Nothing has to be done where the policy is being tried. Otherwise switch the feature off, or install the policy that
    /// only reports.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": code integrity
    struct TestCiEnforced;
    id: "test-ci-enforced",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: code integrity",
    images: [Test],
    input: OemInput,
    level: Info,
    since: "0.1.0",
}

impl Rule for TestCiEnforced {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for policy in policy_files(product)
                .iter()
                .filter(|policy| !policy.is_audit())
            {
                let feature = policy.selected.selected_by.first();
                let place = match feature {
                    Some(feature) => product.oem_input.item(feature),
                    None => policy.selected.place(),
                };
                report
                    .at(
                        place,
                        format!("`{}` is enforced in a test image", policy.name),
                    )
                    .also(policy.place.clone(), "this is the policy")
                    .because_of_image(product)
                    .help("switch the feature off unless the policy is being tried");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input, wm_xml};

    fn lint(release_type: &str, section: &str, policy: &str) -> Vec<String> {
        let input = oem_input(&format!(
            "<ReleaseType>{release_type}</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><OEM>\n<Feature>SEC_DEVICEGUARD_TEST</Feature></OEM></Features>"
        ));
        let ids = "<FeatureIDs><FeatureID>SEC_DEVICEGUARD_TEST</FeatureID></FeatureIDs>";
        let entry = format!("<PackageFile Name=\"%OEM_NAME%.Test.Guard.cab\">{ids}</PackageFile>");
        let section_end = section.replace('<', "</");
        let manifest = match section {
            "<OEM>" => format!("<Features>{section}{entry}{section_end}</Features>"),
            _ => format!("{section}{entry}{section_end}"),
        };
        let file = format!("<files><file source=\"{policy}\" name=\"SIPolicy.p7b\"/></files>");
        let files = [
            ("OEMInput.xml", input),
            ("OEMFM.xml", feature_manifest(&manifest)),
            ("Guard.wm.xml", wm_xml("Guard", &file)),
        ];
        lint_one("test-ci-enforced", &files)
    }

    #[test]
    fn an_enforced_policy_is_told_where_it_is_chosen() {
        assert_eq!(
            lint("Test", "<OEM>", "SIPolicyEnforce.p7b"),
            ["info OEMInput.xml:2:10 `SIPolicyEnforce.p7b` is enforced in a test image"],
        );
        let found = lint("Test", "<BasePackages>", "SIPolicy.p7b");
        assert!(found[0].starts_with("info OEMFM.xml:"), "{found:?}");
    }

    #[test]
    fn an_audit_policy_and_a_retail_image_pass() {
        assert!(lint("Test", "<OEM>", "SIPolicyAudit.p7b").is_empty());
        assert!(lint("Production", "<OEM>", "SIPolicyEnforce.p7b").is_empty());
    }
}
