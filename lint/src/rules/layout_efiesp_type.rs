use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{Disk, partition};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The boot partition has not the type of one
    ///
    /// ## What it checks
    /// `Type` of the partition `EFIESP` is that of an EFI system partition: `{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}` in GPT
    /// layouts, `0x0C` in MBR layouts. For images with BitLocker see also `bitlocker-prereqs`.
    ///
    /// ## Why
    /// Firmware looks for the boot loader in partitions of that type.
    ///
    /// ## Passes
    /// `<Name>EFIESP</Name><Type>0x0C</Type>`
    ///
    /// ## Fails
    /// `<Name>EFIESP</Name><Type>0x07</Type>`
    ///
    /// ## Fix
    /// Write the type, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTDeviceLayout`
    /// - IoT Core, "Device layout"
    struct LayoutEfiespType;
    id: "layout-efiesp-type",
    authority: "iot-adk-addonkit",
    clause: "IoTDeviceLayout: validation",
    images: All,
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LayoutEfiespType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let boot = partition(layout, "EFIESP");
            let Some(written) = boot.and_then(|boot| boot.partition_type.as_ref()) else {
                continue;
            };
            let types = [Disk::Gpt, Disk::Mbr].map(Disk::boot_type);
            if types
                .iter()
                .any(|kind| kind.eq_ignore_ascii_case(written.value.trim()))
            {
                continue;
            }
            let main = partition(layout, "MainOS").and_then(Disk::of);
            let wanted = main
                .or_else(|| boot.and_then(Disk::of))
                .map(Disk::boot_type);
            let place = layout.value(written, "Partition/Type");
            let finding = report.at(
                place.clone(),
                format!("`{}` is not the type of a boot partition", written.value),
            );
            match wanted {
                Some(wanted) => finding.help(format!("write `{wanted}`")).fix(Fix::replace(
                    format!("write `{wanted}`"),
                    &place,
                    wanted,
                )),
                None => finding.help(format!("write `{}`", types.join("` or `"))),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{EFIESP, MAIN_OS, device_layout, fixed, lint_one};

    const ID: &str = "layout-efiesp-type";
    const BASIC: &str = "{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}";
    const BOOT: &str = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}";

    #[test]
    fn the_type_is_that_of_a_boot_partition() {
        let files = |kind: &str| {
            [(
                "DeviceLayout.xml",
                device_layout(&[&EFIESP.replace(BOOT, kind), MAIN_OS]),
            )]
        };
        for kind in [&BOOT.to_uppercase(), "0x0c", "0x0C"] {
            assert!(lint_one(ID, &files(kind)).is_empty(), "{kind}");
        }
        let wanted =
            format!("warning DeviceLayout.xml:2:37 `{BASIC}` is not the type of a boot partition");
        assert_eq!(lint_one(ID, &files(BASIC)), [wanted]);
        assert!(fixed(ID, &files("0x07"), "DeviceLayout.xml").contains(BOOT));
    }
}
