use crate::constraints;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Features that choose size, place or idling of crash dumps exclude each other
    ///
    /// ## What it checks
    /// An image of Windows 10 Mobile selects at most one of the `DUMPSIZE...` features, one of `DEDICATEDDUMPONEMMC`
    /// and `DEDICATEDDUMPONSD`, and one of `TEST_ENABLE_DISK_IDLE` and `TEST_DISABLE_DISK_IDLE`.
    ///
    /// ## Why
    /// Each of them writes the same settings. With two, the order of the packages decides, and a dump that does not fit
    /// is not written.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>DUMPSIZE1G</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>DUMPSIZE1G</Feature>
    /// <Feature>DUMPSIZE2G</Feature>
    /// ```
    ///
    /// ## Fix
    /// Keep the one that fits the memory and the storage of the device.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for building mobile images": Debug related features
    struct DumpFeatureExclusive;
    id: "dump-feature-exclusive",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Debug related features",
    images: [Test, Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DumpFeatureExclusive {
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
        lint_one("dump-feature-exclusive", &files)
    }

    #[test]
    fn two_of_a_kind_are_found_and_one_of_each_passes() {
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["DUMPSIZE1G", "DUMPSIZE512MB", "DUMPSIZE4G"]
            )
            .len(),
            2
        );
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType><Product>Manufacturing OS</Product>",
                &["DEDICATEDDUMPONSD", "DEDICATEDDUMPONEMMC"]
            )
            .len(),
            1
        );
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["TEST_DISABLE_DISK_IDLE", "test_enable_disk_idle"]
            )
            .len(),
            1
        );
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["DUMPSIZE1G", "DEDICATEDDUMPONSD", "TEST_DISABLE_DISK_IDLE"]
            )
            .is_empty()
        );
    }
}
