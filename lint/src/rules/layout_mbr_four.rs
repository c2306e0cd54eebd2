use crate::facts::Facts;
use crate::facts::layout::Disk;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An MBR layout has more than four partitions
    ///
    /// ## What it checks
    /// A device layout with MBR types (`0x07`) has at most four partitions.
    ///
    /// ## Why
    /// A master boot record has four entries. More need an extended partition, which takes one of them and moves the numbers
    /// by which boot settings and recovery name a partition.
    ///
    /// ## Passes
    /// `EFIESP`, `MainOS`, `MMOS`, `Data`
    ///
    /// ## Fails
    /// The four and `CrashDump`.
    ///
    /// ## Fix
    /// Leave a partition out, or use a GPT layout.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTDeviceLayout`: reading a layout
    struct LayoutMbrFour;
    id: "layout-mbr-four",
    authority: "iot-adk-addonkit",
    clause: "IoTDeviceLayout: reading a layout",
    images: All,
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

/// Entries of a master boot record.
const MOST: usize = 4;

impl Rule for LayoutMbrFour {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let count = layout.partitions.len();
            if Disk::of_layout(layout) != Some(Disk::Mbr) {
                continue;
            }
            if let Some(fifth) = layout.partitions.get(MOST) {
                report
                    .at(
                        layout.place(fifth.element, fifth.route.clone()),
                        format!("{count} partitions, a master boot record has {MOST} entries"),
                    )
                    .help("leave a partition out, or use a GPT layout");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_layout, lint_one};

    #[test]
    fn the_fifth_partition_is_one_too_many_for_mbr_only() {
        let lint = |kind: &str, count: usize| {
            let one = format!("<Type>{kind}</Type>");
            let text = device_layout(&vec![one.as_str(); count]);
            lint_one("layout-mbr-four", &[("DeviceLayout.xml", text)])
        };
        let wanted =
            "warning DeviceLayout.xml:6:1 5 partitions, a master boot record has 4 entries";
        assert_eq!(lint("0x07", 5), [wanted]);
        assert!(lint("0x07", 4).is_empty());
        assert!(lint("{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}", 5).is_empty());
    }
}
