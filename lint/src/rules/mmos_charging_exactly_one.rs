use crate::constraints;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing OS does not choose whether UEFI charges the battery
    ///
    /// ## What it checks
    /// The image of a manufacturing OS selects exactly one of `ENABLE_UEFI_CHARGING` and `DISABLE_UEFI_CHARGING`.
    ///
    /// ## Why
    /// Charging in UEFI has to be either on or off for a manufacturing OS to work; the two features set it.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>ENABLE_UEFI_CHARGING</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>ENABLE_UEFI_CHARGING</Feature>
    /// <Feature>DISABLE_UEFI_CHARGING</Feature>
    /// ```
    ///
    /// ## Fix
    /// Select the one that is meant.
    ///
    /// ## References
    /// - Windows 10 Mobile, "MMOS image definition": Dual use features
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS"
    struct MmosChargingExactlyOne;
    id: "mmos-charging-exactly-one",
    authority: "Microsoft, MMOS image definition",
    clause: "Dual use features",
    images: [Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosChargingExactlyOne {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            constraints::check(RULE.id, product, "", report);
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
        lint_one("mmos-charging-exactly-one", &files)
    }

    #[test]
    fn neither_and_both_are_found() {
        let found = lint(
            "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
            &["X"],
        )
        .concat();
        assert!(
            found.starts_with("error OEMInput.xml:1:2 neither `ENABLE_UEFI_CHARGING` nor"),
            "{found}"
        );
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
                &["DISABLE_UEFI_CHARGING", "ENABLE_UEFI_CHARGING"]
            )
            .len(),
            1
        );
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
                &["DISABLE_UEFI_CHARGING"]
            )
            .is_empty()
        );
        assert!(lint("<ReleaseType>Test</ReleaseType>", &[]).is_empty());
    }
}
