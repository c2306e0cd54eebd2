use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device platform compresses another partition than the system's
    ///
    /// ## What it checks
    /// `CompressedPartitions` of an `OEMDevicePlatform.xml` names `MainOS` only.
    ///
    /// ## Why
    /// No other partition can be compressed; the imaging tools stop.
    ///
    /// ## Passes
    /// `<CompressedPartitions><Name>MainOS</Name></CompressedPartitions>`
    ///
    /// ## Fails
    /// `<CompressedPartitions><Name>Data</Name></CompressedPartitions>`
    ///
    /// ## Fix
    /// Take the partition out of the list.
    ///
    /// ## References
    /// - IoT Core, "Device layout": device platform
    struct PlatformCompressed;
    id: "platform-compressed",
    authority: "Microsoft, IoT Core: device layout",
    clause: "CompressedPartitions",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

impl Rule for PlatformCompressed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for platform in &facts.documents.device_platforms {
            for name in &platform.compressed_partitions.items {
                if !name.text.value.eq_ignore_ascii_case("MainOS") {
                    report
                        .at(
                            platform.item(name),
                            format!(
                                "`{}` cannot be compressed, only `MainOS` can",
                                name.text.value
                            ),
                        )
                        .help("take the partition out of the list");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{device_platform, lint_one};

    #[test]
    fn only_the_system_is_compressed() {
        let lint = |name: &str| {
            let list =
                format!("\n<CompressedPartitions><Name>{name}</Name></CompressedPartitions>");
            lint_one(
                "platform-compressed",
                &[("OEMDevicePlatform.xml", device_platform(&list))],
            )
        };
        assert!(lint("MainOS").is_empty());
        let wanted =
            "error OEMDevicePlatform.xml:2:29 `Data` cannot be compressed, only `MainOS` can";
        assert_eq!(lint("Data"), [wanted]);
    }
}
