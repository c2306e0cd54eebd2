use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is for the data partition, which updates do not reach
    ///
    /// ## What it checks
    /// No package is for the partition `Data`.
    ///
    /// ## Why
    /// Packages on the data partition cannot be updated: the partition is formatted when the device is reset, and what
    /// was on it is gone. For contents that never change that may be right.
    ///
    /// ## Passes
    /// ```xml
    /// targetPartition="MainOS"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// targetPartition="Data"
    /// ```
    ///
    /// ## Fix
    /// Put the package on `MainOS`, or keep it where its contents never need an update.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file": Partition
    struct DataPartitionUpdate;
    id: "data-partition-update",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes: Partition",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for DataPartitionUpdate {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let target = package.definition.target();
            if target.value.eq_ignore_ascii_case("Data") {
                report
                    .at(
                        target.place,
                        "a package on the data partition cannot be updated",
                    )
                    .help("put it on `MainOS`, or keep it where its contents never change");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    #[test]
    fn packages_on_the_data_partition_are_found() {
        let lint = |attributes: &str| {
            lint_one(
                "data-partition-update",
                &[("A.pkg.xml", pkg_xml(attributes, ""))],
            )
        };
        assert!(
            lint("\nPartition=\"Data\"")
                .concat()
                .starts_with("warning A.pkg.xml:2:12 ")
        );
        assert!(lint("Partition=\"MainOS\"").is_empty() && lint("").is_empty());
    }
}
