use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image of Windows 10 Mobile has the layout for crash dumps
    ///
    /// ## What it checks
    /// The `SOC` of a retail image of Windows 10 Mobile does not end in `_Test`.
    ///
    /// ## Why
    /// The names with that ending choose a layout with a partition for crash dumps, which is for test images: the
    /// partition takes room from the user, and dumps hold what was in memory.
    ///
    /// ## Passes
    /// ```xml
    /// <SOC>8974</SOC>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SOC>8974_Test</SOC>
    /// ```
    ///
    /// ## Fix
    /// Write the name of the layout for retail.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `SOC`
    struct SocCrashdumpInRetail;
    id: "soc-crashdump-in-retail",
    authority: "Microsoft, OEMInput file contents",
    clause: "SOC",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for SocCrashdumpInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() == Some(System::Mobile)) {
            let input = &product.oem_input;
            let Some(soc) = &input.soc else {
                continue;
            };
            let value = soc.value.trim();
            if value.to_ascii_lowercase().ends_with("_test") {
                report
                    .at(
                        input.value(soc, "OEMInput/SOC"),
                        format!(
                            "`SOC` `{value}` chooses the layout for crash dumps in a retail image"
                        ),
                    )
                    .because_of_image(product)
                    .help("write the name of the layout for retail")
                    .fix(
                        value
                            .get(..value.len().saturating_sub("_test".len()))
                            .and_then(|retail| Fix::guess(&input.value(soc, ""), retail)),
                    );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(release_type: &str, soc: &str, product: &str) -> Vec<String> {
        let text = format!("<ReleaseType>{release_type}</ReleaseType>\n<SOC>{soc}</SOC>{product}");
        lint_one(
            "soc-crashdump-in-retail",
            &[("OEMInput.xml", oem_input(&text))],
        )
    }

    #[test]
    fn the_layout_for_crash_dumps_is_an_error_in_retail() {
        let wanted = "error OEMInput.xml:2:6 `SOC` `8974_TEST` chooses the layout for crash dumps in a retail image";
        assert_eq!(lint("Production", "8974_TEST", ""), [wanted]);
    }

    #[test]
    fn other_names_images_and_systems_pass() {
        assert!(lint("Production", "8974", "").is_empty());
        assert!(lint("Test", "8974_Test", "").is_empty());
        assert!(
            lint(
                "Production",
                "B_Test",
                "<Product>Windows 10 IoT Core</Product>"
            )
            .is_empty()
        );
    }
}
