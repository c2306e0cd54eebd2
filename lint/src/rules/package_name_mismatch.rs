use crate::diagnostic::Fix;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `legacyName` differs from owner, namespace and name
    ///
    /// ## What it checks
    /// The `legacyName` of a `*.wm.xml` is owner, namespace and name joined by full stops, in any case.
    ///
    /// ## Why
    /// A package has two identities then: the file is called after one, and the system knows it by the other. Updates
    /// and feature manifests go by the first, logs by the second.
    ///
    /// ## Passes
    /// ```xml
    /// name="Agent" namespace="Kiosk" owner="$(OEMNAME)" legacyName="$(OEMNAME).Kiosk.Agent"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// name="Agent" namespace="Kiosk" owner="$(OEMNAME)" legacyName="$(OEMNAME).Kiosk.Setup"
    /// ```
    ///
    /// ## Fix
    /// Write the same in both places. A package that has shipped keeps its `legacyName`; change the other.
    ///
    /// ## References
    /// - iot-adk-addonkit, package definitions of the samples
    /// - IoT Core, "Windows Universal OEM Package Schema": identity
    struct PackageNameMismatch;
    id: "package-name-mismatch",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "identity",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PackageNameMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Wm(file) = &package.definition else {
                continue;
            };
            let (Some(legacy), Some(name)) = (&file.legacy_name, &file.name) else {
                continue;
            };
            let parts = [&file.owner, &file.namespace, &file.name];
            let parts = parts.into_iter().flatten().map(|part| part.value.as_str());
            let joined = parts
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(".");
            if legacy.value.to_lowercase() != joined.to_lowercase() {
                let message = format!("`legacyName` is `{}`, expected `{joined}`", legacy.value);
                report
                    .at(file.value(legacy, "identity/@legacyName"), message)
                    .also(file.value(name, "identity/@name"), "the name")
                    .help("write the same in both places; a package that has shipped keeps its `legacyName`")
                    .fix(Fix::guess(&file.value(legacy, ""), &joined));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(from: &str, to: &str) -> Vec<String> {
        let text = wm_xml("Agent", "").replace(from, to);
        lint_one("package-name-mismatch", &[("A.wm.xml", text)])
    }

    #[test]
    fn equal_names_pass_in_any_case_and_without_a_legacy_name() {
        assert!(lint("", "").is_empty());
        assert!(lint("$(OEMNAME).Test.Agent", "$(oemname).TEST.agent").is_empty());
        assert!(lint("legacyName=\"$(OEMNAME).Test.Agent\"", "").is_empty());
    }

    #[test]
    fn another_name_is_found() {
        let found = lint("name=\"Agent\"", "name=\"Setup\"").concat();
        assert!(
            found.ends_with(
                "`legacyName` is `$(OEMNAME).Test.Agent`, expected `$(OEMNAME).Test.Setup`"
            ),
            "{found}"
        );
    }
}
