use crate::facts::Facts;
use crate::facts::layout::{RECOVERY, partition, sectors};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The recovery partition is smaller than the documents have it
    ///
    /// ## What it checks
    /// The recovery partition of a device layout of IoT Core, which is called `MMOS`, has at least 4096000 sectors (2 GB).
    ///
    /// ## Why
    /// It holds a recovery system and a whole image. How much that is depends on the product, so this is information.
    ///
    /// ## Passes
    /// `<Name>MMOS</Name><TotalSectors>4096000</TotalSectors>`
    ///
    /// ## Fails
    /// `<Name>MMOS</Name><TotalSectors>1024000</TotalSectors>`
    ///
    /// ## Fix
    /// Enlarge the partition, or see to it that the recovery image fits.
    ///
    /// ## References
    /// - IoT Core, "Device layout"; "Recovery mechanism"
    struct LayoutMmosSize;
    id: "layout-mmos-size",
    authority: "Microsoft, IoT Core: device layout",
    clause: "MMOS",
    images: All,
    input: DeviceLayout,
    level: Info,
    since: "0.1.0",
}

/// Sectors of the recovery partition in the documents.
const USUAL: u64 = 4_096_000;

impl Rule for LayoutMmosSize {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let Some(recovery) = partition(layout, RECOVERY) else {
                continue;
            };
            if let Some(size) = &recovery.total_sectors
                && sectors(&recovery.total_sectors).is_some_and(|size| size < USUAL)
            {
                report
                    .at(
                        layout.value(size, format!("{}/TotalSectors", recovery.route)),
                        format!(
                            "the recovery partition has {} sectors, usual are {USUAL}",
                            size.value
                        ),
                    )
                    .help("see to it that the recovery image fits");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_layout, lint_one};

    #[test]
    fn a_small_partition_is_told_of() {
        let lint = |size: &str| {
            let recovery = format!("<Name>MMOS</Name><TotalSectors>{size}</TotalSectors>");
            lint_one(
                "layout-mmos-size",
                &[("DeviceLayout.xml", device_layout(&[&recovery]))],
            )
        };
        let wanted = "info DeviceLayout.xml:2:43 the recovery partition has 1024000 sectors, usual are 4096000";
        assert_eq!(lint("1024000"), [wanted]);
        assert!(lint("0x3E8000").is_empty() && lint("4096001").is_empty());
    }
}
