use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail build was asked for, and `ReleaseType` is `Test`
    ///
    /// ## What it checks
    /// Where the user, for example a build job, declares the image to be a retail image, `ReleaseType` says `Production`.
    ///
    /// ## Why
    /// The imaging tools believe `ReleaseType`. With `Test` they take test packages without a word, and what leaves the
    /// build is a test image under the name of a retail image.
    ///
    /// ## Passes
    /// ```xml
    /// <ReleaseType>Production</ReleaseType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <ReleaseType>Test</ReleaseType>
    /// ```
    ///
    /// ## Fix
    /// Write `Production`, or declare the image that the file really describes. The fix writes `Production`; the image is
    /// then judged as a retail image everywhere.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images": release type
    struct RetailReleaseType;
    id: "retail-release-type",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: release type",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for RetailReleaseType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(found) = &product.oem_input.release_type else {
                continue;
            };
            let is_test = found.value.trim().eq_ignore_ascii_case("Test");
            if product.declared != Some(ImageType::Retail) || !is_test {
                continue;
            }
            let place = product.oem_input.value(found, "OEMInput/ReleaseType");
            let message = format!(
                "`ReleaseType` is `{}`, a declared retail image needs `Production`",
                found.value
            );
            report
                .at(place.clone(), message)
                .help("write `Production`, or declare a test image")
                .fix(Fix::replace("write `Production`", &place, "Production"));
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
        run("retail-release-type", &workspace_with(&files, &options))
    }

    #[test]
    fn a_test_input_in_a_retail_build_is_an_error() {
        let found = lint("test", Some(ImageType::Retail));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("error OEMInput.xml:1:"), "{found:?}");
        assert!(found[0].ends_with("is `test`, a declared retail image needs `Production`"));
    }

    #[test]
    fn what_was_not_declared_or_is_right_passes() {
        assert!(lint("Production", Some(ImageType::Retail)).is_empty());
        assert!(lint("Test", Some(ImageType::Test)).is_empty());
        assert!(lint("Test", None).is_empty());
        assert!(lint("Debug", Some(ImageType::Retail)).is_empty());
    }
}
