use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The workspace of a retail image would sign it for testing
    ///
    /// ## What it checks
    /// Where a retail image belongs to a workspace whose `IoTWorkspace.xml` has `RetailSignToolParam`, that is not empty. A
    /// workspace without the element signs by other means.
    ///
    /// ## Why
    /// With an empty parameter the kit prints one line and goes on to sign for testing; the retail image is built of test-
    /// signed packages.
    ///
    /// ## Passes
    /// ```xml
    /// <RetailSignToolParam>/sha1 5F... /fd SHA256 /s my</RetailSignToolParam>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RetailSignToolParam></RetailSignToolParam>
    /// ```
    ///
    /// ## Fix
    /// Write the parameters of your retail certificate, or sign with `proofmark` and take the element out.
    ///
    /// ## References
    /// - iot-adk-addonkit, Set-IoTRetailSign
    struct RetailSignMode;
    id: "retail-sign-mode",
    authority: "iot-adk-addonkit, Set-IoTRetailSign",
    clause: "RetailSignToolParam",
    images: [Retail],
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for RetailSignMode {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let settings = product.workspace_settings.as_ref();
            let parameter = settings
                .and_then(|file| Some((file, file.config.retail_sign_tool_param.as_ref()?)));
            if let Some((file, parameter)) = parameter
                && parameter.value.trim().is_empty()
            {
                report
                    .at(
                        file.value(parameter, "IoTWorkspace/Config/RetailSignToolParam"),
                        "`RetailSignToolParam` is empty, and the kit would sign for testing",
                    )
                    .because_of_image(product)
                    .help("write the parameters of your retail certificate");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(parameter: &str, release_type: &str) -> String {
        let settings = format!(
            "<IoTWorkspace><Config><OemName>A</OemName>\n<RetailSignToolParam>{parameter}</RetailSignToolParam></Config>\
             </IoTWorkspace>"
        );
        let input = oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>"));
        let files = [
            ("IoTWorkspace.xml", settings),
            ("Source-arm/Products/P/OEMInput.xml", input),
        ];
        lint_one("retail-sign-mode", &files).concat()
    }

    #[test]
    fn an_empty_parameter_is_wrong_beside_retail_images_only() {
        let found = lint("", "Production");
        assert!(found.starts_with("error IoTWorkspace.xml:2:"), "{found}");
        assert_eq!(lint("/sha1 00", "Production"), "");
        assert_eq!(lint("", "Test"), "");
    }
}
