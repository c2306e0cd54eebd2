use crate::facts::Facts;
use crate::facts::layout::Disk;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device layout has partitions for two kinds of disks
    ///
    /// ## What it checks
    /// All types of a device layout are GUIDs in braces, for GPT, or all are one byte such as `0x07`, for MBR. A type that is
    /// neither is reported too.
    ///
    /// ## Why
    /// A disk has one partition table. The tools take the kind from the types, so a mixture builds a disk that does not
    /// start, or none.
    ///
    /// ## Passes
    /// `0x0C`, `0x07`, `0x07`
    ///
    /// ## Fails
    /// `0x0C`, `{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}`
    ///
    /// ## Fix
    /// Write all types for the same kind of disk.
    ///
    /// ## References
    /// - IoT Core, "Device layout": Type
    struct LayoutMixedTypes;
    id: "layout-mixed-types",
    authority: "Microsoft, IoT Core: device layout",
    clause: "Type",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for LayoutMixedTypes {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in &facts.documents.device_layouts {
            let mut first = None;
            for partition in &layout.partitions {
                let Some(written) = &partition.partition_type else {
                    continue;
                };
                let place = layout.value(written, format!("{}/Type", partition.route));
                let Some(disk) = Disk::of(partition) else {
                    report
                        .at(
                            place,
                            format!("`{}` is no type of a partition", written.value),
                        )
                        .help("write a GUID in braces, or `0x` and two digits");
                    continue;
                };
                match &first {
                    None => first = Some((disk, place)),
                    Some((known, _)) if *known == disk => {}
                    Some((known, known_place)) => {
                        report
                            .at(
                                place,
                                format!(
                                    "a type for {} after one for {}",
                                    disk.as_str(),
                                    known.as_str()
                                ),
                            )
                            .also(known_place.clone(), "the first type")
                            .help("write all types for the same kind of disk");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_layout, lint_one};

    const BASIC: &str = "{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}";

    #[test]
    fn types_are_all_of_one_kind() {
        let lint = |types: [&str; 2]| {
            let partitions = types.map(|kind| format!("<Type>{kind}</Type>"));
            let text = device_layout(&[&partitions[0], &partitions[1]]);
            lint_one("layout-mixed-types", &[("DeviceLayout.xml", text)])
        };
        assert!(lint(["0x0C", "0x07"]).is_empty() && lint([BASIC, BASIC]).is_empty());
        assert_eq!(
            lint([BASIC, "0x07"]),
            ["error DeviceLayout.xml:3:18 a type for MBR after one for GPT"]
        );
        assert_eq!(
            lint([BASIC, "NTFS"]),
            ["error DeviceLayout.xml:3:18 `NTFS` is no type of a partition"]
        );
    }
}
