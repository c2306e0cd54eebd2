use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};
use formats::source::Span;

declare_rule! {
    /// An own package is named with the manufacturer's name spelled out
    ///
    /// ## What it checks
    /// The `Name` of a package that the workspace builds (`Path="%PKGBLD_DIR%"`) begins with `%OEM_NAME%.` and not with the
    /// `OemName` of the workspace itself.
    ///
    /// ## Why
    /// The build calls packages after `OemName`. When that changes, entries with the old name lead nowhere.
    ///
    /// ## Passes
    /// `Name="%OEM_NAME%.Kiosk.Agent.cab"`
    ///
    /// ## Fails
    /// `Name="Fjordlight.Kiosk.Agent.cab"`
    ///
    /// ## Fix
    /// Write the variable, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, names of packages
    struct FmNameWithoutOwner;
    id: "fm-name-without-owner",
    authority: "iot-adk-addonkit",
    clause: "Names of packages",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmNameWithoutOwner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let variables = facts.workspace.variables_at(manifest.path());
            let Some(owner) = variables.and_then(|variables| variables.get("OEM_NAME")) else {
                continue;
            };
            let start = format!("{}.", owner.to_lowercase());
            for entry in &manifest.packages {
                let (Some(path), Some(name)) = (&entry.path, &entry.name) else {
                    continue;
                };
                let is_own = path.value.trim().to_lowercase().starts_with("%pkgbld_dir%");
                if !is_own || !name.value.to_lowercase().starts_with(&start) {
                    continue;
                }
                let end = name.span.start.saturating_add(owner.len());
                let place = manifest.place(
                    Span {
                        start: name.span.start,
                        end,
                    },
                    entry.route.clone(),
                );
                report
                    .at(
                        place.clone(),
                        format!("`{}` is spelled out, wanted `%OEM_NAME%`", owner),
                    )
                    .help("write `%OEM_NAME%`")
                    .fix(Fix::replace("write `%OEM_NAME%`", &place, "%OEM_NAME%"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, fixed, lint_one, oem_manifest};

    const ID: &str = "fm-name-without-owner";

    #[test]
    fn the_manufacturers_name_is_a_variable() {
        let files = |name| {
            let manifest = oem_manifest(&[(name, "A")]);
            [
                (WORKSPACE.0, WORKSPACE.1.to_owned()),
                ("OEMFM.xml", manifest),
            ]
        };
        let wanted = "warning OEMFM.xml:2:40 `Fjord` is spelled out, wanted `%OEM_NAME%`";
        assert_eq!(lint_one(ID, &files("Fjord.Test.A")), [wanted]);
        assert!(
            fixed(ID, &files("Fjord.Test.A"), "OEMFM.xml").contains("\"%OEM_NAME%.Test.A.cab\"")
        );
        assert!(lint_one(ID, &files("%OEM_NAME%.Test.A")).is_empty());
        assert!(lint_one(ID, &files("Fjordlight.A")).is_empty());
    }
}
