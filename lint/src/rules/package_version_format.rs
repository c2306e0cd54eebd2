use crate::facts::Facts;
use crate::facts::version::PackageVersion;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The version of the packages is not four numbers
    ///
    /// ## What it checks
    /// The `BSPVersion` of a workspace is four numbers from 0 to 65535 joined by full stops, and not 0.0.0.0.
    ///
    /// ## Why
    /// The version is written into every package. The build scripts do not look at it; the package generator stops at
    /// another form, and the checks for submissions refuse 0.0.0.0.
    ///
    /// ## Passes
    /// ```xml
    /// <BSPVersion>10.0.3.0</BSPVersion>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <BSPVersion>10.0.3</BSPVersion>
    /// ```
    ///
    /// ## Fix
    /// Write four numbers.
    ///
    /// ## References
    /// - Windows 10 Mobile, "WSPC requirements for retail images": Standard validation
    /// - iot-adk-addonkit, workspace commands
    struct PackageVersionFormat;
    id: "package-version-format",
    authority: "Microsoft, WSPC requirements for retail images",
    clause: "Standard validation, rules 2 and 6",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageVersionFormat {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.workspace_settings {
            for version in settings
                .envs
                .iter()
                .filter_map(|env| env.bsp_version.as_ref())
            {
                let text = version.value.as_str();
                let message = match PackageVersion::parse(text) {
                    None => format!("`BSPVersion` is `{text}`, expected four numbers up to 65535"),
                    Some(PackageVersion([0, 0, 0, 0])) => {
                        "`BSPVersion` is `0.0.0.0`, which packages may not have".to_owned()
                    }
                    Some(_) => continue,
                };
                report
                    .at(
                        settings.value(version, "IoTWorkspace/Env/BSPVersion"),
                        message,
                    )
                    .help("write four numbers, e.g. `10.0.1.0`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    fn lint(version: &str) -> Vec<String> {
        let env = format!("<Env Name=\"arm\"><BSPVersion>{version}</BSPVersion></Env>");
        let text = format!("<IoTWorkspace>\n{env}</IoTWorkspace>");
        lint_one("package-version-format", &[("IoTWorkspace.xml", text)])
    }

    #[test]
    fn four_numbers_pass_and_other_forms_are_found() {
        assert!(lint("10.0.3.65535").is_empty());
        for version in [
            "10.0.3",
            "10.0.3.0.1",
            "10.0.3.65536",
            "10.0.3.x",
            "10.0.+3.0",
            "",
        ] {
            assert!(
                lint(version)
                    .concat()
                    .starts_with("error IoTWorkspace.xml:2:"),
                "{version}"
            );
        }
        assert!(
            lint("0.0.0.0")
                .concat()
                .contains("which packages may not have")
        );
    }
}
