use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{Disk, RECOVERY, partition};
use crate::rule::{Report, Rule, declare_rule};

/// The recovery settings for each kind of partition table.
const SETTINGS: &[(Disk, &str)] = &[(Disk::Gpt, "RECOVERY_BCD"), (Disk::Mbr, "RECOVERY_BCD_MBR")];

declare_rule! {
    /// The recovery settings do not fit the device layout
    ///
    /// ## What it checks
    /// An image of IoT Core with `RECOVERY_BCD` has a layout with GPT partitions, one with `RECOVERY_BCD_MBR` a layout with MBR
    /// partitions, and either has a recovery partition, which is called `MMOS`. It is checked where the workspace defines the
    /// layout that `SOC` chooses.
    ///
    /// ## Why
    /// The settings tell the boot loader where the recovery system is. Without its partition, or with the settings for
    /// another partition table, a device that needs recovery does not start.
    ///
    /// ## Passes
    /// ```xml
    /// <Partition><Name>MMOS</Name><Type>0x07</Type> ... </Partition>   (in DeviceLayout.xml)
    /// <Feature>RECOVERY_BCD_MBR</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Partition><Name>MMOS</Name><Type>0x07</Type> ... </Partition>   (in DeviceLayout.xml)
    /// <Feature>RECOVERY_BCD</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the `SOC` of a layout with recovery, or the feature for the layout. The fix writes the latter.
    ///
    /// ## References
    /// - IoT Core feature list: `RECOVERY_BCD`, `RECOVERY_BCD_MBR`
    /// - IoT Core, "Recovery mechanism"
    struct RecoveryBcdLayout;
    id: "recovery-bcd-layout",
    authority: "Microsoft, IoT Core feature list",
    clause: "RECOVERY_BCD, RECOVERY_BCD_MBR",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for RecoveryBcdLayout {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let Some(layout) = facts.layout(product) else {
                continue;
            };
            let found = Disk::of_layout(layout);
            let right = SETTINGS.iter().find(|(table, _)| found == Some(*table));
            for (table, id) in SETTINGS {
                let Some(feature) = product.feature(id) else {
                    continue;
                };
                let place = product.oem_input.item(feature);
                if partition(layout, RECOVERY).is_none() {
                    report
                        .at(
                            place.clone(),
                            format!("`{id}`, and the layout has no partition `{RECOVERY}`"),
                        )
                        .also(layout.root_place(), "this is the layout")
                        .help("choose the `SOC` of a layout with a recovery partition");
                }
                if let Some((found, right)) = right.filter(|(found, _)| found != table) {
                    let finding = report.at(
                        place.clone(),
                        format!(
                            "`{id}` is for {}, the layout is {}",
                            table.as_str(),
                            found.as_str()
                        ),
                    );
                    finding
                        .also(layout.root_place(), "this is the layout")
                        .help(format!("choose `{right}` instead"));
                    if product.feature(right).is_none() {
                        finding.fix(Fix::replace(format!("write `{right}`"), &place, *right));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, workspace_with_layout};

    const ID: &str = "recovery-bcd-layout";

    fn files(feature: &str, recovery: &str) -> Vec<(&'static str, String)> {
        let input = format!(
            "<Product>Windows 10 IoT Core</Product><Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>"
        );
        let mut files = workspace_with_layout(&oem_input(&input), &["0x0C", "0x07"]);
        for (_, text) in &mut files {
            *text = text.replace("<Name>P1</Name>", &format!("<Name>{recovery}</Name>"));
        }
        files
    }

    #[test]
    fn settings_for_the_other_table_are_an_error_and_are_mended() {
        let files = files("RECOVERY_BCD", "MMOS");
        let wanted = "error OEMInput.xml:2:10 `RECOVERY_BCD` is for GPT, the layout is MBR";
        assert_eq!(lint_one(ID, &files), [wanted]);
        let text = fixed(ID, &files, "OEMInput.xml");
        assert!(
            text.contains("<Feature>RECOVERY_BCD_MBR</Feature>"),
            "{text}"
        );
    }

    #[test]
    fn a_layout_without_the_partition_is_an_error() {
        let wanted =
            "error OEMInput.xml:2:10 `RECOVERY_BCD_MBR`, and the layout has no partition `MMOS`";
        assert_eq!(lint_one(ID, &files("RECOVERY_BCD_MBR", "Data")), [wanted]);
    }

    #[test]
    fn what_fits_and_images_without_recovery_pass() {
        assert!(lint_one(ID, &files("RECOVERY_BCD_MBR", "mmos")).is_empty());
        assert!(lint_one(ID, &files("PROV_AUTO", "Data")).is_empty());
    }
}
