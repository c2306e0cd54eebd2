use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is for a partition that does not exist
    ///
    /// ## What it checks
    /// The partition of a package is `MainOS`, `UpdateOS`, `EFIESP`, `PLAT`, `Data`, in a `*.pkg.xml` also `MMOS`, or
    /// one of the product's device layout. `PLAT` and `MMOS` are in the layout, where the product has one. A difference
    /// in case only is a warning.
    ///
    /// ## Why
    /// The image tool puts each package on its partition and stops where there is none.
    ///
    /// ## Passes
    /// ```xml
    /// targetPartition="EFIESP"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// targetPartition="ESP"
    /// ```
    ///
    /// ## Fix
    /// Write the name of a partition of the layout.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema": onecorePackageInfo
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file"
    struct TargetPartition;
    id: "target-partition",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "onecorePackageInfo",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

/// Partitions that every image has, and those that a layout may bring.
const ALWAYS: [&str; 4] = ["MainOS", "UpdateOS", "EFIESP", "Data"];
const OPTIONAL: [&str; 2] = ["PLAT", "MMOS"];

impl Rule for TargetPartition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let Some(found) = definition.partition() else {
                continue;
            };
            let name = found.value;
            let owners = facts.owners(definition.path());
            let layouts: Vec<_> = owners.flat_map(|product| facts.layouts(product)).collect();
            let partitions = layouts.iter().flat_map(|layout| &layout.partitions);
            let names: Vec<&str> = partitions
                .filter_map(|partition| Some(partition.name.as_ref()?.value.as_str()))
                .collect();
            let optional = OPTIONAL
                .iter()
                .filter(|known| names.is_empty() || names.contains(known));
            let known: Vec<&str> = ALWAYS
                .iter()
                .chain(optional)
                .copied()
                .chain(names.iter().copied())
                .collect();
            if name.contains("$(") || known.contains(&name) {
                continue;
            }
            let message = format!(
                "the partition is `{name}`, expected one of `{}`",
                known.join("`, `")
            );
            let finding = report.at(found.place, message);
            finding.help(match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the name of a partition of the device layout".to_owned(),
            });
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{help, lint_one, product, wm_xml};

    const RULE: &str = "target-partition";

    fn wm(partition: &str) -> String {
        wm_xml(
            "A",
            &format!("\n<onecorePackageInfo targetPartition=\"{partition}\"/>"),
        )
    }

    #[test]
    fn known_partitions_pass_and_others_are_found() {
        let lint = |partition| lint_one(RULE, &[("A.wm.xml", wm(partition))]).concat();
        assert_eq!(lint("EFIESP") + &lint("PLAT") + &lint("$(PARTITION)"), "");
        assert!(lint("ESP").starts_with("error A.wm.xml:2:38 the partition is `ESP`"));
        assert!(lint("mainos").starts_with("warning "));
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |partition| help(RULE, &[("A.wm.xml", wm(partition))]).concat();
        assert_eq!(of("MianOS"), "did you mean `MainOS`?");
        assert!(of("Recovery").starts_with("write the name "));
    }

    #[test]
    fn the_layout_of_the_product_decides_on_the_others() {
        let lint = |partition, name: &str| {
            let layout = format!(
                "<DeviceLayout><Partitions><Partition><Name>{name}</Name></Partition></Partitions></DeviceLayout>"
            );
            let mut files = product("<ReleaseType>Test</ReleaseType>", &[("A", wm(partition))]);
            files.push(("A/DeviceLayout.xml".into(), layout));
            lint_one(RULE, &files).len()
        };
        assert_eq!(
            (
                lint("PLAT", "PLAT"),
                lint("PLAT", "MainOS"),
                lint("OEM1", "OEM1")
            ),
            (0, 1, 0)
        );
    }
}
