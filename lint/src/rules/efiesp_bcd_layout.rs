use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::Disk;
use crate::rule::{Report, Rule, declare_rule};

/// The boot settings for each kind of partition table.
const SETTINGS: &[(Disk, &str)] = &[
    (Disk::Gpt, "IOT_EFIESP_BCD"),
    (Disk::Mbr, "IOT_EFIESP_BCD_MBR"),
];

declare_rule! {
    /// The boot settings are for another kind of partition table
    ///
    /// ## What it checks
    /// An image of IoT Core with `IOT_EFIESP_BCD` has a layout with GPT partitions (their types are GUIDs), one with
    /// `IOT_EFIESP_BCD_MBR` a layout with MBR partitions (their types are numbers). It is checked where the workspace defines the
    /// layout that `SOC` chooses.
    ///
    /// ## Why
    /// The settings name the partition to boot in the way of their partition table. With the others the device does not
    /// start.
    ///
    /// ## Passes
    /// ```xml
    /// <Type>{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}</Type>   (in DeviceLayout.xml)
    /// <Feature>IOT_EFIESP_BCD</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Type>0x07</Type>   (in DeviceLayout.xml)
    /// <Feature>IOT_EFIESP_BCD</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the feature for the layout, which the fix does unless it is chosen already.
    ///
    /// ## References
    /// - IoT Core feature list: `IOT_EFIESP_BCD`, `IOT_EFIESP_BCD_MBR`
    /// - IoT Core, "Device layout"
    struct EfiespBcdLayout;
    id: "efiesp-bcd-layout",
    authority: "Microsoft, IoT Core feature list",
    clause: "IOT_EFIESP_BCD, IOT_EFIESP_BCD_MBR",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for EfiespBcdLayout {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let Some(layout) = facts.layout(product) else {
                continue;
            };
            let Some(found) = Disk::of_layout(layout) else {
                continue;
            };
            let (right, wrong): (Vec<_>, Vec<_>) =
                SETTINGS.iter().partition(|(table, _)| *table == found);
            let right = right.first().map_or("", |(_, id)| id);
            for (table, id) in wrong {
                let Some(feature) = product.feature(id) else {
                    continue;
                };
                let place = product.oem_input.item(feature);
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
                    finding.fix(Fix::replace(format!("write `{right}`"), &place, right));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, workspace_with_layout};

    const ID: &str = "efiesp-bcd-layout";

    fn files(feature: &str, types: &[&str]) -> Vec<(&'static str, String)> {
        let input = format!(
            "<Product>Windows 10 IoT Core</Product><Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>"
        );
        workspace_with_layout(&oem_input(&input), types)
    }

    #[test]
    fn settings_for_the_other_table_are_an_error_and_are_mended() {
        let files = files("IOT_EFIESP_BCD", &["0x0C", "0x07"]);
        let wanted = "error OEMInput.xml:2:10 `IOT_EFIESP_BCD` is for GPT, the layout is MBR";
        assert_eq!(lint_one(ID, &files), [wanted]);
        let text = fixed(ID, &files, "OEMInput.xml");
        assert!(
            text.contains("<Feature>IOT_EFIESP_BCD_MBR</Feature>"),
            "{text}"
        );
    }

    #[test]
    fn the_right_settings_and_a_mixed_layout_pass() {
        assert!(lint_one(ID, &files("IOT_EFIESP_BCD_MBR", &["0x0C"])).is_empty());
        assert!(
            lint_one(
                ID,
                &files(
                    "IOT_EFIESP_BCD",
                    &["{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}"]
                )
            )
            .is_empty()
        );
        assert!(lint_one(ID, &files("IOT_EFIESP_BCD", &["0x0C", "{a}"])).is_empty());
    }
}
