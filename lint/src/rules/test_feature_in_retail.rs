use crate::facts::Facts;
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

/// Test features that rules of their own speak about.
const OTHER_RULES: &[&str] = &[
    "ENABLETESTSIGNING",
    "IOT_ENABLE_ADMIN",
    "IOT_ENABLE_TESTSIGNING",
];

declare_rule! {
    /// A test feature is in a retail image
    ///
    /// ## What it checks
    /// No retail image selects a feature that Microsoft's feature list has for test images only, in either section of
    /// `Features`: kernel debugging and its transports, the driver test framework, the test boot partition and others.
    /// `IOT_ENABLE_TESTSIGNING` and `IOT_ENABLE_ADMIN` are left to `testsigning-in-retail` and `default-admin-account`.
    ///
    /// ## Why
    /// These features open a device to whoever can reach its ports, or make it boot in a way that is not meant for
    /// customers. The imaging tools build such an image without a complaint.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_KDSERIAL_SETTINGS</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_KDSERIAL_SETTINGS</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off, or build a test image. The fix comments the feature out. Instead of `IOT_EFIESP_TEST` a
    /// retail image needs `IOT_EFIESP`.
    ///
    /// ## References
    /// - IoT Core feature list, "Test features"
    struct TestFeatureInRetail;
    id: "test-feature-in-retail",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestFeatureInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let Some(known) = lists::feature(id) else {
                    continue;
                };
                if known.class != Class::Test || OTHER_RULES.contains(&known.id) {
                    continue;
                }
                report
                    .at(
                        product.oem_input.item(feature),
                        format!("`{id}`, a test feature, in a retail image"),
                    )
                    .because_of_image(product)
                    .help("switch the feature off, or build a test image")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn input(release_type: &str, feature: &str) -> [(&'static str, String); 1] {
        let release_type = format!("<ReleaseType>{release_type}</ReleaseType>");
        let features = format!("<Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>");
        [("OEMInput.xml", oem_input(&(release_type + &features)))]
    }

    fn lint(release_type: &str, feature: &str) -> Vec<String> {
        lint_one("test-feature-in-retail", &input(release_type, feature))
    }

    #[test]
    fn a_test_feature_is_found_in_any_case() {
        assert_eq!(
            lint("Production", "iot_kd_on"),
            ["error OEMInput.xml:2:10 `iot_kd_on`, a test feature, in a retail image"],
        );
        assert_eq!(lint("Production", "IOT_WDTF").len(), 1);
    }

    #[test]
    fn test_images_other_features_and_those_of_other_rules_pass() {
        assert!(lint("Test", "IOT_KD_ON").is_empty());
        assert!(lint("Production", "IOT_EFIESP").is_empty());
        assert!(lint("Production", "IOT_ENABLE_ADMIN").is_empty());
        assert!(lint("Production", "KIOSK_TEST").is_empty());
    }

    #[test]
    fn the_fix_comments_the_feature_out() {
        let files = input("Production", "IOT_KD_ON");
        let text = fixed("test-feature-in-retail", &files, "OEMInput.xml");
        assert!(
            text.contains("<!-- Feature>IOT_KD_ON</Feature -->"),
            "{text}"
        );
    }
}
