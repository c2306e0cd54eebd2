use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image of Windows 10 Mobile erases the provisioning data of the device
    ///
    /// ## What it checks
    /// `FormatDPP` of a retail image of Windows 10 Mobile is not `true`. Other systems have no such partition.
    ///
    /// ## Why
    /// The partition DPP holds what the factory wrote once for each device: identifiers, calibration, keys. An image with
    /// `FormatDPP` erases it when it is flashed, and nothing brings it back.
    ///
    /// ## Passes
    /// ```xml
    /// <FormatDPP>false</FormatDPP>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <FormatDPP>true</FormatDPP>
    /// ```
    ///
    /// ## Fix
    /// Write `false`, which the fix does, or take the element out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `FormatDPP`
    struct FormatDppInRetail;
    id: "format-dpp-in-retail",
    authority: "Microsoft, OEMInput file contents",
    clause: "FormatDPP",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FormatDppInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let is_mobile = product.system() == Some(System::Mobile);
            let Some(found) = input.format_dpp.as_ref().filter(|_| is_mobile) else {
                continue;
            };
            let value = found.value.trim();
            if value.eq_ignore_ascii_case("true") || value == "1" {
                let place = input.value(found, "OEMInput/FormatDPP");
                report
                    .at(
                        place.clone(),
                        format!("`FormatDPP` is `{value}` in a retail image"),
                    )
                    .because_of_image(product)
                    .help("write `false`")
                    .fix(Fix::replace("write `false`", &place, "false"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(release_type: &str, value: &str) -> [(&'static str, String); 1] {
        let text =
            format!("<ReleaseType>{release_type}</ReleaseType>\n<FormatDPP>{value}</FormatDPP>");
        [("OEMInput.xml", oem_input(&text))]
    }

    fn lint(release_type: &str, value: &str) -> Vec<String> {
        lint_one("format-dpp-in-retail", &files(release_type, value))
    }

    #[test]
    fn erasing_is_an_error_and_is_mended() {
        let wanted = "error OEMInput.xml:2:12 `FormatDPP` is `True` in a retail image";
        assert_eq!(lint("Production", "True"), [wanted]);
        let text = fixed(
            "format-dpp-in-retail",
            &files("Production", "1"),
            "OEMInput.xml",
        );
        assert!(text.contains("<FormatDPP>false</FormatDPP>"), "{text}");
    }

    #[test]
    fn keeping_it_and_test_images_pass() {
        assert!(lint("Production", "false").is_empty());
        assert!(lint("Test", "true").is_empty());
        let iot = oem_input(
            "<ReleaseType>Production</ReleaseType><FormatDPP>true</FormatDPP><Product>Windows 10 IoT Core</Product>",
        );
        assert!(lint_one("format-dpp-in-retail", &[("OEMInput.xml", iot)]).is_empty());
    }
}
