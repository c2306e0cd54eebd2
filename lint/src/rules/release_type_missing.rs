use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `ReleaseType` is missing from an image configuration
    ///
    /// ## What it checks
    /// Every `OEMInput.xml` has an element `ReleaseType`.
    ///
    /// ## Why
    /// `ReleaseType` makes the difference between a retail and a test image. Without it nobody, this program included,
    /// knows which packages and signatures the image may have.
    ///
    /// ## Passes
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <OEMInput>
    ///   <SOC>QC8016</SOC>
    ///   <BuildType>fre</BuildType>
    /// </OEMInput>
    /// ```
    ///
    /// ## Fix
    /// Add `<ReleaseType>Production</ReleaseType>` for a retail image, `<ReleaseType>Test</ReleaseType>` for a test image.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images"
    /// - Windows 10 Mobile, "OEMInput file contents": `ReleaseType` is required
    struct ReleaseTypeMissing;
    id: "release-type-missing",
    authority: "Microsoft, OEMInput file contents",
    clause: "ReleaseType",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for ReleaseTypeMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            if input.release_type.is_none() {
                report
                    .at(input.root_place(), "no `ReleaseType`, so the image type is undefined")
                    .help("add `<ReleaseType>Production</ReleaseType>` for a retail image, `Test` for a test image");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    #[test]
    fn an_input_without_a_release_type_is_found_at_its_root() {
        let text = oem_input("<SOC>A</SOC>");
        assert_eq!(
            lint_one("release-type-missing", &[("OEMInput.xml", &text)]),
            ["error OEMInput.xml:1:2 no `ReleaseType`, so the image type is undefined"],
        );
    }

    #[test]
    fn any_release_type_is_enough_here() {
        for value in ["Test", "Production", "Debug"] {
            let text = oem_input(&format!("<ReleaseType>{value}</ReleaseType>"));
            assert!(lint_one("release-type-missing", &[("OEMInput.xml", &text)]).is_empty());
        }
    }
}
