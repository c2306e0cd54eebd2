use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::facts::origin::Origin;
use crate::facts::product::Arch;
use crate::files::written_name;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is built and in no feature manifest
    ///
    /// ## What it checks
    /// Every package definition of a workspace makes a cabinet that a manifest for its processor names, or that an
    /// `OEMInput.xml` names in `PackageFiles`. Templates do not count.
    ///
    /// ## Why
    /// Nothing brings the package into an image, so what it should change is not changed.
    ///
    /// ## Passes
    /// `Kiosk.Agent.wm.xml`, and `Name="%OEM_NAME%.Kiosk.Agent.cab"` in a manifest
    ///
    /// ## Fails
    /// `Kiosk.Agent.wm.xml`, and no manifest with that name.
    ///
    /// ## Fix
    /// Add the package to a manifest, with a feature, or remove it.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Packages"
    struct WmNotInFm;
    id: "wm-not-in-fm",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Packages",
    images: All,
    input: PackageDefinition,
    level: Info,
    since: "0.1.0",
}

impl Rule for WmNotInFm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        let manifests = &workspace.documents.manifests;
        if !workspace.is_whole() || manifests.is_empty() {
            return;
        }
        let mut named: BTreeMap<String, Vec<Option<Arch>>> = BTreeMap::new();
        for manifest in manifests {
            let arch = Arch::built_for(manifest.path());
            for cab in manifest
                .packages
                .iter()
                .filter_map(|entry| workspace.cab_name(manifest, entry))
            {
                named.entry(cab.to_lowercase()).or_default().push(arch);
            }
        }
        for product in &workspace.products {
            for path in product.oem_input.package_files.texts() {
                let path = product.variables.expand(path).text.to_lowercase();
                let cab = written_name(&path).to_owned();
                named.entry(cab).or_default().push(product.arch);
            }
        }
        for package in &facts.packages {
            let path = package.definition.path();
            if !package.definition.is_built()
                || Origin::of(path) != Origin::Source
                || package.name.contains("$(")
            {
                continue;
            }
            let cab = format!("{}.cab", package.name);
            let archs = named.get(&cab.to_lowercase());
            let arch = Arch::of_path(path);
            if !archs.is_some_and(|archs| archs.iter().any(|other| Arch::fits(*other, arch))) {
                report
                    .at(
                        package.definition.name_place(),
                        format!("no feature manifest names `{cab}`"),
                    )
                    .help("add the package to a feature manifest, or remove it");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, lint_one, oem_manifest, wm_xml};

    fn lint(definition: &str, manifest: &str, name: &str) -> Vec<String> {
        let files = [
            (WORKSPACE.0, WORKSPACE.1.to_owned()),
            (manifest, oem_manifest(&[(name, "A")])),
            (definition, wm_xml("A", "")),
        ];
        lint_one("wm-not-in-fm", &files)
    }

    #[test]
    fn a_package_is_named_by_a_manifest_for_its_processor() {
        let name = "%OEM_NAME%.test.a";
        assert!(lint("Source-arm/A.wm.xml", "Common/OEMFM.xml", name).is_empty());
        let found = lint("Source-arm/A.wm.xml", "Source-x64/OEMFM.xml", name);
        assert_eq!(
            found,
            ["info Source-arm/A.wm.xml:1:120 no feature manifest names `Fjord.Test.A.cab`"]
        );
        assert_eq!(lint("A.wm.xml", "OEMFM.xml", "%OEM_NAME%.Test.B").len(), 1);
        assert!(lint("Templates/A.wm.xml", "OEMFM.xml", "B").is_empty());
    }
}
