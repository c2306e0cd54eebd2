use crate::facts::system::System;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package for the partition of the manufacturing OS is in a retail image
    ///
    /// ## What it checks
    /// No retail image of Windows 10 Mobile has a `*.pkg.xml` for the partition `MMOS`. On IoT Core a partition of that
    /// name holds the recovery system, so packages of IoT Core are not judged.
    ///
    /// ## Why
    /// What is on that partition is made for the factory: test programs, tools that write unique data of the device. It
    /// must not be on what customers get.
    ///
    /// ## Passes
    /// ```xml
    /// <Package Partition="MainOS" ...>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package Partition="MMOS" ...>
    /// ```
    ///
    /// ## Fix
    /// Take the package out of the retail image.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS"
    struct MmosOnlyPayload;
    id: "mmos-only-payload",
    authority: "Microsoft, Windows 10 Mobile manufacturing OS",
    clause: "Introduction",
    images: [Retail],
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosOnlyPayload {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let target = package.definition.target();
            let systems = facts.systems_of(file.path());
            if target.value.eq_ignore_ascii_case("MMOS") && !systems.contains(&System::IotCore) {
                report
                    .at(target.place, "a package for `MMOS` in a retail image")
                    .help("take the package out of the retail image");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, run, workspace_with};

    const RULE: &str = "mmos-only-payload";

    fn lint(path: &str, text: String, image: ImageType) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(image),
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(&[(path, text)], &options))
    }

    #[test]
    fn packages_for_the_partition_are_found_in_retail_images_only() {
        let pkg = |partition: &str| pkg_xml(&format!("\nPartition=\"{partition}\""), "");
        let found = lint("A.pkg.xml", pkg("MMOS"), ImageType::Retail);
        assert_eq!(
            found,
            ["error A.pkg.xml:2:12 a package for `MMOS` in a retail image"]
        );
        assert!(lint("A.pkg.xml", pkg("MainOS"), ImageType::Retail).is_empty());
        assert!(lint("A.pkg.xml", pkg("MMOS"), ImageType::Mmos).is_empty());
    }

    #[test]
    fn the_recovery_partition_of_iot_core_is_another_one() {
        let files = [
            ("IoTWorkspace.xml", "<IoTWorkspace/>".to_owned()),
            ("A.pkg.xml", pkg_xml("Partition=\"MMOS\"", "")),
        ];
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        assert!(run(RULE, &workspace_with(&files, &options)).is_empty());
    }
}
