use formats::source::Spanned;

use crate::facts::Facts;
use crate::facts::layout::{partition, sectors};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device layout has unusual values for the whole disk
    ///
    /// ## What it checks
    /// A device layout of IoT Core has `SectorSize` 512, `ChunkSize` 128, a `DefaultPartitionByteAlignment` and a `ByteAlignment`
    /// of `MainOS` and `Data` that are multiples of 0x200000, and `UseAllSpace` on exactly one partition.
    ///
    /// ## Why
    /// The imaging and flashing tools are tried with these values only. Without `UseAllSpace` the rest of the disk is lost;
    /// with two of them the tools stop.
    ///
    /// ## Passes
    /// `<SectorSize>512</SectorSize><ChunkSize>128</ChunkSize>`
    ///
    /// ## Fails
    /// `<SectorSize>4096</SectorSize>`
    ///
    /// ## Fix
    /// Write the usual values.
    ///
    /// ## References
    /// - IoT Core, "Device layout"
    struct LayoutAttributes;
    id: "layout-attributes",
    authority: "Microsoft, IoT Core: device layout",
    clause: "Device layout",
    images: All,
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

/// What alignments are multiples of, in bytes.
const ALIGNMENT: u64 = 0x20_0000;

impl Rule for LayoutAttributes {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let default = &layout.default_partition_byte_alignment;
            let mut values = vec![
                ("SectorSize", &layout.sector_size, 512),
                ("ChunkSize", &layout.chunk_size, 128),
                ("DefaultPartitionByteAlignment", default, ALIGNMENT),
            ];
            let aligned = ["MainOS", "Data"].map(|name| partition(layout, name));
            let aligned = aligned.iter().flatten();
            values.extend(aligned.map(|one| ("ByteAlignment", &one.byte_alignment, ALIGNMENT)));
            for (name, value, wanted) in values {
                let Some(written) = value else { continue };
                let found = sectors(value).filter(|found| *found > 0);
                let fits = match wanted {
                    ALIGNMENT => found.is_some_and(|found| found.is_multiple_of(ALIGNMENT)),
                    wanted => found == Some(wanted),
                };
                if !fits {
                    let message = format!("`{name}` is `{}`, usual is {wanted}", written.value);
                    report
                        .at(layout.value(written, name), message)
                        .help(format!("write `{wanted}`"));
                }
            }
            let is_greedy =
                |value: &Spanned<String>| value.value.trim().eq_ignore_ascii_case("true");
            let greedy = layout
                .partitions
                .iter()
                .filter_map(|partition| partition.use_all_space.as_ref());
            let greedy: Vec<_> = greedy.filter(|value| is_greedy(value)).collect();
            let place = match greedy.as_slice() {
                [_] => continue,
                [_, second, ..] => layout.value(second, "Partition/UseAllSpace"),
                [] => layout.root_place(),
            };
            report
                .at(
                    place,
                    format!("{} partitions have `UseAllSpace`, wanted one", greedy.len()),
                )
                .help("give it to `Data` alone");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{DATA, MAIN_OS, device_layout, lint_one};

    fn lint(head: &str, data: &str) -> Vec<String> {
        let text = device_layout(&[MAIN_OS, data])
            .replace("</DeviceLayout>", &format!("\n{head}</DeviceLayout>"));
        lint_one("layout-attributes", &[("DeviceLayout.xml", text)])
    }

    #[test]
    fn the_usual_values_pass_and_others_are_told_of() {
        let usual = "<SectorSize>512</SectorSize><ChunkSize>128</ChunkSize><DefaultPartitionByteAlignment>0x200000</DefaultPartitionByteAlignment>";
        assert!(lint(usual, DATA).is_empty());
        assert_eq!(
            lint("<SectorSize>4096</SectorSize>", DATA),
            ["warning DeviceLayout.xml:4:13 `SectorSize` is `4096`, usual is 512"]
        );
        assert_eq!(
            lint(
                "<DefaultPartitionByteAlignment>0</DefaultPartitionByteAlignment>",
                DATA
            )
            .len(),
            1
        );
        assert_eq!(lint("", &DATA.replace("0x800000", "0x100000")).len(), 1);
    }

    #[test]
    fn exactly_one_partition_takes_the_rest() {
        let none = "warning DeviceLayout.xml:1:2 0 partitions have `UseAllSpace`, wanted one";
        assert_eq!(lint("", &DATA.replace(">true<", ">false<")), [none]);
        let text = device_layout(&[DATA, DATA]);
        assert_eq!(
            lint_one("layout-attributes", &[("DeviceLayout.xml", text)]).len(),
            1
        );
    }
}
