use formats::document::device_layout::{DeviceLayout, Partition};

use crate::facts::Facts;
use crate::facts::layout::{Disk, RECOVERY, partition};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image with BitLocker lacks what BitLocker needs
    ///
    /// ## What it checks
    /// An image of IoT Core with `SEC_BITLOCKER` also has secure boot, `SEC_SECUREBOOT` or its test variant, and a layout whose
    /// partition `EFIESP` has the type of a boot partition and whose recovery partition, if there is one, is not NTFS. The
    /// layout is checked where the workspace defines it. Boards without a TPM are left to `lockdown-on-unsupported-board`.
    ///
    /// ## Why
    /// BitLocker binds its keys to secure boot and encrypts partitions with NTFS: the recovery partition must be none of
    /// them, and the boot partition must be known by its type.
    ///
    /// ## Passes
    /// `SEC_BITLOCKER` with `SEC_SECUREBOOT`.
    ///
    /// ## Fails
    /// `SEC_BITLOCKER` alone.
    ///
    /// ## Fix
    /// Choose secure boot too; correct the layout.
    ///
    /// ## References
    /// - IoT Core, "Secure boot, BitLocker and Device Guard"; iot-adk-addonkit, class `IoTDeviceLayout`
    struct BitlockerPrereqs;
    id: "bitlocker-prereqs",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "BitLocker",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for BitlockerPrereqs {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let lockdown = product
                .feature("SEC_BITLOCKER")
                .or_else(|| product.feature("SEC_LOCKDOWN"));
            let Some(feature) = lockdown.filter(|_| product.brings("SEC_BITLOCKER")) else {
                continue;
            };
            let place = product.oem_input.item(feature);
            if !product.brings("SEC_SECUREBOOT") && !product.brings("SEC_SECUREBOOT_TEST") {
                let message = format!("`{}` without secure boot", feature.text.value);
                report
                    .at(place.clone(), message)
                    .help("choose `SEC_SECUREBOOT` too, or its test variant in a test image");
            }
            let Some(layout) = facts.layout(product) else {
                continue;
            };
            for (found, message) in wrong_partitions(layout) {
                report
                    .at(layout.place(found.element, found.route.clone()), message)
                    .also(place.clone(), "this brings BitLocker")
                    .help("correct the layout, or choose one that is made for BitLocker");
            }
        }
    }
}

fn wrong_partitions(layout: &DeviceLayout) -> Vec<(&Partition, String)> {
    let mut wrong = Vec::new();
    let right = Disk::of_layout(layout).map(Disk::boot_type);
    if let (Some(efiesp), Some(right)) = (partition(layout, "EFIESP"), right) {
        let found = efiesp
            .partition_type
            .as_ref()
            .map_or("", |found| found.value.trim());
        if !found.eq_ignore_ascii_case(right) {
            wrong.push((
                efiesp,
                format!("`EFIESP` has the type `{found}`, BitLocker needs `{right}`"),
            ));
        }
    }
    if let Some(recovery) = partition(layout, RECOVERY) {
        let found = recovery
            .file_system
            .as_ref()
            .map_or("", |found| found.value.trim());
        if found.eq_ignore_ascii_case("NTFS") {
            wrong.push((
                recovery,
                "the recovery partition is NTFS, BitLocker would encrypt it".to_owned(),
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, workspace_with_layout};

    fn lint(features: &[&str], types: &[&str], file_system: &str) -> Vec<String> {
        let features: String = features
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        let input = format!(
            "<Product>Windows 10 IoT Core</Product><Features><OEM>{features}</OEM></Features>"
        );
        let mut files = workspace_with_layout(&oem_input(&input), types);
        for (_, text) in &mut files {
            let recovery = format!("<Name>MMOS</Name><FileSystem>{file_system}</FileSystem>");
            *text = text.replace("<Name>P0</Name>", "<Name>EFIESP</Name>");
            *text = text.replace("<Name>P1</Name>", &recovery);
        }
        lint_one("bitlocker-prereqs", &files)
    }

    #[test]
    fn missing_secure_boot_and_a_wrong_layout_are_warned_of() {
        assert_eq!(
            lint(&["SEC_BITLOCKER"], &["0x07", "0x07"], "ntfs"),
            [
                "warning Layout/DeviceLayout.xml:2:1 `EFIESP` has the type `0x07`, BitLocker needs `0x0C`",
                "warning Layout/DeviceLayout.xml:3:1 the recovery partition is NTFS, BitLocker would encrypt it",
                "warning OEMInput.xml:2:10 `SEC_BITLOCKER` without secure boot",
            ],
        );
    }

    #[test]
    fn what_is_complete_or_has_no_bitlocker_passes() {
        let both = ["SEC_SECUREBOOT_TEST", "SEC_BITLOCKER"];
        assert!(lint(&both, &["0x0C"], "").is_empty());
        assert!(lint(&both[..1], &["0x07", "0x07"], "NTFS").is_empty());
    }
}
