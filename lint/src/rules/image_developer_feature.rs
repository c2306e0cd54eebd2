use crate::facts::Facts;
use crate::image::ImageType;
use crate::lists::Class;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image has the packages of a developer feature that it does not choose
    ///
    /// ## What it checks
    /// Packages in a retail image that the manifests in it ascribe only to features for developers or tests, while the
    /// image's `OEMInput.xml` chooses none of these. Features that it does choose are reported by
    /// `dev-feature-in-retail` and `test-feature-in-retail`.
    ///
    /// ## Why
    /// Shells, remote services and test tools are on the device though nobody asked for them: the image is not what its
    /// configuration says.
    ///
    /// ## Passes
    /// An image whose packages are those of its features
    ///
    /// ## Fails
    /// Microsoft-OneCore-Sirep-Package in an image without IOT_SIREP
    ///
    /// ## Fix
    /// Look where the package came from: an additional manifest, `PackageFiles`, a copied image. Build the image again
    /// without it.
    ///
    /// ## References
    /// - Microsoft, IoT Core feature list: developer tools, test features
    struct ImageDeveloperFeature;
    id: "image-developer-feature",
    authority: "Microsoft, IoT Core feature list",
    clause: "Developer tools",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageDeveloperFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        let is_tool = |class| matches!(class, Class::Developer | Class::Test);
        for (package, features) in facts.unchosen_packages(image, is_tool) {
            if features
                .iter()
                .any(|id| id.eq_ignore_ascii_case(crate::facts::full_flash::features::ADMIN))
            {
                continue;
            }
            let message = format!(
                "`{}` is in a retail image that does not choose {}",
                package.name(),
                features.join(" or ")
            );
            report
                .at(image.place(&package.at, "identity"), message)
                .help("find out what brought the package, and build the image again without it");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::image::lint_with_manifest;

    const ENTRY: &str = "<PackageFile Name=\"Sirep.cab\"><FeatureIDs><FeatureID>IOT_SIREP</FeatureID></FeatureIDs></PackageFile>";

    #[test]
    fn packages_of_tools_that_nobody_chose_are_found() {
        let lint = |release, features| {
            lint_with_manifest("image-developer-feature", release, ENTRY, features, "Sirep")
        };
        let found = lint("Production", "");
        assert!(
            found[0].ends_with("`Sirep` is in a retail image that does not choose IOT_SIREP"),
            "{found:?}"
        );
        assert!(lint("Production", "<Feature>IOT_SIREP</Feature>").is_empty());
        assert!(lint("Test", "").is_empty());
    }
}
