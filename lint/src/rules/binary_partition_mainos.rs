use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package with the image of a partition has other contents, or is for a partition of Windows
    ///
    /// ## What it checks
    /// A package with a `BinaryPartition` has no other contents and is for none of `MainOS`, `EFIESP` and `UpdateOS`.
    /// The same holds for a `*.pkg.xml` with `BinaryPartition="true"`.
    ///
    /// ## Why
    /// Such a package replaces the whole partition by an image. On a partition with files that would destroy it, and
    /// the checks for submissions refuse it.
    ///
    /// ## Passes
    /// ```xml
    /// <Package Partition="MODEM" BinaryPartition="true" ...>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package Partition="MainOS" BinaryPartition="true" ...>
    /// ```
    ///
    /// ## Fix
    /// Choose the partition that the image is for, and put other contents into a package of their own.
    ///
    /// ## References
    /// - Windows 10 Mobile, "WSPC requirements for retail images": Standard validation
    /// - IoT Core, "Windows Universal OEM Package Schema"
    struct BinaryPartitionMainos;
    id: "binary-partition-mainos",
    authority: "Microsoft, WSPC requirements for retail images",
    clause: "Standard validation, rules 3 to 5",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

/// Partitions that hold files.
const WITH_FILES: [&str; 3] = ["MainOS", "EFIESP", "UpdateOS"];

impl Rule for BinaryPartitionMainos {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let (images, flag) = match definition {
                Definition::Wm(file) => (&file.binary_partitions, None),
                Definition::Pkg(file) => (&file.binary_partitions, file.binary_partition.as_ref()),
            };
            let flag = flag.filter(|flag| flag.value.eq_ignore_ascii_case("true"));
            let image = images.first().map(|image| &image.value);
            let Some(value) = image.or(flag) else {
                continue;
            };
            let place = definition.place(value, "BinaryPartition");
            let target = definition.target();
            if WITH_FILES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(target.value))
            {
                let message = format!(
                    "the image of a partition in a package for `{}`",
                    target.value
                );
                report
                    .at(place, message)
                    .also(target.place, "the partition")
                    .help("write the partition that the image is for");
            } else if !definition.files().is_empty() || !definition.other_contents().is_empty() {
                report
                    .at(place, "the image of a partition beside other contents")
                    .help("put the other contents into a package of their own");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml, wm_xml};

    const RULE: &str = "binary-partition-mainos";

    #[test]
    fn an_image_for_a_partition_with_files_is_found() {
        let pkg = |attributes: &str| lint_one(RULE, &[("A.pkg.xml", pkg_xml(attributes, ""))]);
        assert!(
            pkg("\nBinaryPartition=\"true\"")
                .concat()
                .starts_with("error A.pkg.xml:2:18 ")
        );
        assert!(pkg("BinaryPartition=\"false\"").is_empty());
        assert!(pkg("BinaryPartition=\"true\" Partition=\"MODEM\"").is_empty());
    }

    #[test]
    fn an_image_stands_alone() {
        let wm = |more: &str| {
            let info = "<onecorePackageInfo targetPartition=\"PLAT\"/><BinaryPartition ImageSource=\"a.bin\"/>";
            lint_one(RULE, &[("A.wm.xml", wm_xml("A", &format!("{info}{more}")))])
        };
        assert!(wm("").is_empty());
        assert!(
            wm("<files><file source=\"b\"/></files>")
                .concat()
                .contains("beside other contents")
        );
    }
}
