use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::layout::Disk;
use crate::rule::{Report, Rule, declare_rule};

/// The partitions of Windows that have no boot configuration store.
const WINDOWS: [&str; 3] = ["MainOS", "Data", "UpdateOS"];

declare_rule! {
    /// A package with boot settings is for the wrong partition or disk
    ///
    /// ## What it checks
    /// A package with a boot configuration (`bcdStore`, `BCDStore`) is for the partition `EFIESP`; a partition of the
    /// board instead is a warning, any of Windows an error. A device value names a disk of the kind (`GPTDevice`,
    /// `MBRDevice`) that the device layouts of the product use.
    ///
    /// ## Why
    /// The boot configuration store is on the EFI partition, so settings for another one are written where nothing
    /// reads them. A loader that looks for a GPT disk does not find one with a master boot record.
    ///
    /// ## Passes
    /// ```xml
    /// <onecorePackageInfo targetPartition="EFIESP" releaseType="Production" ownerType="OEM" />
    /// <bcdStore source=".\Kiosk.BCD.xml" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <onecorePackageInfo targetPartition="MainOS" releaseType="Production" ownerType="OEM" />
    /// <bcdStore source=".\Kiosk.BCD.xml" />
    /// ```
    ///
    /// ## Fix
    /// Write `EFIESP` as the partition, or the device value for the disk of the layout.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Enable or Disable Manufacturing Mode": Create a Manufacturing Mode BCD package
    /// - iot-adk-addonkit, packages Custom.BCD, Recovery.GPT-BCD and Recovery.MBR-BCD
    struct BcdPartition;
    id: "bcd-partition",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Create a Manufacturing Mode BCD package",
    images: All,
    input: BootConfiguration,
    level: Error,
    since: "0.1.0",
}

impl Rule for BcdPartition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let Some((store, place)) = definition.boot_stores().into_iter().next() else {
                continue;
            };
            let target = definition.target();
            let name = target.value;
            if name.eq_ignore_ascii_case("EFIESP") || name.contains("$(") {
                continue;
            }
            let message = format!("boot settings `{store}` for `{name}`, expected `EFIESP`");
            let finding = report.at(target.place, message);
            finding
                .also(place, "the boot settings")
                .help("write `EFIESP` as the partition");
            if !WINDOWS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                finding.at_most(Level::Warning);
            }
        }
        for setting in facts.boot_settings() {
            let Some(disk) = &setting.element.disk else {
                continue;
            };
            let wanted = match facts.disk_of(setting.file.path()) {
                Some(Disk::Gpt) => "GPTDevice",
                Some(Disk::Mbr) => "MBRDevice",
                None => continue,
            };
            if disk.value != wanted {
                let message = format!(
                    "`{}` in a product whose layout needs `{wanted}`",
                    disk.value
                );
                report
                    .at(
                        setting.file.value(disk, setting.element.route.clone()),
                        message,
                    )
                    .help(format!(
                        "take the boot configuration that is made for `{wanted}`"
                    ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{boot_setting, lint_one, product, wm_xml};

    const RULE: &str = "bcd-partition";
    const STORE: &str = r#"<bcdStore source="A.BCD.xml"/>"#;

    #[test]
    fn boot_settings_belong_on_the_efi_partition() {
        let lint = |info: &str| {
            lint_one(
                RULE,
                &[("A.wm.xml", wm_xml("A", &format!("{info}{STORE}")))],
            )
        };
        assert!(lint("<onecorePackageInfo targetPartition=\"EFIESP\"/>").is_empty());
        let found = lint("\n<onecorePackageInfo targetPartition=\"MainOS\"/>").concat();
        assert!(
            found.starts_with("error A.wm.xml:2:38 boot settings `A.BCD.xml`"),
            "{found}"
        );
        assert!(lint("").concat().starts_with("error A.wm.xml:1:2 "));
        assert!(
            lint("<onecorePackageInfo targetPartition=\"PLAT\"/>")
                .concat()
                .starts_with("warning ")
        );
    }

    #[test]
    fn a_device_value_fits_the_disk_of_the_layout() {
        let lint = |kind: &str| {
            let partition =
                format!("<Partition><Name>MainOS</Name><Type>{kind}</Type></Partition>");
            let layout =
                format!("<DeviceLayout><Partitions>{partition}</Partitions></DeviceLayout>");
            let value = "<DeviceValue><RamdiskDevice><ParentDevice><GPTDevice/></ParentDevice></RamdiskDevice></DeviceValue>";
            let info = "<onecorePackageInfo targetPartition=\"EFIESP\"/>";
            let mut files = product(
                "<ReleaseType>Test</ReleaseType>",
                &[("A", wm_xml("A", &format!("{info}{STORE}")))],
            );
            files.push(("A/A.BCD.xml".into(), boot_setting("Boot Device", value)));
            files.push(("A/DeviceLayout.xml".into(), layout));
            lint_one(RULE, &files)
        };
        assert!(lint("{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}").is_empty());
        assert!(
            lint("0x07")
                .concat()
                .contains("`GPTDevice` in a product whose layout needs `MBRDevice`")
        );
        assert!(lint("unknown").is_empty());
    }
}
