use crate::facts::Facts;
use crate::facts::full_flash::packages::is_same_name;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The record of a finished image names a package that is not there
    ///
    /// ## What it checks
    /// Every package in `UpdateHistory.xml` left a manifest on a partition whose files can be read. Packages that are
    /// the image of a whole partition leave none.
    ///
    /// ## Why
    /// An update that builds on the package fails on every device. The package was removed by other means than
    /// servicing, or the record is that of another image.
    ///
    /// ## Passes
    /// A record and a manifest of `Fjordlight.Kiosk.Agent`
    ///
    /// ## Fails
    /// a record of a package whose manifest was deleted
    ///
    /// ## Fix
    /// Build the image again with the imaging tool.
    ///
    /// ## References
    /// - MobilePackageGen: which records images have
    struct ImagePackageNotPresent;
    id: "image-package-not-present",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Images and packages",
    images: All,
    input: Image,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ImagePackageNotPresent {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let Some(recorded) = &image.recorded else {
            return;
        };
        if image.installed.is_empty() {
            let message = "the image has a record of its packages, and no manifest of any";
            report.at(
                image.place("MainOS:Windows/servicing/Packages", ""),
                message,
            );
            return;
        }
        for package in &recorded.history.packages {
            let is_elsewhere = package.is_binary_partition
                || package
                    .partition
                    .as_deref()
                    .is_some_and(|name| image.partition(name).is_none());
            let mut installed = image.installed.iter();
            if !is_elsewhere && !installed.any(|found| is_same_name(found.name(), &package.name)) {
                let message = format!(
                    "`{}` is recorded, and left no manifest in the image",
                    package.name
                );
                report
                    .at(recorded.place(package), message)
                    .help("build the image again, so that record and packages fit");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, installed, lint_image, recorded};

    #[test]
    fn a_record_without_a_package_is_found() {
        let mut image = image();
        let packages = [
            ("A", "1.0.0.0", "Production"),
            ("B", "1.0.0.0", "Production"),
        ];
        image.recorded = Some(recorded(&packages));
        let none = lint_image("image-package-not-present", image.clone(), ImageType::Test);
        assert!(none[0].contains("no manifest of any"), "{none:?}");
        image.installed = vec![installed("a", "1.0.0.0", "Production")];
        let found = lint_image("image-package-not-present", image.clone(), ImageType::Test);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("UpdateHistory.xml:3:1 `B` is recorded"),
            "{found:?}"
        );
        image.partitions = vec!["EFIESP".to_owned()];
        assert!(lint_image("image-package-not-present", image, ImageType::Test).is_empty());
    }
}
