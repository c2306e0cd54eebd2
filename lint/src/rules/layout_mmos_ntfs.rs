use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{RECOVERY, partition};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The recovery partition is NTFS
    ///
    /// ## What it checks
    /// The recovery partition of a device layout of IoT Core, which is called `MMOS`, is FAT32. (The manufacturing OS of
    /// phones has the same name and nothing to do with it.)
    ///
    /// ## Why
    /// BitLocker encrypts partitions with NTFS, and the recovery system cannot start from an encrypted one.
    ///
    /// ## Passes
    /// `<Name>MMOS</Name><FileSystem>FAT32</FileSystem>`
    ///
    /// ## Fails
    /// `<Name>MMOS</Name><FileSystem>NTFS</FileSystem>`
    ///
    /// ## Fix
    /// Write `FAT32`, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTDeviceLayout`
    /// - IoT Core, "Recovery mechanism"
    struct LayoutMmosNtfs;
    id: "layout-mmos-ntfs",
    authority: "iot-adk-addonkit",
    clause: "IoTDeviceLayout: validation",
    images: All,
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LayoutMmosNtfs {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let recovery = partition(layout, RECOVERY);
            let system = recovery.and_then(|recovery| recovery.file_system.as_ref());
            let Some(system) =
                system.filter(|system| system.value.trim().eq_ignore_ascii_case("NTFS"))
            else {
                continue;
            };
            let place = layout.value(system, "Partition/FileSystem");
            report
                .at(
                    place.clone(),
                    "the recovery partition is `NTFS`, wanted `FAT32`",
                )
                .help("write `FAT32`")
                .fix(Fix::replace("write `FAT32`", &place, "FAT32"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_layout, fixed, lint_one};

    const ID: &str = "layout-mmos-ntfs";

    #[test]
    fn recovery_is_not_encrypted() {
        let files = |system: &str| {
            let recovery = format!("<Name>MMOS</Name><FileSystem>{system}</FileSystem>");
            [("DeviceLayout.xml", device_layout(&[&recovery]))]
        };
        let wanted =
            "warning DeviceLayout.xml:2:41 the recovery partition is `NTFS`, wanted `FAT32`";
        assert_eq!(lint_one(ID, &files("NTFS")), [wanted]);
        assert!(fixed(ID, &files("ntfs"), "DeviceLayout.xml").contains(">FAT32<"));
        assert!(lint_one(ID, &files("FAT32")).is_empty());
    }
}
