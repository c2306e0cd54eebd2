use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// The feature that brings the account.
const ADMIN: &str = "IOT_ENABLE_ADMIN";

declare_rule! {
    /// A retail image has the Administrator account with its well-known password
    ///
    /// ## What it checks
    /// No retail image selects `IOT_ENABLE_ADMIN`, in either section of `Features`.
    ///
    /// ## Why
    /// The feature brings the account `Administrator` with a password that is printed in the documentation. Together with
    /// any remote shell it gives the device away.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_ENABLE_ADMIN</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_ENABLE_ADMIN</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off; create accounts by provisioning, each device with a secret of its own. The fix comments the
    /// feature out.
    ///
    /// ## References
    /// - IoT Core feature list, "Test features"
    /// - IoT Core, "Building secure devices"
    struct DefaultAdminAccount;
    id: "default-admin-account",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DefaultAdminAccount {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                if !id.eq_ignore_ascii_case(ADMIN) {
                    continue;
                }
                report
                    .at(
                        product.oem_input.item(feature),
                        format!("`{id}` gives a retail image an account with a known password"),
                    )
                    .because_of_image(product)
                    .help("switch the feature off")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(release_type: &str, section: &str) -> Vec<String> {
        let feature = format!("<{section}>\n<Feature>IOT_ENABLE_ADMIN</Feature></{section}>");
        let text = oem_input(&format!(
            "<ReleaseType>{release_type}</ReleaseType><Features>{feature}</Features>"
        ));
        lint_one("default-admin-account", &[("OEMInput.xml", text)])
    }

    #[test]
    fn the_account_is_found_in_either_section_of_a_retail_image() {
        let found = "error OEMInput.xml:2:10 `IOT_ENABLE_ADMIN` gives a retail image an account with a known password";
        assert_eq!(lint("Production", "Microsoft"), [found]);
        assert_eq!(lint("Production", "OEM"), [found]);
    }

    #[test]
    fn a_test_image_may_have_it() {
        assert!(lint("Test", "Microsoft").is_empty());
    }
}
