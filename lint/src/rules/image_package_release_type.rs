use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package for tests is in a retail image
    ///
    /// ## What it checks
    /// Every package of a retail image was built for `Production`: by the image's record, and by the manifest that the
    /// package left (`phoneRelease` of a `.mum`, `ReleaseType` of a `.dsm.xml`).
    ///
    /// ## Why
    /// Packages for tests bring test features, debuggers and test certificates. That they got in means that the inputs
    /// and the image differ: an old cabinet, a stale merged manifest.
    ///
    /// ## Passes
    /// phoneRelease="Production"
    ///
    /// ## Fails
    /// ReleaseType Test in UpdateHistory.xml of an image whose OEMInput.xml says Production
    ///
    /// ## Fix
    /// Build the package for Production, and the image again from it.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images"
    struct ImagePackageReleaseType;
    id: "image-package-release-type",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImagePackageReleaseType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        let is_test = |kind: &Option<String>| {
            kind.as_deref()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("Test"))
        };
        let help = "build the package for Production, and the image again";
        let mut recorded_so = Vec::new();
        if let Some(recorded) = &image.recorded {
            let packages = recorded.history.packages.iter();
            for package in packages.filter(|package| is_test(&package.release_type)) {
                let message = format!(
                    "`{}` is a package for tests in a retail image, by the image's own record",
                    package.name
                );
                report.at(recorded.place(package), message).help(help);
                recorded_so.push(package);
            }
        }
        let installed = image.installed.iter();
        for package in installed.filter(|package| is_test(&package.identity.release_type)) {
            let recorded = image
                .recorded
                .as_ref()
                .and_then(|recorded| recorded.find(package));
            if recorded.is_some_and(|recorded| recorded_so.contains(&recorded)) {
                continue;
            }
            let message = format!(
                "`{}` is a package for tests in a retail image, by its manifest",
                package.name()
            );
            report
                .at(image.place(&package.at, "release type"), message)
                .help(help);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, installed, lint_image, recorded};

    const RULE: &str = "image-package-release-type";

    #[test]
    fn each_package_is_told_of_once() {
        let mut image = image();
        image.recorded = Some(recorded(&[
            ("A", "1.0.0.0", "Test"),
            ("B", "1.0.0.0", "Production"),
        ]));
        image.installed = vec![
            installed("A", "1.0.0.0", "Test"),
            installed("B", "1.0.0.0", "Test"),
            installed("C", "1.0.0.0", "Production"),
        ];
        let found = lint_image(RULE, image.clone(), ImageType::Retail);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("UpdateHistory.xml:2:1 `A` is a package for tests"),
            "{found:?}"
        );
        assert!(
            found[1].contains("Packages/B.mum (release type) `B`"),
            "{found:?}"
        );
        assert!(lint_image(RULE, image, ImageType::Test).is_empty());
    }
}
