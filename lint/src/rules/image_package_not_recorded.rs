use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is in a finished image that its record does not name
    ///
    /// ## What it checks
    /// Every package that left a manifest in the image (`Windows/servicing/Packages`, `Windows/Packages/DsmFiles`) is
    /// in `UpdateHistory.xml`, in the same version.
    ///
    /// ## Why
    /// Updates are planned by the record. A package that is not in it was put in by other means, or the record is that
    /// of another image.
    ///
    /// ## Passes
    /// A manifest and a record of `Fjordlight.Kiosk.Agent` 10.1.4.0
    ///
    /// ## Fails
    /// a manifest of version 10.1.5.0 and a record of 10.1.4.0
    ///
    /// ## Fix
    /// Build the image again with the imaging tool, which writes the record.
    ///
    /// ## References
    /// - MobilePackageGen: which records images have
    struct ImagePackageNotRecorded;
    id: "image-package-not-recorded",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Images and packages",
    images: All,
    input: Image,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ImagePackageNotRecorded {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let Some(recorded) = &image.recorded else {
            return;
        };
        for package in &image.installed {
            let (name, version) = (package.name(), package.identity.version.as_deref());
            let message = match recorded.find(package) {
                None => format!("`{name}` is in the image, and its record does not name it"),
                Some(known) => match (version, known.version.as_deref()) {
                    (Some(found), Some(known)) if found != known => {
                        format!(
                            "`{name}` is in the image in version {found}, its record says {known}"
                        )
                    }
                    _ => continue,
                },
            };
            let finding = report.at(image.place(&package.at, "identity"), message);
            finding.help("build the image again, so that record and packages fit");
            // Whether inbox packages have parts with manifests of their own that no record names, nobody has published.
            if package.is_of_microsoft() {
                finding.at_most(Level::Info);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, installed, lint_image, recorded};

    #[test]
    fn packages_and_versions_beside_the_record_are_found() {
        let mut image = image();
        image.recorded = Some(recorded(&[
            ("A", "1.0.0.0", "Production"),
            ("B", "1.0.0.0", "Production"),
        ]));
        let mut inbox = installed("Inbox", "1.0.0.0", "Production");
        inbox.identity.owner_type = Some("Microsoft".to_owned());
        image.installed = vec![
            installed("a", "1.0.0.0", "Production"),
            installed("B", "2.0.0.0", "Production"),
            installed("C", "1.0.0.0", "Production"),
            inbox,
        ];
        let found = lint_image("image-package-not-recorded", image, ImageType::Test);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].starts_with("warning ")
                && found[0].contains("`B` is in the image in version 2.0.0.0")
        );
        assert!(found[1].contains("`C` is in the image, and its record does not name it"));
        assert!(found[2].starts_with("info "));
    }
}
