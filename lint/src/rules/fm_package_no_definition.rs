use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature manifest names an own package that nothing defines
    ///
    /// ## What it checks
    /// Where an entry has the name of the manufacturer (`%OEM_NAME%.`) and the folder of the own build (`%PKGBLD_DIR%`), a
    /// package definition of the workspace makes a cabinet of that name, or the cabinet is there. `CUSConfig` packages are
    /// made by the add-on kit from what Microsoft's device centre gives out.
    ///
    /// ## Why
    /// No build will ever make the cabinet. The image build stops at it, late and with the name of a file only.
    ///
    /// ## Passes
    /// `Name="%OEM_NAME%.Kiosk.Agent.cab"` with `Kiosk.Agent.wm.xml` in the workspace
    ///
    /// ## Fails
    /// The same without a definition of that name.
    ///
    /// ## Fix
    /// Add the definition, correct the name, or name the folder that the package comes from.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Packages"
    struct FmPackageNoDefinition;
    id: "fm-package-no-definition",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Packages",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmPackageNoDefinition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        if !workspace.is_whole() {
            return;
        }
        let defined = workspace.packages.iter();
        let defined: BTreeSet<String> = defined
            .flat_map(|package| package.cabinets())
            .map(|name| format!("{}.cab", name.to_lowercase()))
            .collect();
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let mut seen = BTreeSet::new();
            for entry in &manifest.packages {
                let (Some(path), Some(name)) = (&entry.path, &entry.name) else {
                    continue;
                };
                let written = name.value.trim().to_lowercase();
                let rest = written.strip_prefix("%oem_name%.");
                let is_own = rest.is_some_and(|rest| !rest.starts_with("cusconfig."))
                    && path
                        .value
                        .trim()
                        .trim_end_matches('\\')
                        .eq_ignore_ascii_case("%PKGBLD_DIR%");
                let Some(cab) = workspace.cab_name(manifest, entry).filter(|_| is_own) else {
                    continue;
                };
                let is_there = defined.contains(&cab.to_lowercase())
                    || workspace.tree.named(&cab).next().is_some();
                if !is_there && seen.insert(cab.to_lowercase()) {
                    let message = format!("no package definition makes `{cab}`");
                    let finding = report.at(manifest.entry(entry), message);
                    let made = workspace
                        .packages
                        .iter()
                        .map(|package| package.name.as_str());
                    let wanted = cab.strip_suffix(".cab").unwrap_or(&cab);
                    finding.help(match nearest(wanted, made) {
                        Some(near) => format!("did you mean `{near}.cab`?"),
                        None => "add the definition, or correct the name".to_owned(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, help, lint_one, oem_manifest, wm_xml};

    fn files(name: &str) -> [(&'static str, String); 5] {
        [
            (WORKSPACE.0, WORKSPACE.1.to_owned()),
            ("OEMFM.xml", oem_manifest(&[(name, "A")])),
            ("A.wm.xml", wm_xml("A", "")),
            ("B/Fjord.Test.B.cab", String::new()),
            (
                "D.wm.xml",
                wm_xml("D", "").replacen("<identity", "<identity buildWow=\"true\"", 1),
            ),
        ]
    }

    fn lint(name: &str) -> Vec<String> {
        lint_one("fm-package-no-definition", &files(name))
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |name| help("fm-package-no-definition", &files(name));
        assert_eq!(
            of("%OEM_NAME%.Tset.A"),
            ["did you mean `Fjord.Test.A.cab`?"]
        );
        let wanted = "add the definition, or correct the name";
        assert_eq!(of("%OEM_NAME%.Other"), [wanted]);
    }

    #[test]
    fn own_packages_need_a_definition_or_a_cabinet() {
        for name in ["C", "A_Wow_arm64.arm"] {
            let wanted = format!(
                "warning OEMFM.xml:2:40 no package definition makes `Fjord.Test.{name}.cab`"
            );
            assert_eq!(lint(&format!("%OEM_NAME%.Test.{name}")), [wanted]);
        }
        for name in [
            "%OEM_NAME%.test.A",
            "%OEM_NAME%.Test.B",
            "%OEM_NAME%.Test.D",
            "%OEM_NAME%.Test.D_Wow_arm64.arm",
            "Vendor.C",
            "%OEM_NAME%.CUSConfig.DeviceInfo",
        ] {
            assert!(lint(name).is_empty(), "{name}");
        }
    }
}
