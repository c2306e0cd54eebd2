use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Features that choose the boot sequence or the boot keys exclude each other
    ///
    /// ## What it checks
    /// Of `BOOTSEQUENCE_TEST`, `MMOSLOADER_TEST` and `BOOTSEQUENCE_RETAIL` an image of Windows 10 Mobile selects one at
    /// most, and so of `ENABLE_BOOT_KEYS_TEST` and `ENABLE_BOOT_KEYS_RETAIL`.
    ///
    /// ## Why
    /// Each of them brings a whole boot configuration. With two, the order of the packages decides what the device
    /// boots.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>BOOTSEQUENCE_TEST</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>BOOTSEQUENCE_TEST</Feature>
    /// <Feature>MMOSLOADER_TEST</Feature>
    /// ```
    ///
    /// ## Fix
    /// Keep the one that fits the image.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for building mobile images": Boot option features
    /// - Windows 10 Mobile, "MMOS image definition": Specifying features in MMOS
    struct BootsequenceExclusive;
    id: "bootsequence-exclusive",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Boot option features",
    images: [Retail, Test, Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for BootsequenceExclusive {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() != Some(System::IotCore)) {
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
        lint_one("bootsequence-exclusive", &files)
    }

    #[test]
    fn two_boot_sequences_are_found_at_the_second() {
        let found = lint(
            "<ReleaseType>Test</ReleaseType>",
            &["MMOSLOADER_TEST", "BOOTSEQUENCE_TEST"],
        );
        let wanted = "`MMOSLOADER_TEST` together with `BOOTSEQUENCE_TEST`, expected one of them";
        assert_eq!(found, [format!("error OEMInput.xml:2:10 {wanted}")]);
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
                &["ENABLE_BOOT_KEYS_TEST", "ENABLE_BOOT_KEYS_RETAIL"]
            )
            .len(),
            1
        );
    }

    #[test]
    fn one_of_each_passes() {
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["BOOTSEQUENCE_TEST", "ENABLE_BOOT_KEYS_TEST"]
            )
            .is_empty()
        );
    }
}
