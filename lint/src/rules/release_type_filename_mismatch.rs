use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// What file names begin with, and the `ReleaseType` that they promise.
const PROMISES: &[(&str, &str)] = &[
    ("production", "Production"),
    ("retail", "Production"),
    ("test", "Test"),
];

declare_rule! {
    /// The name of an image configuration and its `ReleaseType` contradict each other
    ///
    /// ## What it checks
    /// An `OEMInput.xml` whose name begins with `Test` has the `ReleaseType` `Test`, one whose name begins with `Retail` or
    /// `Production` has `Production`. Other names promise nothing.
    ///
    /// ## Why
    /// The add-on kit takes the configuration from the name of the file and the release type from its content. Where they
    /// differ, packages come from the folder of one kind of image and are accepted by the rules of the other.
    ///
    /// ## Passes
    /// `RetailOEMInput.xml` with
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// `RetailOEMInput.xml` with
    /// ```xml
    /// <ReleaseType>Test</ReleaseType>
    /// ```
    ///
    /// ## Fix
    /// Correct the release type, or give the file the name of its kind. There is no mechanical fix, because either may be
    /// the wrong one.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`: the configuration is the beginning of the file name
    struct ReleaseTypeFilenameMismatch;
    id: "release-type-filename-mismatch",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ReleaseTypeFilenameMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let Some(found) = &input.release_type else {
                continue;
            };
            let value = found.value.trim();
            let is_known = PROMISES
                .iter()
                .any(|(_, known)| known.eq_ignore_ascii_case(value));
            let Some(promised) = promised(input.name()) else {
                continue;
            };
            if is_known && !promised.eq_ignore_ascii_case(value) {
                let name = input.name();
                report
                    .at(
                        input.value(found, "OEMInput/ReleaseType"),
                        format!(
                            "`ReleaseType` is `{value}`, the name `{name}` promises `{promised}`"
                        ),
                    )
                    .help(format!("write `{promised}`, or rename the file"))
                    .fix(Fix::guess(&input.value(found, ""), promised));
            }
        }
    }
}

/// The release type that a file name promises; its first word counts, `Latest` is not `Test`.
fn promised(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    PROMISES.iter().find_map(|(word, release_type)| {
        let rest = name.get(lower.strip_prefix(word).map(|_| word.len())?..)?;
        let ends = rest.to_ascii_lowercase().starts_with("oeminput")
            || !rest.starts_with(|next: char| next.is_lowercase());
        ends.then_some(*release_type)
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(name: &str, release_type: &str) -> usize {
        let text = oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>"));
        lint_one("release-type-filename-mismatch", &[(name, text)]).len()
    }

    #[test]
    fn a_name_that_promises_something_else_is_found() {
        assert_eq!(lint("RetailOEMInput.xml", "Test"), 1);
        assert_eq!(lint("p/productionoeminput.xml", "test"), 1);
        assert_eq!(lint("TestOEMInputTemplate.xml", "Production"), 1);
        assert_eq!(lint("Test_KioskOEMInput.xml", "Production"), 1);
    }

    #[test]
    fn a_name_that_keeps_its_promise_or_makes_none_passes() {
        assert_eq!(lint("RetailOEMInput.xml", "Production"), 0);
        assert_eq!(lint("TestOEMInput.xml", "TEST"), 0);
        assert_eq!(lint("OEMInput.xml", "Test"), 0);
        assert_eq!(lint("LatestOEMInput.xml", "Production"), 0);
        assert_eq!(lint("TestimonialOEMInput.xml", "Production"), 0);
        assert_eq!(lint("RetailOEMInput.xml", "Debug"), 0);
    }
}
