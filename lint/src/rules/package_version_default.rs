use crate::facts::Facts;
use crate::facts::product::Arch;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The packages of a retail image still have the version 10.0.0.0
    ///
    /// ## What it checks
    /// The `BSPVersion` of the processor of a retail product is not `10.0.0.0`.
    ///
    /// ## Why
    /// That is what new workspaces have. Devices take an update only when its version is higher than theirs, so a first
    /// release should have a number that somebody chose.
    ///
    /// ## Passes
    /// ```xml
    /// <BSPVersion>10.0.3.0</BSPVersion>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <BSPVersion>10.0.0.0</BSPVersion>
    /// ```
    ///
    /// ## Fix
    /// Raise the version with every release.
    ///
    /// ## References
    /// - iot-adk-addonkit, samples
    /// - IoT Core, "Update your apps and packages"
    struct PackageVersionDefault;
    id: "package-version-default",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Workspace: BSPVersion",
    images: [Retail],
    input: Workspace,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PackageVersionDefault {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.workspace_settings {
            let owners = facts.owners(settings.path());
            let archs: Vec<Arch> = owners.filter_map(|product| product.arch).collect();
            for env in &settings.envs {
                let name = env
                    .name
                    .as_ref()
                    .and_then(|name| Arch::from_word(&name.value));
                let is_used = archs.is_empty() || name.is_none_or(|name| archs.contains(&name));
                let version = env
                    .bsp_version
                    .as_ref()
                    .filter(|version| version.value == "10.0.0.0");
                if let Some(version) = version.filter(|_| is_used) {
                    report
                        .at(
                            settings.value(version, "IoTWorkspace/Env/BSPVersion"),
                            "`BSPVersion` is still `10.0.0.0`",
                        )
                        .help("raise the version with every release");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(input: &str, arch: &str, version: &str) -> Vec<String> {
        let env = format!("<Env Name=\"{arch}\">\n<BSPVersion>{version}</BSPVersion></Env>");
        let files = [
            (
                "IoTWorkspace.xml",
                format!("<IoTWorkspace>{env}</IoTWorkspace>"),
            ),
            ("Source-arm/Products/P/OEMInput.xml", oem_input(input)),
        ];
        lint_one("package-version-default", &files)
    }

    const RETAIL: &str = "<ReleaseType>Production</ReleaseType>";

    #[test]
    fn the_default_of_the_processor_of_a_retail_product_is_found() {
        let found = lint(RETAIL, "arm", "10.0.0.0");
        assert_eq!(
            found,
            ["warning IoTWorkspace.xml:2:13 `BSPVersion` is still `10.0.0.0`"]
        );
        assert!(lint(RETAIL, "arm", "10.0.1.0").is_empty());
        assert!(lint(RETAIL, "x64", "10.0.0.0").is_empty());
        assert!(lint("<ReleaseType>Test</ReleaseType>", "arm", "10.0.0.0").is_empty());
    }
}
