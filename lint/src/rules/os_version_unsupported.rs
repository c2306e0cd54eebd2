use crate::facts::Facts;
use crate::facts::version::OsBuild;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The operating system is older than what the add-on kit builds
    ///
    /// ## What it checks
    /// The OS that images of a workspace are built of, which is given by `--define OSVERSION=...`, is at least 10.0.17763.1577.
    /// Without the variable nothing is checked.
    ///
    /// ## Why
    /// The current add-on kit stops at an older core kit: secure boot with certificates of one's own came with that version.
    /// Who stays with an older kit lowers `oldest`.
    ///
    /// ## Passes
    /// `--define OSVERSION=10.0.17763.1577`
    ///
    /// ## Fails
    /// `--define OSVERSION=10.0.17763.253`
    ///
    /// ## Fix
    /// Install the packages of a newer OS.
    ///
    /// ## Parameters
    /// `oldest`: the oldest version that the kit in use accepts.
    ///
    /// ## References
    /// - iot-adk-addonkit, release 7.0
    struct OsVersionUnsupported {
        /// The oldest version that the kit in use accepts, e.g. `10.0.17763.107`.
        oldest: OsBuild = OsBuild { build: 17_763, revision: 1577 },
    }
    id: "os-version-unsupported",
    authority: "iot-adk-addonkit",
    clause: "Release 7.0",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for OsVersionUnsupported {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(found) = facts
            .workspace
            .os_build()
            .filter(|found| *found < self.oldest)
        else {
            return;
        };
        for settings in &facts.documents.workspace_settings {
            report
                .at(settings.root_place(), format!("the OS is {found}, the add-on kit wants at least {}", self.oldest))
                .help("install the packages of a newer OS, or lower the rule's `oldest` for an older kit");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{WORKSPACE, run, workspace_with};

    #[test]
    fn versions_are_compared_where_one_is_given() {
        let lint = |version: Option<&str>| {
            let defines = version.map(|version| ("OSVERSION".to_owned(), version.to_owned()));
            let options = ResolveOptions {
                defines: defines.into_iter().collect(),
                ..ResolveOptions::default()
            };
            run(
                "os-version-unsupported",
                &workspace_with(&[WORKSPACE], &options),
            )
        };
        let wanted = "error IoTWorkspace.xml:1:2 the OS is 17763.253, the add-on kit wants at least 17763.1577";
        assert_eq!(lint(Some("10.0.17763.253")), [wanted]);
        assert!(lint(Some("10.0.17763.1577")).is_empty() && lint(None).is_empty());
    }
}
