use std::collections::BTreeMap;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{least_sectors, sectors};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device platform allows disks that the layout does not fit on
    ///
    /// ## What it checks
    /// `MinSectorCount` of an `OEMDevicePlatform.xml` is at least what the partitions of the layout need together: `TotalSectors`,
    /// and `MinFreeSectors` where there is no total. The layout is the one in the same folder, and the one that comes with
    /// the platform into an image.
    ///
    /// ## Why
    /// The flashing tools refuse disks below `MinSectorCount`. If that is too small they start, and fail or leave a device
    /// without its last partition.
    ///
    /// ## Passes
    /// `<MinSectorCount>7372800</MinSectorCount>` with partitions of 65536 and 1048576 sectors
    ///
    /// ## Fails
    /// `<MinSectorCount>1000000</MinSectorCount>` with the same
    ///
    /// ## Fix
    /// Raise the number to the size of the smallest disk that devices have.
    ///
    /// ## References
    /// - IoT Core, "Device layout": device platform
    struct PlatformMinSectors;
    id: "platform-min-sectors",
    authority: "Microsoft, IoT Core: device layout",
    clause: "MinSectorCount",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for PlatformMinSectors {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut pairs = BTreeMap::new();
        for file in &facts.documents.device_platforms {
            for beside in facts.index.layouts_in(file.folder()) {
                pairs.insert((file.path(), beside.path()), (file, *beside));
            }
        }
        for product in &facts.products {
            if let (Some(file), Some(layout)) = (facts.platform(product), facts.layout(product)) {
                pairs.insert((file.path(), layout.path()), (file, layout));
            }
        }
        for (platform, layout) in pairs.into_values() {
            let (Some(written), Some(least)) = (&platform.min_sector_count, least_sectors(layout))
            else {
                continue;
            };
            if sectors(&platform.min_sector_count).is_some_and(|count| count < least) {
                report
                    .at(
                        platform.value(written, "OEMDevicePlatform/MinSectorCount"),
                        format!(
                            "`MinSectorCount` is {}, the partitions need {least} sectors",
                            written.value
                        ),
                    )
                    .also(layout.root_place(), "the layout")
                    .help("write the size of the smallest disk that devices have")
                    .fix(Fix::replace(
                        format!("write `{least}`"),
                        &platform.value(written, ""),
                        least.to_string(),
                    ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{DATA, EFIESP, MAIN_OS, device_layout, device_platform, lint_one};

    #[test]
    fn the_smallest_disk_holds_all_partitions() {
        let lint = |count: &str, folder: &str| {
            let platform = device_platform(&format!("\n<MinSectorCount>{count}</MinSectorCount>"));
            let path = format!("{folder}/OEMDevicePlatform.xml");
            let layout = device_layout(&[EFIESP, MAIN_OS, DATA]);
            let files = [("L/DeviceLayout.xml", layout), (path.as_str(), platform)];
            lint_one("platform-min-sectors", &files)
        };
        let wanted = "error L/OEMDevicePlatform.xml:2:17 `MinSectorCount` is 1000000, the partitions need 1114112 sectors";
        assert_eq!(lint("1000000", "L"), [wanted]);
        assert!(lint("0x708000", "L").is_empty());
        assert!(lint("1000000", "other").is_empty());
    }
}
