use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The workspace of a retail product is still that of the sample manufacturer
    ///
    /// ## What it checks
    /// `OemName` of the workspace of a retail product is not the name of the add-on kit's samples.
    ///
    /// ## Why
    /// All packages are called after it. They cannot be renamed once devices have them.
    ///
    /// ## Passes
    /// `<OemName>Fjordlight</OemName>`
    ///
    /// ## Fails
    /// `<OemName>Contoso</OemName>`
    ///
    /// ## Fix
    /// Write the name of the manufacturer.
    ///
    /// ## Parameters
    /// `names`: names of sample manufacturers.
    ///
    /// ## References
    /// - iot-adk-addonkit, sample workspace
    struct SampleOwnerContoso {
        /// Names of sample manufacturers, in any case.
        names: Vec<String> = ["Contoso", "Fabrikam"].map(str::to_owned).to_vec(),
    }
    id: "sample-owner-contoso",
    authority: "iot-adk-addonkit",
    clause: "Sample workspace",
    images: [Retail],
    input: Workspace,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SampleOwnerContoso {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.workspace_settings {
            let Some(name) = &settings.config.oem_name else {
                continue;
            };
            let found = name.value.trim();
            if self
                .names
                .iter()
                .any(|sample| sample.eq_ignore_ascii_case(found))
            {
                report
                    .at(
                        settings.value(name, "IoTWorkspace/Config/OemName"),
                        format!("`OemName` of a retail product is `{found}`, the name of a sample"),
                    )
                    .help("write the name of the manufacturer");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    #[test]
    fn a_retail_product_has_a_manufacturer() {
        let lint = |name: &str, release_type: &str| {
            let files = [
                (
                    "IoTWorkspace.xml",
                    format!(
                        "<IoTWorkspace><Config>\n<OemName>{name}</OemName></Config></IoTWorkspace>"
                    ),
                ),
                (
                    "P/OEMInput.xml",
                    oem_input(&format!("<ReleaseType>{release_type}</ReleaseType>")),
                ),
            ];
            lint_one("sample-owner-contoso", &files)
        };
        let wanted = "warning IoTWorkspace.xml:2:10 `OemName` of a retail product is `Contoso`, the name of a sample";
        assert_eq!(lint("Contoso", "Production"), [wanted]);
        assert!(lint("Contoso", "Test").is_empty() && lint("Fjord", "Production").is_empty());
    }
}
