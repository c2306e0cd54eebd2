use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A test build was asked for, and `ReleaseType` is `Production`
    ///
    /// ## What it checks
    /// Where the user, for example a build job, declares the image to be a test image, `ReleaseType` says `Test`.
    ///
    /// ## Why
    /// The imaging tools believe `ReleaseType`. With `Production` they refuse test packages, and a device that was
    /// meant for development gets an image that passes for a retail image.
    ///
    /// ## Passes
    /// ```xml
    /// <ReleaseType>Test</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fix
    /// Write `Test`, or declare the image that the file really describes. The fix writes `Test`.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": release type
    struct TestReleaseType;
    id: "test-release-type",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: release type",
    images: [Test],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestReleaseType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(found) = &product.oem_input.release_type else {
                continue;
            };
            let is_retail = found.value.trim().eq_ignore_ascii_case("Production");
            if product.declared != Some(ImageType::Test) || !is_retail {
                continue;
            }
            let place = product.oem_input.value(found, "OEMInput/ReleaseType");
            let message = format!(
                "`ReleaseType` is `{}`, a declared test image needs `Test`",
                found.value
            );
            report
                .at(place.clone(), message)
                .help("write `Test`, or declare a retail image")
                .fix(Fix::replace("write `Test`", &place, "Test"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, run, workspace_with};

    fn lint(release_type: &str, image: Option<ImageType>) -> Vec<String> {
        let text = oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>"));
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        let files = [("OEMInput.xml", text)];
        run("test-release-type", &workspace_with(&files, &options))
    }

    #[test]
    fn a_retail_input_in_a_test_build_is_an_error() {
        let found = lint("Production", Some(ImageType::Test));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("error OEMInput.xml:1:"), "{found:?}");
        assert!(found[0].ends_with("is `Production`, a declared test image needs `Test`"));
    }

    #[test]
    fn what_was_not_declared_or_is_right_passes() {
        assert!(lint("Test", Some(ImageType::Test)).is_empty());
        assert!(lint("Production", Some(ImageType::Retail)).is_empty());
        assert!(lint("Production", None).is_empty());
    }
}
