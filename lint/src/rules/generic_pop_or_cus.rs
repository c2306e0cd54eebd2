use crate::diagnostic::Fix;
use crate::facts::{Facts, FeatureList};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image before release 1809 does not say how it is updated
    ///
    /// ## What it checks
    /// An image of IoT Core before release 1809 chooses exactly one of `IOT_GENERIC_POP` and `CUS_DEVICE_INFO`. The release is
    /// that of `OSVERSION`, which the user defines; without it nothing is checked.
    ///
    /// ## Why
    /// The one asks for updates of the operating system only, the other for those of the manufacturer too. With neither or
    /// both a device gets no updates or the wrong ones; the add-on kit refuses such an image.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>CUS_DEVICE_INFO</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_GENERIC_POP</Feature>
    /// <Feature>CUS_DEVICE_INFO</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the one that is meant. From release 1809 on neither is needed.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`: validation of features
    struct GenericPopOrCus;
    id: "generic-pop-or-cus",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct: validation of features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for GenericPopOrCus {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let os = facts.workspace.os_build();
        if os.is_none_or(|os| os.build >= 17763) {
            return;
        }
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let input = &product.oem_input;
            let (generic, own) = (
                product.feature("IOT_GENERIC_POP"),
                product.feature("CUS_DEVICE_INFO"),
            );
            match (generic, own) {
                (Some(generic), Some(own)) => {
                    report
                        .at(
                            input.item(own),
                            "`CUS_DEVICE_INFO` together with `IOT_GENERIC_POP`",
                        )
                        .also(input.item(generic), "the other one")
                        .help("choose the one that is meant")
                        .fix(product.switch_off(own).map(Fix::as_guess));
                }
                (None, None) => {
                    report
                        .at(
                            product.features_place(FeatureList::Microsoft),
                            "neither `IOT_GENERIC_POP` nor `CUS_DEVICE_INFO`",
                        )
                        .help("choose `IOT_GENERIC_POP` for updates of the operating system only")
                        .fix(
                            product
                                .choose(FeatureList::Microsoft, "IOT_GENERIC_POP")
                                .map(Fix::as_guess),
                        );
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, run, workspace_with};

    fn lint(microsoft: &str, oem: &str, version: &str) -> Vec<String> {
        let text = format!(
            "<Product>Windows 10 IoT Core</Product><Features>\n<Microsoft>{microsoft}</Microsoft><OEM>\n{oem}</OEM></Features>"
        );
        let options = ResolveOptions {
            defines: vec![("OSVERSION".into(), version.into())],
            ..ResolveOptions::default()
        };
        run(
            "generic-pop-or-cus",
            &workspace_with(&[("OEMInput.xml", oem_input(&text))], &options),
        )
    }

    const GENERIC: &str = "<Feature>IOT_GENERIC_POP</Feature>";
    const OWN: &str = "<Feature>CUS_DEVICE_INFO</Feature>";

    #[test]
    fn neither_and_both_are_errors_before_1809() {
        let old = "10.0.17134.1";
        let wanted = "error OEMInput.xml:2:1 neither `IOT_GENERIC_POP` nor `CUS_DEVICE_INFO`";
        assert_eq!(lint("", "", old), [wanted]);
        let wanted = "error OEMInput.xml:3:10 `CUS_DEVICE_INFO` together with `IOT_GENERIC_POP`";
        assert_eq!(lint(GENERIC, OWN, old), [wanted]);
    }

    #[test]
    fn one_of_them_and_later_or_unknown_releases_pass() {
        assert!(lint(GENERIC, "", "10.0.17134.1").is_empty());
        assert!(lint("", OWN, "10.0.17134.1").is_empty());
        assert!(lint("", "", "10.0.17763.1").is_empty());
        assert!(lint(GENERIC, OWN, "unknown").is_empty());
    }
}
