use formats::document::feature_manifest::Section;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `Device` differs from the manifest's in letter case
    ///
    /// ## What it checks
    /// The `Device` of an image is written as `OEMDevicePlatformPackages` of a listed manifest writes it.
    ///
    /// ## Why
    /// Whether case counts depends on the tool that reads it. Where it does, no device platform is found and the image
    /// cannot be built.
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
    /// <Device>Fjordboard</Device>
    /// ```
    ///
    /// ## Fix
    /// Write it as the manifest does, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, templates of board support packages
    struct DeviceCase;
    id: "device-case",
    authority: "iot-adk-addonkit",
    clause: "Templates of board support packages",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for DeviceCase {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(device) = &product.oem_input.device else {
                continue;
            };
            let place = product.oem_input.value(device, "OEMInput/Device");
            if let Some(known) = product.other_case(Section::OemDevicePlatform, &device.value) {
                let title = format!("write `{known}`");
                report
                    .at(
                        place.clone(),
                        format!("`Device` is `{}`, the manifest has `{known}`", device.value),
                    )
                    .help(title.clone())
                    .fix(Fix::replace(title, &place, known));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fixed, lint_one, oem_input};

    fn files(device: &str) -> [(&'static str, String); 2] {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM></AdditionalFMs>\n<Device>{device}</Device>"
        );
        let platform = "<OEMDevicePlatformPackages><PackageFile Device=\"Board_1;x\" Name=\"L.cab\"/></OEMDevicePlatformPackages>";
        [
            ("OEMInput.xml", oem_input(&input)),
            ("BoardFM.xml", feature_manifest(platform)),
        ]
    }

    #[test]
    fn another_case_is_warned_of_and_mended() {
        let files = files("BOARD_1");
        let wanted = "warning OEMInput.xml:2:9 `Device` is `BOARD_1`, the manifest has `Board_1`";
        assert_eq!(lint_one("device-case", &files), [wanted]);
        assert!(fixed("device-case", &files, "OEMInput.xml").contains("<Device>Board_1</Device>"));
    }

    #[test]
    fn the_same_and_another_value_pass() {
        assert!(lint_one("device-case", &files("Board_1")).is_empty());
        assert!(lint_one("device-case", &files("Other")).is_empty());
    }
}
