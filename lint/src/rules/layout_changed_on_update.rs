use std::collections::BTreeMap;

use formats::document::device_layout::{DeviceLayout, Partition};

use crate::facts::{Facts, File};
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The layout of a retail image is not the one that was shipped
    ///
    /// ## What it checks
    /// With `--shipped DIR`, which names the folder of an earlier release: a layout of a retail image has the partitions of the
    /// layout of that name there (the name is that of the layout's folder), in order, with the same names, types, file
    /// systems and sizes. Without the option nothing is checked.
    ///
    /// ## Why
    /// Updates never change partitions. New devices would differ from those in the field, and recovery and later updates would
    /// fit one of the two.
    ///
    /// ## Passes
    /// A `DeviceLayout.xml` with the same partitions.
    ///
    /// ## Fails
    /// A `DeviceLayout.xml` with a partition more.
    ///
    /// ## Fix
    /// Keep the layout, or give the new one another `SOC`.
    ///
    /// ## References
    /// - IoT Core, "Device layout"
    struct LayoutChangedOnUpdate;
    id: "layout-changed-on-update",
    authority: "Microsoft, IoT Core: device layout",
    clause: "Device layout",
    images: [Retail],
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LayoutChangedOnUpdate {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(shipped) = &facts.workspace.shipped else {
            return;
        };
        let name = |layout: &File<DeviceLayout>| name_of(layout.folder()).to_lowercase();
        let mut earlier: BTreeMap<String, Vec<&File<DeviceLayout>>> = BTreeMap::new();
        for before in &shipped.documents().device_layouts {
            earlier.entry(name(before)).or_default().push(before);
        }
        for layout in &facts.documents.device_layouts {
            let same = earlier.get(&name(layout)).map_or(&[][..], Vec::as_slice);
            let [before] = same else {
                continue;
            };
            let pairs = layout.partitions.iter().zip(&before.partitions);
            let changed = pairs
                .clone()
                .find(|(now, before)| said(now) != said(before));
            let place =
                |partition: &Partition| layout.place(partition.element, partition.route.clone());
            let (now, old) = (layout.partitions.len(), before.partitions.len());
            let (place, message) = match changed {
                Some((partition, _)) => (
                    place(partition),
                    "this partition is not as it was shipped".to_owned(),
                ),
                None if now != old => (
                    layout.root_place(),
                    format!("{now} partitions, and {old} were shipped"),
                ),
                None => continue,
            };
            report
                .at(place, message)
                .also(before.root_place(), "the layout that was shipped")
                .help("keep the layout, or give the new one another `SOC`");
        }
    }
}

/// What updates cannot change.
fn said(partition: &Partition) -> [Option<String>; 4] {
    let values = [
        &partition.name,
        &partition.partition_type,
        &partition.file_system,
        &partition.total_sectors,
    ];
    values.map(|value| {
        value
            .as_ref()
            .map(|value| value.value.trim().to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{DATA, EFIESP, MAIN_OS, device_layout, lint_after, oem_input};

    fn lint(partitions: &[&str]) -> Vec<String> {
        let files = |partitions: &[&str]| {
            [
                (
                    "P/OEMInput.xml",
                    oem_input("<ReleaseType>Production</ReleaseType>"),
                ),
                ("P/Layout/DeviceLayout.xml", device_layout(partitions)),
            ]
        };
        let before = files(&[EFIESP, MAIN_OS, DATA]);
        lint_after("layout-changed-on-update", &before, &files(partitions))
    }

    #[test]
    fn partitions_are_compared_in_order() {
        assert!(lint(&[EFIESP, MAIN_OS, DATA]).is_empty());
        let wanted =
            "warning P/Layout/DeviceLayout.xml:2:1 this partition is not as it was shipped";
        assert_eq!(
            lint(&[&EFIESP.replace("65536", "131072"), MAIN_OS, DATA]),
            [wanted]
        );
        let fewer = "warning P/Layout/DeviceLayout.xml:1:2 2 partitions, and 3 were shipped";
        assert_eq!(lint(&[EFIESP, MAIN_OS]), [fewer]);
    }
}
