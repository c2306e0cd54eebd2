use crate::facts::system::System;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of IoT Core is defined in the legacy format
    ///
    /// ## What it checks
    /// A workspace of the current add-on kit (with `IoTWorkspace.xml`), or one whose `OSVERSION` is 16299 or later,
    /// defines packages of IoT Core in `*.wm.xml`.
    ///
    /// ## Why
    /// From release 1709 on the kit builds `*.wm.xml` only; a `*.pkg.xml` in the workspace is not built, or is
    /// converted behind your back.
    ///
    /// ## Passes
    /// ```text
    /// Kiosk.Agent.wm.xml
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Kiosk.Agent.pkg.xml
    /// ```
    ///
    /// ## Fix
    /// Convert it: `pkggen FILE /convert:pkg2wm`, or `Convert-IoTPkg2Wm` of the kit.
    ///
    /// ## References
    /// - iot-adk-addonkit, Convert-IoTPkg2Wm
    /// - IoT Core, "Creating Windows Universal OEM Packages"
    struct PkgxmlOnCurrentKit;
    id: "pkgxml-on-current-kit",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Convert-IoTPkg2Wm",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

/// The first build whose kit builds the new format only: release 1709.
const FIRST: u16 = 16299;

impl Rule for PkgxmlOnCurrentKit {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        let is_new = workspace.os_build().is_some_and(|os| os.build >= FIRST);
        let is_kit = !workspace.documents.workspace_settings.is_empty();
        for package in &facts.packages {
            let path = package.definition.path();
            let systems = facts.systems_of(path);
            if !matches!(package.definition, Definition::Pkg(_))
                || !(is_new || is_kit)
                || !systems.contains(&System::IotCore)
            {
                continue;
            }
            report
                .at(
                    package.definition.root_place(),
                    "a legacy `*.pkg.xml` in a workspace for `*.wm.xml`",
                )
                .help("convert it with `pkggen FILE /convert:pkg2wm`");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    #[test]
    fn a_legacy_definition_in_a_workspace_of_the_kit_is_found() {
        let pkg = ("Packages/A.pkg.xml", pkg_xml("", ""));
        let kit = ("IoTWorkspace.xml", "<IoTWorkspace/>".to_owned());
        let found = lint_one("pkgxml-on-current-kit", &[kit, pkg.clone()]).concat();
        assert!(
            found.starts_with("warning Packages/A.pkg.xml:1:2 a legacy"),
            "{found}"
        );
        assert!(lint_one("pkgxml-on-current-kit", &[pkg]).is_empty());
    }
}
