use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail product has the names of a sample
    ///
    /// ## What it checks
    /// The SMBIOS texts of a retail product do not hold the names of the add-on kit's samples.
    ///
    /// ## Why
    /// Devices report these names to the update service and to their owners.
    ///
    /// ## Passes
    /// `<Manufacturer>Fjordlight</Manufacturer>`
    ///
    /// ## Fails
    /// `<Manufacturer>Contoso</Manufacturer>`
    ///
    /// ## Fix
    /// Write the names of the product.
    ///
    /// ## Parameters
    /// `names`: words of samples.
    ///
    /// ## References
    /// - iot-adk-addonkit, sample products
    struct SmbiosSampleValue {
        /// Words of samples, in any case.
        names: Vec<String> = ["Contoso", "Fabrikam"].map(str::to_owned).to_vec(),
    }
    id: "smbios-sample-value",
    authority: "iot-adk-addonkit",
    clause: "Sample products",
    images: [Retail],
    input: ProductSettings,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SmbiosSampleValue {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.product_settings {
            for (name, text) in settings.smbios.texts() {
                let lower = text.value.to_lowercase();
                if self
                    .names
                    .iter()
                    .any(|sample| lower.contains(&sample.to_lowercase()))
                {
                    report
                        .at(
                            settings.value(text, format!("IoTProductSettings/SMBIOS/{name}")),
                            format!(
                                "`{name}` is still `{}`, the name of a sample",
                                text.value.trim()
                            ),
                        )
                        .help("write the name of the product");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, product_settings};

    #[test]
    fn names_of_samples_are_found_in_retail_products() {
        let lint = |release_type: &str, text: &str| {
            let smbios = format!("<SMBIOS>\n<Family>{text}</Family></SMBIOS>");
            let files = [
                (
                    "P/OEMInput.xml",
                    oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>")),
                ),
                ("P/PSettings.xml", product_settings(&smbios)),
            ];
            lint_one("smbios-sample-value", &files)
        };
        let wanted =
            "warning P/PSettings.xml:2:9 `Family` is still `ContosoFamily`, the name of a sample";
        assert_eq!(lint("Production", "ContosoFamily"), [wanted]);
        assert!(lint("Test", "ContosoFamily").is_empty());
        assert!(lint("Production", "Kiosk").is_empty());
    }
}
