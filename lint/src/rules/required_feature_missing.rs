use crate::facts::{Facts, FeatureList};
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature that every image of IoT Core needs is missing
    ///
    /// ## What it checks
    /// Every image of IoT Core chooses `IOT_EFIESP` (or `IOT_EFIESP_TEST`), `IOT_UAP_OOBE` and `IOT_CRT140`; one for x86 or x64 also
    /// `IOT_POWER_SETTINGS`, and `IOT_EFIESP_BCD` or `IOT_EFIESP_BCD_MBR`. The boot partition and the boot settings are errors, the
    /// others are warnings.
    ///
    /// ## Why
    /// Without the boot partition or its settings a device does not start. The feature list calls the others required too,
    /// but two thirds of the add-on kit's retail samples through the years leave `IOT_CRT140` out, and work.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_EFIESP</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- Feature>IOT_EFIESP</Feature -->
    /// ```
    ///
    /// ## Fix
    /// Choose the feature. The fix adds it, where there is no choice.
    ///
    /// ## References
    /// - IoT Core feature list, "Required features"
    struct RequiredFeatureMissing;
    id: "required-feature-missing",
    authority: "Microsoft, IoT Core feature list",
    clause: "Required features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for RequiredFeatureMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            for required in lists::required().filter(|required| required.is_for(product.arch)) {
                let ids: Vec<&str> = required
                    .any_of()
                    .filter(|id| lists::rename(id).is_none())
                    .collect();
                if required.any_of().any(|id| product.brings(id)) {
                    continue;
                }
                let place = product.features_place(FeatureList::Microsoft);
                let finding = report.at(
                    place,
                    format!("no `{}`: {}", ids.join("` or `"), required.why),
                );
                finding.at_most(required.level);
                if let Some(first) = ids.first().filter(|_| required.add) {
                    finding
                        .help(format!("choose `{first}`"))
                        .fix(product.choose(FeatureList::Microsoft, first));
                } else {
                    finding.help("choose the one that fits the device layout");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "required-feature-missing";

    fn files(arch: &str, features: &[&str]) -> (String, String) {
        let features: String = features
            .iter()
            .map(|id| format!("<Feature>{id}</Feature>\n"))
            .collect();
        let text = format!(
            "<ReleaseType>Test</ReleaseType><Product>Windows 10 IoT Core</Product><Features>\n\
             <Microsoft>\n{features}</Microsoft></Features>"
        );
        (
            format!("Source-{arch}/Products/Kiosk/OEMInput.xml"),
            oem_input(&text),
        )
    }

    #[test]
    fn what_is_missing_is_found_by_processor() {
        let (path, text) = files("arm", &["IOT_SSH"]);
        let found = lint_one(ID, &[(&path, &text)]);
        assert_eq!(
            found,
            [
                format!("warning {path}:2:1 no `IOT_CRT140`: the run-time libraries of C"),
                format!("error {path}:2:1 no `IOT_EFIESP` or `IOT_EFIESP_TEST`: boots the device"),
                format!(
                    "warning {path}:2:1 no `IOT_UAP_OOBE`: shown at the first boot and while apps are installed"
                ),
            ],
        );
        assert_eq!(lint_one(ID, &[files("x64", &["IOT_SSH"])]).len(), 5);
        let text = fixed(ID, &[(&path, &text)], &path);
        assert!(lint_one(ID, &[(&path, &text)]).is_empty());
    }

    #[test]
    fn one_of_several_and_an_old_name_are_enough() {
        let all = ["IOT_CRT140", "IOT_EFIESP_TEST", "IOT_UAP_OOBE"];
        assert!(lint_one(ID, &[files("arm", &all)]).is_empty());
        let pc = [
            "IOT_CRT140",
            "IOT_EFIESP",
            "IOT_UAP_OOBE",
            "IOT_POWER_SETIINGS",
            "iot_efiesp_bcd_mbr",
        ];
        assert!(lint_one(ID, &[files("x86", &pc)]).is_empty());
        let (path, text) = files("arm", &[]);
        let mobile = text.replace("Windows 10 IoT Core", "Windows 10 Mobile");
        assert!(lint_one(ID, &[(path, mobile)]).is_empty());
    }
}
