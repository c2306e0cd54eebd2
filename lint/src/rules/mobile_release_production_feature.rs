use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature of the build type is set by hand, or contradicts another
    ///
    /// ## What it checks
    /// An input of Windows 10 Mobile does not select `RELEASE_PRODUCTION`, `RELEASE_TEST` or `DISABLETESTSIGNING`. It
    /// does not combine `CODEINTEGRITY_PROD` or `TEST` with `PRODUCTION_CORE`, and has at most one of `TEST`, `HEALTH`,
    /// `PRODUCTION` and `SELFHOST`.
    ///
    /// ## Why
    /// The tools make the release features of `ReleaseType`, code integrity comes with the build type, and the switches
    /// for test signing are no longer used. By hand they are without effect or exclude what the tools add.
    ///
    /// ## Passes
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>RELEASE_PRODUCTION</Feature>
    /// <Feature>PRODUCTION_CORE</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for building mobile images": Boot option feature constraints, Security related features
    struct MobileReleaseProductionFeature;
    id: "mobile-release-production-feature",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Boot option feature constraints",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MobileReleaseProductionFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() == Some(System::Mobile)) {
            constraints::check(
                RULE.id,
                product,
                "is set by the tools or no longer used",
                report,
            );
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
        lint_one("mobile-release-production-feature", &files)
    }

    #[test]
    fn features_that_the_tools_set_and_contradictions_are_found() {
        let found = lint(
            "<ReleaseType>Production</ReleaseType>",
            &["RELEASE_PRODUCTION"],
        )
        .concat();
        assert!(
            found.starts_with("warning OEMInput.xml:2:10 `RELEASE_PRODUCTION` is set by"),
            "{found}"
        );
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["PRODUCTION_CORE", "CODEINTEGRITY_PROD"]
            )
            .len(),
            1
        );
        assert_eq!(
            lint("<ReleaseType>Test</ReleaseType>", &["HEALTH", "SELFHOST"]).len(),
            1
        );
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["HEALTH", "PRODUCTION_CORE"]
            )
            .is_empty()
        );
    }
}
