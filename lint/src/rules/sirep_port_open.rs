use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// The feature that brings the service.
const SIREP: &str = "IOT_SIREP";

declare_rule! {
    /// A retail image takes commands from the network without a login
    ///
    /// ## What it checks
    /// No retail image selects `IOT_SIREP`, in either section of `Features`. `dev-feature-in-retail` finds it too; this rule stays
    /// where a project allows developer tools.
    ///
    /// ## Why
    /// The feature opens the port of a service that hardware labs use: whoever reaches it runs commands and reads and writes
    /// files as the system, without a password.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_SIREP</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_SIREP</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out, just as that of `dev-feature-in-retail`.
    ///
    /// ## References
    /// - IoT Core feature list, "Developer tools": `IOT_SIREP`
    struct SirepPortOpen;
    id: "sirep-port-open",
    authority: "Microsoft, IoT Core feature list",
    clause: "Developer tools: IOT_SIREP",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for SirepPortOpen {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            if let Some(feature) = product.feature(SIREP) {
                report
                    .at(
                        product.oem_input.item(feature),
                        format!(
                            "`{}` takes commands from the network without a login",
                            feature.text.value
                        ),
                    )
                    .because_of_image(product)
                    .help("switch the feature off")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(release_type: &str, feature: &str) -> [(&'static str, String); 1] {
        let features = format!("<Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>");
        let text = format!("<ReleaseType>{release_type}</ReleaseType>{features}");
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn the_service_is_an_error_in_retail_and_is_switched_off() {
        let files = files("Production", "iot_sirep");
        let wanted =
            "error OEMInput.xml:2:10 `iot_sirep` takes commands from the network without a login";
        assert_eq!(lint_one("sirep-port-open", &files), [wanted]);
        let text = fixed("sirep-port-open", &files, "OEMInput.xml");
        assert!(
            text.contains("<!-- Feature>iot_sirep</Feature -->"),
            "{text}"
        );
    }

    #[test]
    fn test_images_and_other_features_pass() {
        assert!(lint_one("sirep-port-open", &files("Test", "IOT_SIREP")).is_empty());
        assert!(lint_one("sirep-port-open", &files("Production", "IOT_SSH")).is_empty());
    }
}
