use formats::document::package_manifest::ManifestKind;

use crate::facts::Facts;
use crate::facts::difference::differences;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A built package installs or sets something else than its definition says
    ///
    /// ## What it checks
    /// The services in the component manifests of a built package, and when they start, are those of the definition that it is
    /// built from, and registry values that both set have the same data. Names and data with variables are not compared, and
    /// values of one side alone are not told of: the tools add some.
    ///
    /// ## Why
    /// The image gets what is in the package; whoever reviews the workspace reads the definition.
    ///
    /// ## Passes
    /// A package that was built after the last change.
    ///
    /// ## Fails
    /// `start="demand"` in the definition and `start="auto"` in the package.
    ///
    /// ## Fix
    /// Build the package again.
    ///
    /// ## References
    /// - Microsoft, IoT Core package schema: service, regKeys
    struct ComponentDiffersFromDefinition;
    id: "component-differs-from-definition",
    authority: "Microsoft, IoT Core package schema",
    clause: "service, regKeys",
    images: All,
    input: Package,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ComponentDiffersFromDefinition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            // What cannot be read, and a package of the older format, says nothing of what its components do.
            let is_told = built.contents.kind == Some(ManifestKind::Update);
            if !is_told || built.contents.unread.is_some() {
                continue;
            }
            let Some(package) = facts.index.definition_of(&built.path) else {
                continue;
            };
            for difference in differences(package, built) {
                report
                    .at(difference.here, difference.message)
                    .also(difference.there, "the package")
                    .help("build the package again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::facts::built::BuiltPackage;
    use crate::facts::contents::Contents;
    use crate::testing::built::component;
    use crate::testing::{run, wm_xml, workspace};

    #[test]
    fn services_and_registry_values_are_compared() {
        let inside = Contents {
            kind: Some(ManifestKind::Update),
            components: vec![component(
                &[
                    &[("name", "Agent"), ("start", "demand")],
                    &[("name", "Shell"), ("start", "auto")],
                ],
                &[
                    ("HKEY_LOCAL_MACHINE\\SOFTWARE\\Kiosk", "Port", "0x00000051"),
                    (
                        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Pump",
                        "Start",
                        "0x00000002",
                    ),
                ],
            )],
            ..Contents::default()
        };
        let lint = |body: &str| {
            let wm = wm_xml("A", body).replace("$(OEMNAME)", "Fjord");
            let files = [("A/A.wm.xml", wm), ("Fjord.Test.A.cab", String::new())];
            let mut workspace = workspace(&files);
            let built = BuiltPackage::new("Fjord.Test.A.cab", Arc::new(inside.clone()));
            workspace.built.push(built);
            run("component-differs-from-definition", &workspace)
        };
        let key = |data: &str| {
            format!(
                "<regKeys><regKey keyName=\"$(hklm.software)\\Kiosk\">\n<regValue name=\"port\" type=\"REG_DWORD\" \
                 value=\"{data}\"/></regKey></regKeys>"
            )
        };
        let both =
            "<service name=\"agent\" start=\"Demand\"/><service name=\"Shell\" start=\"auto\"/>";
        assert_eq!(lint(&(key("0x51") + both)), [""; 0]);
        assert_eq!(
            lint(&(both.to_owned() + "<service name=\"pump\" start=\"auto\"/>")),
            [""; 0]
        );
        let other = "<service name=\"Agent\" start=\"auto\"/><service name=\"Log\"/>";
        let found = lint(&(key("0x50") + other));
        let message = |line: &String| {
            line.split_once(' ')
                .unwrap()
                .1
                .split_once(' ')
                .unwrap()
                .1
                .to_owned()
        };
        let mut told: Vec<String> = found.iter().map(message).collect();
        told.sort();
        let wanted = [
            "`port` is `0x50` here and `0x00000051` in the built package",
            "the built package has a service `Shell`, which is not here",
            "the service `Agent` starts `auto` here and `demand` in the built package",
            "the service `Log` is not in the built package",
        ];
        assert_eq!(told, wanted);
        assert_eq!(
            lint("<service name=\"$(NAME)\"/><service name=\"Agent\" start=\"demand\"/>"),
            [""; 0]
        );
    }
}
