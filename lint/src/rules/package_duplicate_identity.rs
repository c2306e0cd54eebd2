use std::collections::BTreeMap;

use crate::diagnostic::Level;
use crate::facts::package::board;
use crate::facts::{Definition, Facts, Package};
use crate::rule::{Report, Rule, declare_rule};

/// How many definitions of one name are compared.
const MOST_ALIKE: usize = 64;

declare_rule! {
    /// Two package definitions make one package
    ///
    /// ## What it checks
    /// No two definitions for one processor have the same output name; two with the same owner, namespace and name that
    /// differ in `legacyName` are a warning. So are definitions in the folders of different boards, of which a product
    /// uses one.
    ///
    /// ## Why
    /// Both build a cabinet of the same name into the same folder, so the one that is built last gets into every image.
    ///
    /// ## Passes
    /// ```text
    /// Kiosk.Agent.wm.xml: legacyName="$(OEMNAME).Kiosk.Agent"
    /// Kiosk.Setup.wm.xml: legacyName="$(OEMNAME).Kiosk.Setup"
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Kiosk.Agent.wm.xml: legacyName="$(OEMNAME).Kiosk.Agent"
    /// Kiosk.Setup.wm.xml: legacyName="$(OEMNAME).Kiosk.Agent"
    /// ```
    ///
    /// ## Fix
    /// Give each package a name of its own.
    ///
    /// ## References
    /// - iot-adk-addonkit, build commands: output folder of packages
    struct PackageDuplicateIdentity;
    id: "package-duplicate-identity",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Build commands",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageDuplicateIdentity {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut alike: BTreeMap<(bool, String), Vec<&Package>> = BTreeMap::new();
        for package in &facts.workspace.packages {
            for key in keys(package) {
                alike.entry(key).or_default().push(package);
            }
        }
        for package in &facts.packages {
            let path = package.definition.path();
            let is_other = |other: &&Package| {
                other.definition.path() < path && package.shares_build_with(other)
            };
            let first = |key| {
                alike
                    .get(&key)?
                    .iter()
                    .copied()
                    .take(MOST_ALIKE)
                    .find(is_other)
            };
            let [output, identity] = keys(package);
            let (other, is_output) = match (first(output), first(identity)) {
                (Some(other), _) => (other, true),
                (None, Some(other)) => (other, false),
                (None, None) => continue,
            };
            let message = match is_output {
                true => format!("another definition makes `{}.cab` as well", package.name),
                false => "another package has the same owner, namespace and name".to_owned(),
            };
            let finding = report.at(package.definition.root_place(), message);
            finding
                .also(other.definition.root_place(), "the other definition")
                .help("give each package a name of its own");
            if !is_output || board(path) != board(other.definition.path()) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

/// By what packages are the same: the output name, and owner, namespace and name.
fn keys(package: &Package) -> [(bool, String); 2] {
    let output = package.name.to_lowercase();
    [(true, output), (false, identity(&package.definition))]
}

/// Owner, namespace and name; the path where there is no name.
fn identity(definition: &Definition) -> String {
    match definition {
        Definition::Wm(file) if file.name.is_some() => {
            let parts = [&file.owner, &file.namespace, &file.name];
            let parts = parts.map(|part| part.as_ref().map_or("", |part| &part.value));
            parts.join("|").to_lowercase()
        }
        _ => definition.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(one: &str, other: &str, legacy: &str) -> Vec<String> {
        let second = wm_xml("A", "").replace("$(OEMNAME).Test.A", legacy);
        lint_one(
            "package-duplicate-identity",
            &[(one, wm_xml("A", "")), (other, second)],
        )
    }

    #[test]
    fn the_second_definition_of_one_output_is_found() {
        let found = lint("a/A.wm.xml", "b/A.wm.xml", "$(oemname).test.a");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("error b/A.wm.xml:1:2 another definition makes"),
            "{found:?}"
        );
        assert!(
            lint("BSP/X/A.wm.xml", "BSP/Y/A.wm.xml", "$(OEMNAME).Test.A")[0]
                .starts_with("warning ")
        );
        assert!(lint("a/A.wm.xml", "b/A.wm.xml", "$(OEMNAME).Test.B")[0].starts_with("warning "));
    }

    #[test]
    fn processors_and_templates_are_apart() {
        for other in ["Source-x64/A.wm.xml", "Templates/A.wm.xml"] {
            assert!(
                lint("Source-arm/A.wm.xml", other, "$(OEMNAME).Test.A").is_empty(),
                "{other}"
            );
        }
    }
}
