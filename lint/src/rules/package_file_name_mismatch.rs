use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package definition is called otherwise than the package
    ///
    /// ## What it checks
    /// A `*.wm.xml` is called after namespace and name of the package, in the same case: `Kiosk.Agent.wm.xml` for name
    /// `Agent` in namespace `Kiosk`.
    ///
    /// ## Why
    /// Whoever looks for the definition of a cabinet looks for its name. A difference in case is found on one computer
    /// and not on the next.
    ///
    /// ## Passes
    /// ```text
    /// Kiosk.Agent.wm.xml: name="Agent" namespace="Kiosk"
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Kiosk.agent.wm.xml: name="Agent" namespace="Kiosk"
    /// ```
    ///
    /// ## Fix
    /// Rename the file.
    ///
    /// ## References
    /// - iot-adk-addonkit, package definitions of the samples
    struct PackageFileNameMismatch;
    id: "package-file-name-mismatch",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Packages of the samples",
    images: All,
    input: PackageDefinition,
    level: Info,
    since: "0.1.0",
}

impl Rule for PackageFileNameMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Wm(file) = &package.definition else {
                continue;
            };
            let Some(name) = &file.name else {
                continue;
            };
            let parts = file
                .namespace
                .iter()
                .chain([name])
                .map(|part| part.value.as_str());
            let wanted = parts.collect::<Vec<_>>().join(".");
            let written = file.name();
            let end = written.len().saturating_sub(".wm.xml".len());
            let stem = written.get(..end).unwrap_or(written);
            if stem != wanted && !wanted.contains("$(") && package.definition.is_built() {
                let message = format!("`{written}` defines `{wanted}`, expected `{wanted}.wm.xml`");
                report
                    .at(file.value(name, "identity/@name"), message)
                    .help("rename the file, or mend the name of the package");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    #[test]
    fn the_file_is_called_after_the_package_in_the_same_case() {
        let lint =
            |path: &str| lint_one("package-file-name-mismatch", &[(path, wm_xml("Agent", ""))]);
        assert!(lint("x/Test.Agent.wm.xml").is_empty());
        let found = lint("Test.agent.wm.xml").concat();
        assert!(found.starts_with("info Test.agent.wm.xml:1:"), "{found}");
        assert!(
            found.ends_with(
                "`Test.agent.wm.xml` defines `Test.Agent`, expected `Test.Agent.wm.xml`"
            )
        );
    }
}
