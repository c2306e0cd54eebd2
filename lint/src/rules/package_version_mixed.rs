use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of the workspace has another version than the board support package
    ///
    /// ## What it checks
    /// The built packages of a retail image that the workspace defines have the version `BSPVersion` of `IoTWorkspace.xml`.
    ///
    /// ## Why
    /// The kit gives every package that version when it builds, and leaves an update out whose version is another. A
    /// package with an older one was not built with the rest: it is a leftover.
    ///
    /// ## Passes
    /// ```xml
    /// <BSPVersion>10.1.4.0</BSPVersion>
    /// ```
    /// and 10.1.4.0 in the packages.
    ///
    /// ## Fails
    /// 10.1.3.0 in one of the packages.
    ///
    /// ## Fix
    /// Build all packages again.
    ///
    /// ## References
    /// - iot-adk-addonkit, Export-IoTDUCCab
    struct PackageVersionMixed;
    id: "package-version-mixed",
    authority: "iot-adk-addonkit, Export-IoTDUCCab",
    clause: "BSPVersion",
    images: [Retail],
    input: Package,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PackageVersionMixed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(wanted) = product.variables.get("BSPVER") else {
                continue;
            };
            for selected in &product.packages {
                let defined = selected.package.as_ref().and(selected.cab.as_ref());
                let Some(built) = defined.and_then(|cab| facts.built_at(&cab.path)) else {
                    continue;
                };
                let found = built.contents.identity.version.as_deref();
                if let Some(found) = found.filter(|found| *found != wanted.trim()) {
                    let message = format!(
                        "`{}` has the version {found}, the workspace {wanted}",
                        built.name()
                    );
                    report
                        .at(selected.place(), message)
                        .also(
                            built.manifest_place("assemblyIdentity/@version"),
                            "the package",
                        )
                        .help("build all packages again");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{feature_manifest, oem_input, run, verified, wm_xml};

    const CAB: &[u8] = include_bytes!(
        "../../tests/fixtures/package-version-mixed/Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab"
    );

    #[test]
    fn versions_are_compared_with_the_workspace() {
        let lint = |version: &str| {
            let env = format!("<Env Name=\"arm\"><BSPVersion>{version}</BSPVersion></Env>");
            let settings = format!("<IoTWorkspace>{env}</IoTWorkspace>");
            let input = "<ReleaseType>Production</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
            let entry =
                "<BasePackages>\n<PackageFile Name=\"Fjordlight.Kiosk.Agent.cab\"/></BasePackages>";
            let wm = wm_xml("Agent", "").replace("$(OEMNAME).Test.Agent", "Fjordlight.Kiosk.Agent");
            let files = [
                ("IoTWorkspace.xml", settings.into_bytes()),
                (
                    "Source-arm/Products/P/OEMInput.xml",
                    oem_input(input).into_bytes(),
                ),
                (
                    "Source-arm/Packages/OEMFM.xml",
                    feature_manifest(entry).into_bytes(),
                ),
                ("Source-arm/Packages/A/A.wm.xml", wm.into_bytes()),
                ("Build/arm/Fjordlight.Kiosk.Agent.cab", CAB.to_vec()),
            ];
            run(
                "package-version-mixed",
                &verified(&files, &ResolveOptions::default()),
            )
            .concat()
        };
        let found = lint("10.1.4.0");
        assert!(
            found.starts_with("warning Source-arm/Packages/OEMFM.xml:2:"),
            "{found}"
        );
        assert!(
            found.contains("has the version 10.1.3.0, the workspace 10.1.4.0"),
            "{found}"
        );
        assert_eq!(lint("10.1.3.0"), "");
    }
}
