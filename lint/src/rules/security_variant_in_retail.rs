use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The test variant of a security feature is in a retail image
    ///
    /// ## What it checks
    /// No retail image chooses `SEC_SECUREBOOT_TEST`, `SEC_DEVICEGUARD_TEST` or `QC_UEFI_TEST`. Another feature of the manufacturer
    /// whose name ends in `_TEST` is a warning, because the name is all that is known of it.
    ///
    /// ## Why
    /// These features bring test keys, a policy with test signers, and firmware that accepts test signatures. Whoever has
    /// the published test keys has the device.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>SEC_SECUREBOOT</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>SEC_SECUREBOOT_TEST</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the retail variant. The fix writes it, or comments the test variant out where the retail variant is chosen too.
    ///
    /// ## References
    /// - IoT Core feature list: `SEC_SECUREBOOT`, `SEC_DEVICEGUARD`
    /// - iot-adk-addonkit, security packages
    struct SecurityVariantInRetail;
    id: "security-variant-in-retail",
    authority: "Microsoft, IoT Core feature list",
    clause: "SEC_SECUREBOOT, SEC_DEVICEGUARD",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurityVariantInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in &product.oem_input.features.oem.items {
                let id = feature.text.value.as_str();
                let variant = lists::variants().find(|known| known.test.eq_ignore_ascii_case(id));
                let ends_so =
                    id.to_ascii_uppercase().ends_with("_TEST") && lists::feature(id).is_none();
                if variant.is_none() && !ends_so {
                    continue;
                }
                let place = product.oem_input.item(feature);
                let what = variant.map_or("by its name a test feature", |variant| variant.what);
                let finding =
                    report.at(place.clone(), format!("`{id}`, {what}, in a retail image"));
                finding.because_of_image(product);
                match variant {
                    Some(variant) if product.feature(variant.retail).is_none() => {
                        let title = format!("write `{}`", variant.retail);
                        finding.help(title.clone()).fix(Fix::replace(
                            title,
                            &place,
                            variant.retail,
                        ));
                    }
                    _ => {
                        finding
                            .help("switch the feature off")
                            .fix(product.switch_off(feature));
                    }
                }
                if variant.is_none() {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "security-variant-in-retail";

    fn files(release_type: &str, features: &[&str]) -> [(&'static str, String); 1] {
        let features: String = features
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        let text = format!(
            "<ReleaseType>{release_type}</ReleaseType><Features><OEM>{features}</OEM></Features>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn a_test_variant_is_an_error_and_is_replaced() {
        let test = files("Production", &["sec_secureboot_test"]);
        let wanted = "error OEMInput.xml:2:10 `sec_secureboot_test`, secure boot with test keys, in a retail image";
        assert_eq!(lint_one(ID, &test), [wanted]);
        assert!(fixed(ID, &test, "OEMInput.xml").contains("<Feature>SEC_SECUREBOOT</Feature>"));
        let both = files("Production", &["QC_UEFI_TEST", "QC_UEFI_PRODUCTION"]);
        assert!(
            fixed(ID, &both, "OEMInput.xml").contains("<!-- Feature>QC_UEFI_TEST</Feature -->")
        );
    }

    #[test]
    fn a_name_alone_is_a_warning() {
        assert!(lint_one(ID, &files("Production", &["KIOSK_TEST"]))[0].starts_with("warning "));
    }

    #[test]
    fn retail_variants_test_images_and_other_names_pass() {
        assert!(
            lint_one(
                ID,
                &files("Production", &["SEC_SECUREBOOT", "KIOSK_TESTER", "LATEST"])
            )
            .is_empty()
        );
        assert!(lint_one(ID, &files("Test", &["QC_UEFI_TEST"])).is_empty());
    }
}
