use std::collections::BTreeSet;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature manifest and a cabinet differ in the case of the name
    ///
    /// ## What it checks
    /// The `Name` of a package that an image gets has the spelling of the cabinet on disk or, before a build, that of the
    /// package definition.
    ///
    /// ## Why
    /// Windows finds the file in any case; the file systems of other build machines do not.
    ///
    /// ## Passes
    /// `Name="%OEM_NAME%.Kiosk.Agent.cab"` and `Fjordlight.Kiosk.Agent.cab`
    ///
    /// ## Fails
    /// `Name="%OEM_NAME%.Kiosk.agent.cab"` and `Fjordlight.Kiosk.Agent.cab`
    ///
    /// ## Fix
    /// Write the name as it is on disk, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, paths of packages
    struct FmCabCase;
    id: "fm-cab-case",
    authority: "iot-adk-addonkit",
    clause: "Paths of packages",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmCabCase {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut seen = BTreeSet::new();
        let packages = facts.products.iter().flat_map(|product| &product.packages);
        for selected in packages {
            let built = selected
                .cab
                .as_ref()
                .map(|cab| name_of(&cab.path).to_owned());
            let defined = || {
                let package = selected.package.as_ref()?;
                Some(format!("{}.cab", package.name))
            };
            let Some(known) = built.or_else(defined) else {
                continue;
            };
            let place = selected.place();
            if known == selected.file_name || !seen.insert(place.clone()) {
                continue;
            }
            report
                .at(
                    place.clone(),
                    format!("`{}` is called `{known}`", selected.file_name),
                )
                .help("write the name as it is on disk")
                .fix(Fix::respell(&place, &selected.manifest.source, &known));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, oem_manifest, wm_xml};

    const ID: &str = "fm-cab-case";

    fn files(name: &str) -> Vec<(&'static str, String)> {
        let input = oem_input(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><OEM><Feature>A</Feature></OEM></Features>",
        );
        vec![
            ("OEMInput.xml", input),
            ("OEMFM.xml", oem_manifest(&[(name, "A")])),
            ("A.wm.xml", wm_xml("A", "").replace("$(OEMNAME)", "Fjord")),
        ]
    }

    #[test]
    fn the_spelling_is_that_of_the_disk_or_of_the_definition() {
        assert!(lint_one(ID, &files("Fjord.Test.A")).is_empty());
        let mut files = files("Fjord.test.A");
        let wanted = "warning OEMFM.xml:2:40 `Fjord.test.A.cab` is called `Fjord.Test.A.cab`";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, "OEMFM.xml").contains("\"Fjord.Test.A.cab\""));
        files.push(("pkgs/Fjord.test.A.cab", String::new()));
        assert!(lint_one(ID, &files).is_empty());
    }

    #[test]
    fn a_variable_stays() {
        let mut files = files("%OEM_NAME%.Test.a");
        files[0].1 = files[0].1.clone();
        files.push(("IoTWorkspace.xml", crate::testing::WORKSPACE.1.to_owned()));
        assert_eq!(lint_one(ID, &files).len(), 1);
        assert!(fixed(ID, &files, "OEMFM.xml").contains("\"%OEM_NAME%.Test.A.cab\""));
    }
}
