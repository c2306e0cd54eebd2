use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The manufacturer's name or the build folder holds a sign that the scripts take for a command
    ///
    /// ## What it checks
    /// `OemName` and `BuildDir` of an `IoTWorkspace.xml` hold no `$`, and `OemName` no backslash.
    ///
    /// ## Why
    /// The add-on kit puts both into files by replacing text with a regular expression, without escaping: `$1` or `$&`
    /// becomes what was matched, and the file names something else.
    ///
    /// ## Passes
    /// `<OemName>Fjordlight</OemName>`
    ///
    /// ## Fails
    /// `<OemName>Fjord$light</OemName>`
    ///
    /// ## Fix
    /// Choose a name of letters and digits.
    ///
    /// ## References
    /// - iot-adk-addonkit, build commands: feature merger
    struct FmReplacementMetachar;
    id: "fm-replacement-metachar",
    authority: "iot-adk-addonkit",
    clause: "Build commands: feature merger",
    images: All,
    input: Workspace,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmReplacementMetachar {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.workspace_settings {
            let config = &settings.config;
            let signs: [(_, &str, &[char]); 2] = [
                (&config.oem_name, "OemName", &['$', '\\']),
                (&config.build_dir, "BuildDir", &['$']),
            ];
            for (value, name, signs) in signs {
                let Some(value) = value else { continue };
                // `$(name)` is a variable of the workspace.
                let text = value.value.replace("$(", "");
                if let Some(sign) = signs.iter().find(|sign| text.contains(**sign)) {
                    report
                        .at(
                            settings.value(value, format!("IoTWorkspace/Config/{name}")),
                            format!("`{sign}` in `{name}` is taken for a command when files are made from it"),
                        )
                        .help("use letters and digits");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    #[test]
    fn signs_of_replacements_are_found() {
        let lint = |name: &str, folder: &str| {
            let config =
                format!("<Config><OemName>{name}</OemName><BuildDir>{folder}</BuildDir></Config>");
            lint_one(
                "fm-replacement-metachar",
                &[(
                    "IoTWorkspace.xml",
                    format!("<IoTWorkspace>{config}</IoTWorkspace>"),
                )],
            )
        };
        assert!(lint("Fjord", r"%IOTWKSPACE%\Build\%BSP_ARCH%").is_empty());
        assert!(lint("Fjord", r"$(BUILD)\arm").is_empty());
        let found = lint("Fjord$1", r"c:\b$\x");
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("warning IoTWorkspace.xml:1:32 `$` in `OemName`"),
            "{found:?}"
        );
    }
}
