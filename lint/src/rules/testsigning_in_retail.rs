use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// The features that make the boot loader accept test signatures: IoT Core, Windows 10 Mobile.
const TEST_SIGNING: &[&str] = &["IOT_ENABLE_TESTSIGNING", "ENABLETESTSIGNING"];

declare_rule! {
    /// A retail image switches test signing on
    ///
    /// ## What it checks
    /// No retail image selects `IOT_ENABLE_TESTSIGNING` (IoT Core) or `ENABLETESTSIGNING` (Windows 10 Mobile), in either
    /// section of `Features`.
    ///
    /// ## Why
    /// With test signing on, a device runs whatever is signed with a test certificate, and the keys of the usual test
    /// certificates are published. Whoever reaches the device can replace its drivers and programs.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_ENABLE_TESTSIGNING</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off and sign every package with a retail certificate. The fix comments the feature out.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": signing
    /// - IoT Core feature list, "Test features"
    struct TestsigningInRetail;
    id: "testsigning-in-retail",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: signing",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestsigningInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            for feature in product.features() {
                let id = feature.text.value.as_str();
                if !TEST_SIGNING
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(id))
                {
                    continue;
                }
                report
                    .at(input.item(feature), format!("`{id}` in a retail image"))
                    .because_of_image(product)
                    .help("switch the feature off and sign with a retail certificate")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn input(release_type: &str, features: &str) -> [(&'static str, String); 1] {
        let release_type = format!("<ReleaseType>{release_type}</ReleaseType>");
        let text = oem_input(&format!("{release_type}\n<Features>{features}</Features>"));
        [("OEMInput.xml", text)]
    }

    const ON: &str = "<Microsoft>\n<Feature>IOT_ENABLE_TESTSIGNING</Feature></Microsoft>";

    #[test]
    fn a_retail_image_with_test_signing_is_found_in_either_section() {
        let oem = format!("{ON}<OEM>\n<Feature>EnableTestSigning</Feature></OEM>");
        assert_eq!(
            lint_one("testsigning-in-retail", &input("Production", &oem)),
            [
                "error OEMInput.xml:3:10 `IOT_ENABLE_TESTSIGNING` in a retail image",
                "error OEMInput.xml:4:10 `EnableTestSigning` in a retail image",
            ],
        );
    }

    #[test]
    fn a_test_image_may_and_a_comment_is_no_feature() {
        assert!(lint_one("testsigning-in-retail", &input("Test", ON)).is_empty());
        let off = "<Microsoft><!-- Feature>IOT_ENABLE_TESTSIGNING</Feature --></Microsoft>";
        assert!(lint_one("testsigning-in-retail", &input("Production", off)).is_empty());
    }

    #[test]
    fn the_fix_comments_the_feature_out() {
        let files = input("Production", ON);
        let text = fixed("testsigning-in-retail", &files, "OEMInput.xml");
        assert!(
            text.contains("<!-- Feature>IOT_ENABLE_TESTSIGNING</Feature -->"),
            "{text}"
        );
        assert!(lint_one("testsigning-in-retail", &[("OEMInput.xml", text)]).is_empty());
    }
}
