use formats::document::wm_xml::WmFile;

use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package for a partition without Windows has files, registry values or drivers of Windows
    ///
    /// ## What it checks
    /// A `*.wm.xml` for `EFIESP`, `PLAT` or another partition without Windows has no registry keys, drivers or
    /// services, and its files go below `$(runtime.bootDrive)`. A file without `destinationDir` goes to the system
    /// folder.
    ///
    /// ## Why
    /// A package is for one partition. Registry and drivers are on `MainOS`; in a package for another partition they
    /// are lost, or the package generator stops.
    ///
    /// ## Passes
    /// ```xml
    /// <onecorePackageInfo targetPartition="EFIESP" ... />
    /// <file source="logo.bmp" destinationDir="$(runtime.bootDrive)\efi\microsoft\boot" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <onecorePackageInfo targetPartition="EFIESP" ... />
    /// <file source="logo.bmp" destinationDir="$(runtime.system32)" />
    /// ```
    ///
    /// ## Fix
    /// Put what belongs to Windows into a package of its own for `MainOS`.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Enable or Disable Manufacturing Mode": note on the partition
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file": Partition
    struct PartitionContent;
    id: "partition-content",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes: Partition",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

/// Partitions with a Windows of their own.
const WITH_WINDOWS: [&str; 2] = ["MainOS", "UpdateOS"];
/// How folders of the partition itself begin, lower case.
const OWN: &str = "$(runtime.bootdrive)";

impl Rule for PartitionContent {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Wm(file) = &package.definition else {
                continue;
            };
            let target = package.definition.target();
            let name = target.value;
            if name.contains("$(")
                || WITH_WINDOWS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name))
            {
                continue;
            }
            let others = package.definition.other_contents().into_iter();
            let others = others.filter(|(what, _)| *what != "boot settings");
            let files = file.files.iter().filter(|file| !is_own(file)).map(|found| {
                let place = file.place(found.element, found.route.clone());
                ("files outside of `$(runtime.bootDrive)`", place)
            });
            for (what, place) in others.chain(files) {
                report
                    .at(place, format!("{what} in a package for `{name}`"))
                    .also(target.place.clone(), "the partition")
                    .help("put it into a package of its own for `MainOS`");
            }
        }
    }
}

/// Whether a file goes into a folder of the partition itself.
fn is_own(file: &WmFile) -> bool {
    let folder = file.destination_dir.as_ref();
    folder.is_some_and(|folder| folder.value.to_lowercase().starts_with(OWN))
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(partition: &str, body: &str) -> Vec<String> {
        let info = format!("<onecorePackageInfo targetPartition=\"{partition}\"/>");
        lint_one(
            "partition-content",
            &[("A.wm.xml", wm_xml("A", &format!("{info}{body}")))],
        )
    }

    const KEYS: &str = "<regKeys>\n<regKey keyName=\"$(hklm.software)\\A\"/></regKeys>";

    #[test]
    fn registry_drivers_and_files_of_windows_are_found() {
        let found = lint("EFIESP", KEYS);
        assert_eq!(
            found,
            ["error A.wm.xml:2:1 registry keys in a package for `EFIESP`"]
        );
        let files = r#"<files><file source="a"/><file source="b" destinationDir="$(runtime.system32)"/></files>"#;
        assert_eq!(lint("PLAT", files).len(), 2);
        assert_eq!(
            lint(
                "Data",
                "<drivers><driver><inf source=\"a.inf\"/></driver></drivers>"
            )
            .len(),
            1
        );
    }

    #[test]
    fn files_of_the_partition_and_packages_for_windows_pass() {
        let file = r#"<files><file source="a" destinationDir="$(RUNTIME.bootdrive)\efi"/></files>"#;
        assert!(lint("EFIESP", file).is_empty());
        assert!(lint("MainOS", KEYS).is_empty() && lint("UpdateOS", KEYS).is_empty());
    }
}
