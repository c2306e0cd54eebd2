use crate::facts::Facts;
use crate::files::join;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A product has the files of the update service and its image does not use them
    ///
    /// ## What it checks
    /// Where the folder of a product has a `CUSConfig` folder, the image lists `OCPUpdateFM.xml`, chooses `CUS_DEVICE_INFO`, and
    /// does not choose `IOT_GENERIC_POP`.
    ///
    /// ## Why
    /// The packages in that folder bind devices to the manufacturer's own updates. Without them, or beside the generic
    /// ones, devices ask for the updates of somebody else.
    ///
    /// ## Passes
    /// `CUSConfig/` beside an `OEMInput.xml` with `OCPUpdateFM.xml` and `<Feature>CUS_DEVICE_INFO</Feature>`
    ///
    /// ## Fails
    /// `CUSConfig/` beside an `OEMInput.xml` without them
    ///
    /// ## Fix
    /// List the manifest, choose the feature, and switch `IOT_GENERIC_POP` off; the fix does the last.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`: import of the update configuration
    struct OcpUpdateFm;
    id: "ocp-update-fm",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct: import of the update configuration",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for OcpUpdateFm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            if !facts
                .workspace
                .tree
                .has_below(&join(input.folder(), "CUSConfig"))
            {
                continue;
            }
            let mut manifests = product.manifests.iter();
            let mut lacking = Vec::new();
            if !manifests.any(|manifest| manifest.name().eq_ignore_ascii_case("OCPUpdateFM.xml")) {
                let list = input.list(&input.additional_fms, "OEMInput/AdditionalFMs");
                lacking.push((
                    "OCPUpdateFM.xml",
                    list.unwrap_or_else(|| input.root_place()),
                ));
            }
            if product.feature("CUS_DEVICE_INFO").is_none() {
                lacking.push((
                    "CUS_DEVICE_INFO",
                    product.features_place(crate::facts::FeatureList::Oem),
                ));
            }
            for (what, place) in lacking {
                report
                    .at(
                        place,
                        format!("no `{what}`, so the files in `CUSConfig` are not used"),
                    )
                    .help(
                        "list `OCPUpdateFM.xml` and choose `CUS_DEVICE_INFO`, or remove the folder",
                    );
            }
            if let Some(generic) = product.feature("IOT_GENERIC_POP") {
                report
                    .at(
                        input.item(generic),
                        "`IOT_GENERIC_POP` beside the product's own `CUSConfig`",
                    )
                    .help("switch the feature off")
                    .fix(product.switch_off(generic));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(manifest: &str, feature: &str, folder: &str) -> Vec<String> {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>{manifest}</AdditionalFM></AdditionalFMs>\
             <Features><OEM><Feature>{feature}</Feature></OEM></Features>"
        );
        let config = format!("P/{folder}/DeviceInfo/x.txt");
        lint_one(
            "ocp-update-fm",
            &[
                ("P/OEMInput.xml", oem_input(&input)),
                (config.as_str(), String::new()),
            ],
        )
    }

    #[test]
    fn the_folder_needs_manifest_and_feature() {
        assert!(lint(r"x\OCPUpdateFM.xml", "CUS_DEVICE_INFO", "cusconfig").is_empty());
        assert!(lint("OEMFM.xml", "A", "other").is_empty());
        assert_eq!(lint("OEMFM.xml", "A", "CUSConfig").len(), 2);
        assert_eq!(
            lint("OCPUpdateFM.xml", "IOT_GENERIC_POP", "CUSConfig").len(),
            2
        );
    }
}
