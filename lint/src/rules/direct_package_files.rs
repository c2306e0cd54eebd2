use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image takes packages past the feature manifests
    ///
    /// ## What it checks
    /// No retail image has the section `PackageFiles`. For IoT Core it is a warning, because the rule is written for
    /// Windows 10 Mobile.
    ///
    /// ## Why
    /// The section puts single packages into an image without a manifest and without a feature. It is meant for the time
    /// before the packages are in one.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFiles><PackageFile>%PKGBLD_DIR%\Contoso.Agent.cab</PackageFile></PackageFiles>
    /// ```
    ///
    /// ## Fix
    /// Give each package an entry in a feature manifest and choose its feature.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `PackageFiles`
    struct DirectPackageFiles;
    id: "direct-package-files",
    authority: "Microsoft, OEMInput file contents",
    clause: "PackageFiles",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DirectPackageFiles {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let Some(place) = input.list(&input.package_files, "OEMInput/PackageFiles") else {
                continue;
            };
            let finding = report.at(place, "`PackageFiles` in a retail image");
            finding
                .because_of_image(product)
                .help("name the packages in a feature manifest and choose their features");
            if product.is_iot_core() {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(release_type: &str, body: &str) -> Vec<String> {
        let text = format!("<ReleaseType>{release_type}</ReleaseType>\n{body}");
        lint_one(
            "direct-package-files",
            &[("OEMInput.xml", oem_input(&text))],
        )
    }

    const DIRECT: &str = "<PackageFiles><PackageFile>a.cab</PackageFile></PackageFiles>";

    #[test]
    fn the_section_is_an_error_in_mobile_and_a_warning_in_iot_core() {
        let message = "OEMInput.xml:2:1 `PackageFiles` in a retail image";
        assert_eq!(lint("Production", DIRECT), [format!("error {message}")]);
        let iot = format!("{DIRECT}<Product>Windows 10 IoT Core</Product>");
        assert_eq!(lint("Production", &iot), [format!("warning {message}")]);
    }

    #[test]
    fn test_images_and_images_without_it_pass() {
        assert!(lint("Test", DIRECT).is_empty());
        assert!(lint("Production", "").is_empty());
    }
}
