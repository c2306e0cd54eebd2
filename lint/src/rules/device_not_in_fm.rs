use formats::document::feature_manifest::Section;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

use super::soc_not_in_fm::check_selector;

declare_rule! {
    /// No listed manifest has a device platform for the image's `Device`
    ///
    /// ## What it checks
    /// The `Device` of an IoT Core image is a `Device` of `OEMDevicePlatformPackages` in one of the manifests of
    /// `AdditionalFMs`. It is checked where all of those manifests were found; letter case is left to `device-case`. Images
    /// of Windows 10 Mobile are not checked, since Microsoft's manifests may have their platform.
    ///
    /// ## Why
    /// `Device` chooses the package that says which devices may be flashed and how large they are. Without a match the
    /// image has no device platform, and the imaging tools stop.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile Device="FjordBoard" ... />   (in FjordBoardFM.xml)
    /// <Device>FjordBoard</Device>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile Device="FjordBoard" ... />   (in FjordBoardFM.xml)
    /// <Device>FjordBoard2</Device>
    /// ```
    ///
    /// ## Fix
    /// Write a `Device` that the manifest of the board has, or list the manifest that has this one.
    ///
    /// ## References
    /// - IoT Core manufacturing guide: `SOC` and `Device` come from the manifest of the board support package
    struct DeviceNotInFm;
    id: "device-not-in-fm",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "SOC and Device",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DeviceNotInFm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            if let Some(device) = &product.oem_input.device {
                check_selector(
                    product,
                    "Device",
                    device,
                    Section::OemDevicePlatform,
                    report,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, help, lint_one, oem_input};

    fn files(device: &str, other: &str) -> [(&'static str, String); 2] {
        let text = oem_input(&format!(
            "<Device>{device}</Device><AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM>{other}</AdditionalFMs>\
             <Product>Windows 10 IoT Core</Product>"
        ));
        let manifest = "<OEMDevicePlatformPackages><PackageFile Device=\"Board;Board-R\" Name=\"L.cab\"/></OEMDevicePlatformPackages>";
        [
            ("OEMInput.xml", text),
            ("BoardFM.xml", feature_manifest(manifest)),
        ]
    }

    fn lint(device: &str, other: &str) -> Vec<String> {
        lint_one("device-not-in-fm", &files(device, other))
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |device| help("device-not-in-fm", &files(device, ""));
        assert_eq!(of("Baord"), ["did you mean `Board`?"]);
        assert_eq!(
            of("Other"),
            ["the listed manifests have `Board`, `Board-R`"]
        );
    }

    #[test]
    fn a_device_of_no_platform_is_an_error() {
        assert_eq!(
            lint("Other", ""),
            ["error OEMInput.xml:1:85 no manifest has a device platform for `Device` `Other`"],
        );
    }

    #[test]
    fn a_device_that_a_manifest_has_or_may_have_passes() {
        assert!(lint("Board", "").is_empty());
        assert!(lint("board-r", "").is_empty());
        assert!(lint("{BSP}_Device", "").is_empty());
        assert!(lint("Other", "<AdditionalFM>MissingFM.xml</AdditionalFM>").is_empty());
        let microsoft = r"<AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>";
        assert_eq!(lint("Other", microsoft).len(), 1);
    }
}
