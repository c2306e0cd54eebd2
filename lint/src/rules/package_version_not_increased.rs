use crate::facts::Facts;
use crate::facts::product::Arch;
use crate::facts::version::PackageVersion;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The packages have no higher version than those that were shipped
    ///
    /// ## What it checks
    /// With `--shipped DIR`, which names the folder of an earlier release: the `BSPVersion` of every processor is higher than in
    /// the `IoTWorkspace.xml` of that release. Without the option nothing is checked.
    ///
    /// ## Why
    /// Devices install a package only when its version is higher than the one they have. What is not raised never arrives.
    ///
    /// ## Passes
    /// `<BSPVersion>10.0.4.0</BSPVersion>` after `10.0.3.0`
    ///
    /// ## Fails
    /// `<BSPVersion>10.0.3.0</BSPVersion>` after `10.0.3.0`
    ///
    /// ## Fix
    /// Raise the version with every release.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Update requirements"
    /// - iot-adk-addonkit, export of packages for the update service
    struct PackageVersionNotIncreased;
    id: "package-version-not-increased",
    authority: "Microsoft, Windows 10 Mobile: update requirements",
    clause: "Versions of packages",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageVersionNotIncreased {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(shipped) = &facts.workspace.shipped else {
            return;
        };
        for settings in &facts.documents.workspace_settings {
            for env in &settings.envs {
                let before = Arch::of_env(env).and_then(|arch| shipped.env(arch));
                let before = before.and_then(|env| env.bsp_version.as_ref());
                let (Some(now), Some(before)) = (&env.bsp_version, before) else {
                    continue;
                };
                let versions = (
                    PackageVersion::parse(&now.value),
                    PackageVersion::parse(&before.value),
                );
                if let (Some(new), Some(old)) = versions
                    && new <= old
                {
                    report
                        .at(
                            settings.value(now, "IoTWorkspace/Env/BSPVersion"),
                            format!("`BSPVersion` is {new}, and {old} was shipped"),
                        )
                        .help("raise the version with every release");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_after;

    fn lint(before: &str, now: &str) -> Vec<String> {
        let workspace = |version: &str| {
            let env = format!("<Env Name=\"arm\">\n<BSPVersion>{version}</BSPVersion></Env>");
            [(
                "IoTWorkspace.xml",
                format!("<IoTWorkspace>{env}</IoTWorkspace>"),
            )]
        };
        lint_after(
            "package-version-not-increased",
            &workspace(before),
            &workspace(now),
        )
    }

    #[test]
    fn the_version_rises() {
        let wanted =
            "error IoTWorkspace.xml:2:13 `BSPVersion` is 10.0.9.0, and 10.0.10.0 was shipped";
        assert_eq!(lint("10.0.10.0", "10.0.9.0"), [wanted]);
        assert_eq!(lint("10.0.3.0", "10.0.3.0").len(), 1);
        assert!(lint("10.0.3.0", "10.0.10.0").is_empty());
        assert!(lint("unknown", "10.0.10.0").is_empty());
    }
}
