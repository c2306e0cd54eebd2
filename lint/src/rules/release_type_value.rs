use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `ReleaseType` is neither `Test` nor `Production`
    ///
    /// ## What it checks
    /// The text of `ReleaseType` is exactly `Test` or `Production`. A value that differs in case only is a warning.
    ///
    /// ## Why
    /// The schema of `OEMInput.xml` knows these two values and compares them by case. The imaging scripts ignore case, so
    /// a wrong case passes some tools and stops others.
    ///
    /// ## Passes
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <ReleaseType>Retail</ReleaseType>
    /// <ReleaseType>production</ReleaseType>
    /// ```
    ///
    /// ## Fix
    /// Write `Production` for a retail image and `Test` for a test image. Where only the case differs the fix is
    /// mechanical.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `ReleaseType`
    /// - IoT Core manufacturing guide, "Retail and test images"
    struct ReleaseTypeValue;
    id: "release-type-value",
    authority: "Microsoft, OEMInput file contents",
    clause: "ReleaseType",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for ReleaseTypeValue {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(found) = &product.oem_input.release_type else {
                continue;
            };
            let value = found.value.as_str();
            let place = product.oem_input.value(found, "OEMInput/ReleaseType");
            let message = format!("`ReleaseType` is `{value}`, expected `Test` or `Production`");
            match ["Test", "Production"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(value))
            {
                Some(known) if known == value => {}
                Some(known) => {
                    let title = format!("write `{known}`");
                    report
                        .at(place.clone(), message)
                        .help(title.clone())
                        .fix(Fix::replace(title, &place, known))
                        .at_most(Level::Warning);
                }
                None => {
                    report
                        .at(place, message)
                        .help("write `Production` for a retail image, `Test` for a test image");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn lint(value: &str) -> Vec<String> {
        let text = oem_input(&format!("<ReleaseType>{value}</ReleaseType>"));
        lint_one("release-type-value", &[("OEMInput.xml", &text)])
    }

    #[test]
    fn the_two_values_pass() {
        assert!(lint("Test").is_empty());
        assert!(lint("Production").is_empty());
    }

    #[test]
    fn any_other_value_is_an_error() {
        for value in ["Retail", "", "Test Production"] {
            let found = lint(value);
            assert!(found[0].starts_with("error OEMInput.xml:1:"), "{found:?}");
            assert!(found[0].ends_with(&format!("`{value}`, expected `Test` or `Production`")));
        }
    }

    #[test]
    fn another_case_is_a_warning_with_a_fix() {
        assert!(lint("PRODUCTION")[0].starts_with("warning "));
        let text = oem_input("<ReleaseType>test</ReleaseType>");
        let text = fixed(
            "release-type-value",
            &[("OEMInput.xml", &text)],
            "OEMInput.xml",
        );
        assert!(text.contains("<ReleaseType>Test</ReleaseType>"), "{text}");
    }
}
