use crate::facts::Facts;
use crate::facts::layout::partition;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device layout lacks a partition that every image has
    ///
    /// ## What it checks
    /// A device layout of IoT Core has the partitions `EFIESP`, `MainOS` and `Data`.
    ///
    /// ## Why
    /// The imaging tools put the boot loader, the system and the data there, and stop at a layout without them.
    ///
    /// ## Passes
    /// A layout with the three.
    ///
    /// ## Fails
    /// A layout without `<Partition><Name>Data</Name>...`
    ///
    /// ## Fix
    /// Add the partition, as in the layouts of the add-on kit.
    ///
    /// ## References
    /// - IoT Core, "Device layout": mandatory partitions
    struct LayoutMissingPartition;
    id: "layout-missing-partition",
    authority: "Microsoft, IoT Core: device layout",
    clause: "Mandatory partitions",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for LayoutMissingPartition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            for name in ["EFIESP", "MainOS", "Data"] {
                if partition(layout, name).is_none() {
                    report
                        .at(
                            layout.root_place(),
                            format!("there is no partition `{name}`"),
                        )
                        .help("add the partition");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{DATA, EFIESP, MAIN_OS, device_layout, lint_one};

    #[test]
    fn the_three_partitions_are_there() {
        let lint = |partitions: &[&str]| {
            lint_one(
                "layout-missing-partition",
                &[("DeviceLayout.xml", device_layout(partitions))],
            )
        };
        assert!(lint(&[EFIESP, MAIN_OS, DATA]).is_empty());
        assert_eq!(
            lint(&[EFIESP, MAIN_OS]),
            ["error DeviceLayout.xml:1:2 there is no partition `Data`"]
        );
        assert_eq!(lint(&[]).len(), 3);
    }
}
