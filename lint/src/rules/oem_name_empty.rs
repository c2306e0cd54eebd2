use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The workspace has no name of the manufacturer
    ///
    /// ## What it checks
    /// `OemName` of an `IoTWorkspace.xml` is there and not empty.
    ///
    /// ## Why
    /// The build scripts use `Contoso` where it is empty, so all packages get the name of Microsoft's samples.
    ///
    /// ## Passes
    /// ```xml
    /// <OemName>Fjordlight</OemName>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <OemName />
    /// ```
    ///
    /// ## Fix
    /// Write the name of the manufacturer, as it is in the names of packages.
    ///
    /// ## References
    /// - iot-adk-addonkit, workspace commands
    struct OemNameEmpty;
    id: "oem-name-empty",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Workspace commands",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for OemNameEmpty {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.workspace_settings {
            let name = settings.config.oem_name.as_ref();
            if name.is_some_and(|name| !name.value.trim().is_empty()) {
                continue;
            }
            let place = name.map_or_else(
                || settings.root_place(),
                |name| settings.value(name, "IoTWorkspace/Config/OemName"),
            );
            report
                .at(
                    place,
                    "`OemName` is empty, so packages are called after `Contoso`",
                )
                .help("write the name of the manufacturer");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    fn lint(config: &str) -> Vec<String> {
        let text = format!("<IoTWorkspace><Config>{config}</Config></IoTWorkspace>");
        lint_one("oem-name-empty", &[("IoTWorkspace.xml", text)])
    }

    #[test]
    fn a_name_passes_and_none_does_not() {
        assert!(lint("<OemName>Fjordlight</OemName>").is_empty());
        assert_eq!(lint("<OemName/>").len(), 1);
        assert!(
            lint("")
                .concat()
                .starts_with("error IoTWorkspace.xml:1:2 `OemName` is empty")
        );
    }
}
