use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The full system selects a charging feature of the manufacturing OS
    ///
    /// ## What it checks
    /// A retail or test image of Windows 10 Mobile selects none of `ENABLE_MMOS_CHARGING`, `ENABLE_UEFI_CHARGING` and
    /// `DISABLE_UEFI_CHARGING`.
    ///
    /// ## Why
    /// These features belong to the manufacturing OS. In the full system they are not defined or change how the device
    /// charges while it is off.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>ENABLE_MMOS_CHARGING</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>ENABLE_MMOS_CHARGING</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS"
    /// - Windows 10 Mobile, "MMOS image definition": Dual use features
    struct MmosChargingElsewhere;
    id: "mmos-charging-elsewhere",
    authority: "Microsoft, Windows 10 Mobile manufacturing OS",
    clause: "Introduction",
    images: [Retail, Test],
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MmosChargingElsewhere {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() != Some(System::IotCore)) {
            constraints::check(RULE.id, product, "outside of a manufacturing OS", report);
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
        lint_one("mmos-charging-elsewhere", &files)
    }

    #[test]
    fn charging_features_of_the_full_system_are_found() {
        let found = lint(
            "<ReleaseType>Production</ReleaseType>",
            &["ENABLE_UEFI_CHARGING"],
        );
        assert_eq!(
            found,
            ["warning OEMInput.xml:2:10 `ENABLE_UEFI_CHARGING` outside of a manufacturing OS"]
        );
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
                &["ENABLE_UEFI_CHARGING"]
            )
            .is_empty()
        );
        assert!(
            lint(
                "<ReleaseType>Production</ReleaseType><Product>Windows 10 IoT Core</Product>",
                &["ENABLE_UEFI_CHARGING"]
            )
            .is_empty()
        );
    }
}
