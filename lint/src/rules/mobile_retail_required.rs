use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image of a phone lacks a feature that every one needs
    ///
    /// ## What it checks
    /// A retail image of Windows 10 Mobile selects `STANDARD_FEATURE_1`, `SOCProdTest_HSTI` and `BOOTSEQUENCE_RETAIL`.
    ///
    /// ## Why
    /// The first brings what every image has, the second the check without which the device shows that it is not for
    /// retail and may not boot, the third the boot sequence.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>STANDARD_FEATURE_1</Feature>
    /// <Feature>SOCProdTest_HSTI</Feature>
    /// <Feature>BOOTSEQUENCE_RETAIL</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>STANDARD_FEATURE_1</Feature>
    /// ```
    ///
    /// ## Fix
    /// Add the feature; the fix does that.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for building mobile images": Retail features defined by Microsoft
    struct MobileRetailRequired;
    id: "mobile-retail-required",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Retail features defined by Microsoft",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MobileRetailRequired {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() == Some(System::Mobile)) {
            constraints::check(
                RULE.id,
                product,
                "in a retail image of Windows 10 Mobile",
                report,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn lint(input: &str, ids: &[&str]) -> Vec<String> {
        let features: String = ids
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        let features = format!("<Features><Microsoft>{features}</Microsoft></Features>");
        let files = [("OEMInput.xml", oem_input(&format!("{input}{features}")))];
        lint_one("mobile-retail-required", &files)
    }

    #[test]
    fn each_missing_feature_is_told_in_any_case_of_those_that_are_there() {
        let found = lint(
            "<ReleaseType>Production</ReleaseType>",
            &["standard_feature_1", "BOOTSEQUENCE_RETAIL"],
        );
        let wanted = "no `SOCProdTest_HSTI` in a retail image of Windows 10 Mobile";
        assert_eq!(found, [format!("error OEMInput.xml:1:2 {wanted}")]);
        assert_eq!(lint("<ReleaseType>Production</ReleaseType>", &[]).len(), 3);
    }

    #[test]
    fn other_systems_and_test_images_need_none() {
        assert!(
            lint(
                "<ReleaseType>Production</ReleaseType><Product>Windows 10 IoT Core</Product>",
                &[]
            )
            .is_empty()
                && lint("<ReleaseType>Test</ReleaseType>", &[]).is_empty()
        );
    }

    #[test]
    fn the_fix_adds_the_feature() {
        let features = "<Features><Microsoft>\n    </Microsoft></Features>";
        let files = [(
            "OEMInput.xml",
            oem_input(&format!(
                "{}{features}",
                "<ReleaseType>Production</ReleaseType>"
            )),
        )];
        let text = fixed("mobile-retail-required", &files, "OEMInput.xml");
        assert!(
            text.contains("\n  <Feature>SOCProdTest_HSTI</Feature>\n"),
            "{text}"
        );
        assert!(lint_one("mobile-retail-required", &[("OEMInput.xml", text)]).is_empty());
    }
}
