use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image of a phone selects a feature that must not ship
    ///
    /// ## What it checks
    /// A retail image of Windows 10 Mobile selects none of `SKIPOOBE`, `DISABLE_FFU_PLAT_ID_CHECK`, `TEST`, `HEALTH`,
    /// `SELFHOST`, `RESET_PROTECTION_INTERNAL`, `TEST_ENABLE_DISK_IDLE` and `TEST_DISABLE_DISK_IDLE`. Test signing is
    /// the matter of `testsigning-in-retail`.
    ///
    /// ## Why
    /// They skip the first setup, let any image be flashed, or bring test drivers and programs. The documents forbid
    /// them in retail images.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>SKIPOOBE</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>SKIPOOBE</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for building mobile images": Other boot related features, Test related features
    struct MobileRetailForbidden;
    id: "mobile-retail-forbidden",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Test features defined by Microsoft",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MobileRetailForbidden {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() == Some(System::Mobile)) {
            constraints::check(RULE.id, product, "in a retail image", report);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(input: &str, ids: &[&str]) -> Vec<String> {
        let features: String = ids
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        let features = format!("<Features><Microsoft>{features}</Microsoft></Features>");
        let files = [("OEMInput.xml", oem_input(&format!("{input}{features}")))];
        lint_one("mobile-retail-forbidden", &files)
    }

    #[test]
    fn forbidden_features_are_found_in_retail_images_of_phones_only() {
        let found = lint(
            "<ReleaseType>Production</ReleaseType>",
            &["SkipOOBE", "STANDARD_FEATURE_1"],
        );
        assert_eq!(
            found,
            ["error OEMInput.xml:2:10 `SkipOOBE` in a retail image"]
        );
        assert!(lint("<ReleaseType>Test</ReleaseType>", &["SKIPOOBE"]).is_empty());
        assert!(
            lint(
                "<ReleaseType>Production</ReleaseType><Product>Windows 10 IoT Core</Product>",
                &["TEST"]
            )
            .is_empty()
        );
    }
}
