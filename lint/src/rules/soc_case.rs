use formats::document::feature_manifest::Section;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `SOC` differs from the manifest's in letter case
    ///
    /// ## What it checks
    /// The `SOC` of an image is written as `DeviceLayoutPackages` of a listed manifest writes it.
    ///
    /// ## Why
    /// Whether case counts depends on the tool that reads it. The kit's own templates write `{BSP}_Soc` in the input and
    /// `{BSP}_SOC` in the manifest.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile SOC="FjordBoard_SOC" ... />   (in FjordBoardFM.xml)
    /// <SOC>FjordBoard_SOC</SOC>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile SOC="FjordBoard_SOC" ... />   (in FjordBoardFM.xml)
    /// <SOC>FjordBoard_Soc</SOC>
    /// ```
    ///
    /// ## Fix
    /// Write it as the manifest does, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, templates of board support packages
    struct SocCase;
    id: "soc-case",
    authority: "iot-adk-addonkit",
    clause: "Templates of board support packages",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SocCase {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(soc) = &product.oem_input.soc else {
                continue;
            };
            let place = product.oem_input.value(soc, "OEMInput/SOC");
            if let Some(known) = product.other_case(Section::DeviceLayout, &soc.value) {
                let title = format!("write `{known}`");
                report
                    .at(
                        place.clone(),
                        format!("`SOC` is `{}`, the manifest has `{known}`", soc.value),
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

    fn files(soc: &str) -> [(&'static str, String); 2] {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM></AdditionalFMs>\n<SOC>{soc}</SOC>"
        );
        let layout = "<DeviceLayoutPackages><PackageFile SOC=\"Board_SOC;x\" Name=\"L.cab\"/></DeviceLayoutPackages>";
        [
            ("OEMInput.xml", oem_input(&input)),
            ("BoardFM.xml", feature_manifest(layout)),
        ]
    }

    #[test]
    fn another_case_is_warned_of_and_mended() {
        let files = files("Board_Soc");
        let wanted = "warning OEMInput.xml:2:6 `SOC` is `Board_Soc`, the manifest has `Board_SOC`";
        assert_eq!(lint_one("soc-case", &files), [wanted]);
        assert!(fixed("soc-case", &files, "OEMInput.xml").contains("<SOC>Board_SOC</SOC>"));
    }

    #[test]
    fn the_same_and_another_value_pass() {
        assert!(lint_one("soc-case", &files("Board_SOC")).is_empty());
        assert!(lint_one("soc-case", &files("Other")).is_empty());
    }
}
