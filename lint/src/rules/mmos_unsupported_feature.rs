use crate::constraints;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing OS selects a feature that it does not support
    ///
    /// ## What it checks
    /// The image of a manufacturing OS selects none of `TESTINFRASTRUCTURE`, `IMGFAKELED` and `LOCATIONFRAMEWORKAPP`.
    /// `LABIMAGE` is a warning.
    ///
    /// ## Why
    /// These features are made for the full system and need parts that a manufacturing OS has not. The sources disagree
    /// on `LABIMAGE`: the same page lists it with the features for development and with those that are not supported.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>ENABLE_USB_COMPOSITE</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>TESTINFRASTRUCTURE</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "MMOS image definition": Specifying features in MMOS
    struct MmosUnsupportedFeature;
    id: "mmos-unsupported-feature",
    authority: "Microsoft, MMOS image definition",
    clause: "Specifying features in MMOS",
    images: [Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosUnsupportedFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            constraints::check(
                RULE.id,
                product,
                "is not supported in a manufacturing OS",
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
        lint_one("mmos-unsupported-feature", &files)
    }

    #[test]
    fn unsupported_features_are_errors_and_the_disputed_one_a_warning() {
        let found = lint(
            "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
            &["IMGFAKELED", "LABIMAGE"],
        );
        assert!(found[0].starts_with("error OEMInput.xml:2:10 `IMGFAKELED` is not supported"));
        assert!(
            found[1].starts_with("warning OEMInput.xml:3:10 "),
            "{found:?}"
        );
        assert!(lint("<ReleaseType>Test</ReleaseType>", &["IMGFAKELED"]).is_empty());
    }
}
