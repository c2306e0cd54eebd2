use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{partition, sectors};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A backup partition has another size than its original
    ///
    /// ## What it checks
    /// In a device layout, `BACKUP_X` has as many `TotalSectors` as the partition `X`.
    ///
    /// ## Why
    /// On Qualcomm boards the firmware partitions are copied to their backups before an update. A smaller backup holds half
    /// of a boot loader.
    ///
    /// ## Passes
    /// `SBL1` and `BACKUP_SBL1` with 1024 sectors
    ///
    /// ## Fails
    /// `SBL1` with 1024 and `BACKUP_SBL1` with 512 sectors
    ///
    /// ## Fix
    /// Give the backup the size of the original, which the fix does.
    ///
    /// ## References
    /// - IoT Core, "Device layout": Qualcomm boards
    struct LayoutBackupSize;
    id: "layout-backup-size",
    authority: "Microsoft, IoT Core: device layout",
    clause: "Qualcomm boards",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for LayoutBackupSize {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in &facts.documents.device_layouts {
            for backup in &layout.partitions {
                let name = backup.name.as_ref().map_or("", |name| name.value.trim());
                let original = name
                    .strip_prefix("BACKUP_")
                    .and_then(|name| partition(layout, name));
                let (Some(original), Some(size)) = (original, &backup.total_sectors) else {
                    continue;
                };
                let Some(wanted) = &original.total_sectors else {
                    continue;
                };
                if sectors(&backup.total_sectors) == sectors(&original.total_sectors) {
                    continue;
                }
                let place = layout.value(size, format!("{}/TotalSectors", backup.route));
                let title = format!("write `{}`", wanted.value);
                report
                    .at(
                        place.clone(),
                        format!(
                            "`{name}` has {} sectors, its original {}",
                            size.value, wanted.value
                        ),
                    )
                    .also(
                        layout.value(wanted, format!("{}/TotalSectors", original.route)),
                        "the original",
                    )
                    .help(title.clone())
                    .fix(Fix::replace(title, &place, wanted.value.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_layout, fixed, lint_one};

    const ID: &str = "layout-backup-size";

    #[test]
    fn a_backup_is_as_large_as_its_original() {
        let files = |size: &str| {
            let one = |name: &str, size: &str| {
                format!("<Name>{name}</Name><TotalSectors>{size}</TotalSectors>")
            };
            let (original, backup) = (one("SBL1", "1024"), one("BACKUP_SBL1", size));
            [("DeviceLayout.xml", device_layout(&[&original, &backup]))]
        };
        assert!(lint_one(ID, &files("0x400")).is_empty());
        let wanted = "error DeviceLayout.xml:3:50 `BACKUP_SBL1` has 512 sectors, its original 1024";
        assert_eq!(lint_one(ID, &files("512")), [wanted]);
        assert_eq!(
            fixed(ID, &files("512"), "DeviceLayout.xml"),
            files("1024")[0].1
        );
    }
}
