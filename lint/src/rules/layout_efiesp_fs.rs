use formats::document::device_layout::{DeviceLayout, Partition};
use formats::source::Spanned;

use crate::diagnostic::Fix;
use crate::facts::layout::{partition, sectors};
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The boot partition is not what firmware can boot from
    ///
    /// ## What it checks
    /// The partition `EFIESP` has a FAT file system and at least 65536 sectors, and it is `Bootable`, unless another partition
    /// is: on Qualcomm boards that of the first boot loader.
    ///
    /// ## Why
    /// Firmware reads FAT only. A smaller partition has no room for an update of the boot loader.
    ///
    /// ## Passes
    /// `<FileSystem>FAT</FileSystem><TotalSectors>65536</TotalSectors><Bootable>true</Bootable>`
    ///
    /// ## Fails
    /// `<FileSystem>NTFS</FileSystem>`
    ///
    /// ## Fix
    /// Correct the partition as in the layouts of the add-on kit.
    ///
    /// ## References
    /// - IoT Core, "Device layout": EFIESP
    struct LayoutEfiespFs;
    id: "layout-efiesp-fs",
    authority: "Microsoft, IoT Core: device layout",
    clause: "EFIESP",
    images: All,
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

/// Fewest sectors of the boot partition.
const SMALLEST: u64 = 65_536;

impl Rule for LayoutEfiespFs {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let Some(boot) = partition(layout, "EFIESP") else {
                continue;
            };
            let whole = layout.place(boot.element, boot.route.clone());
            if let Some(system) = &boot.file_system
                && !system.value.trim().to_uppercase().starts_with("FAT")
            {
                report
                    .at(
                        layout.value(system, "Partition/FileSystem"),
                        format!("the boot partition is `{}`, wanted `FAT`", system.value),
                    )
                    .help("write `FAT`")
                    .fix(written(layout, system, "FAT"));
            }
            if let Some(size) = boot.total_sectors.as_ref()
                && sectors(&boot.total_sectors).is_some_and(|size| size < SMALLEST)
            {
                report
                    .at(
                        layout.value(size, "Partition/TotalSectors"),
                        format!(
                            "the boot partition has {} sectors, wanted at least {SMALLEST}",
                            size.value
                        ),
                    )
                    .help(format!("write `{SMALLEST}`"))
                    .fix(written(layout, size, &SMALLEST.to_string()));
            }
            let is_bootable = |value: &Option<formats::source::Spanned<String>>| {
                value
                    .as_ref()
                    .is_some_and(|value| value.value.trim().eq_ignore_ascii_case("true"))
            };
            if !layout
                .partitions
                .iter()
                .any(|partition| is_bootable(&partition.bootable))
            {
                report
                    .at(whole, "no partition is `Bootable`")
                    .help("add `<Bootable>true</Bootable>` to the boot partition")
                    .fix(bootable(layout, boot));
            }
        }
    }
}

fn written(layout: &File<DeviceLayout>, old: &Spanned<String>, new: &str) -> Option<Fix> {
    Fix::replace(format!("write `{new}`"), &layout.value(old, ""), new)
}

fn bootable(layout: &File<DeviceLayout>, boot: &Partition) -> Option<Fix> {
    const ELEMENT: &str = "<Bootable>true</Bootable>";
    match &boot.bootable {
        Some(wrong) => written(layout, wrong, "true"),
        None => Fix::append(
            format!("add `{ELEMENT}`"),
            &layout.source,
            boot.element,
            ELEMENT,
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{EFIESP, MAIN_OS, device_layout, lint_one};

    fn lint(from: &str, to: &str) -> Vec<String> {
        let text = device_layout(&[&EFIESP.replace(from, to), MAIN_OS]);
        lint_one("layout-efiesp-fs", &[("DeviceLayout.xml", text)])
    }

    #[test]
    fn the_boot_partition_is_fat_bootable_and_large_enough() {
        assert!(lint("", "").is_empty() && lint(">FAT<", ">fat32<").is_empty());
        let wanted = "warning DeviceLayout.xml:2:94 the boot partition is `NTFS`, wanted `FAT`";
        assert_eq!(lint(">FAT<", ">NTFS<"), [wanted]);
        assert!(
            lint("65536", "0x8000")
                .concat()
                .contains("0x8000 sectors, wanted at least 65536")
        );
        assert!(
            lint("true", "false")
                .concat()
                .contains("no partition is `Bootable`")
        );
    }
}
