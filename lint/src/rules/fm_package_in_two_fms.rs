use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two feature manifests bring one package from different folders
    ///
    /// ## What it checks
    /// Where two manifests bring a cabinet of the same name into an image, both name the same folder, variables replaced.
    ///
    /// ## Why
    /// The imaging tools stop at two packages of one name, or take whichever comes first: the one that was built here, or
    /// the one that came with the board.
    ///
    /// ## Passes
    /// `Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Device.SystemInformation.cab"` in both
    ///
    /// ## Fails
    /// `Path="%PKGBLD_DIR%"` in one and `Path="%MSPKG_DIR%"` in the other
    ///
    /// ## Fix
    /// Take the entry out of one of the manifests.
    ///
    /// ## References
    /// - iot-adk-addonkit, issues 139 and 342
    struct FmPackageInTwoFms;
    id: "fm-package-in-two-fms",
    authority: "iot-adk-addonkit",
    clause: "Packages of several feature manifests",
    images: All,
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmPackageInTwoFms {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let mut first = BTreeMap::new();
            for selected in &product.packages {
                let Some(path) = &selected.entry.path else {
                    continue;
                };
                if selected.file_name.is_empty() {
                    continue;
                }
                let folder = product.variables.expand(path.value.trim()).text;
                let folder = folder
                    .replace('\\', "/")
                    .trim_end_matches('/')
                    .to_lowercase();
                let known = first
                    .entry(selected.file_name.to_lowercase())
                    .or_insert_with(|| (selected, folder.clone()));
                let (other, other_folder) = &*known;
                if *other_folder != folder && other.manifest.path() != selected.manifest.path() {
                    report
                        .at(
                            selected.place(),
                            format!("`{}` comes from two folders", selected.file_name),
                        )
                        .also(other.place(), "another folder is named here")
                        .help("take the entry out of one of the manifests");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(one: &str, other: &str) -> Vec<String> {
        let fms = "<AdditionalFMs><AdditionalFM>AFM.xml</AdditionalFM><AdditionalFM>BFM.xml</AdditionalFM></AdditionalFMs>";
        let manifest = |path: &str| {
            let entry = format!("<PackageFile Path=\"{path}\" Name=\"Vendor.X.cab\"/>");
            feature_manifest(&format!("\n<BasePackages>{entry}</BasePackages>"))
        };
        let files = [
            ("OEMInput.xml", oem_input(fms)),
            ("AFM.xml", manifest(one)),
            ("BFM.xml", manifest(other)),
        ];
        lint_one("fm-package-in-two-fms", &files)
    }

    #[test]
    fn the_folders_are_compared_with_their_variables_replaced() {
        let wanted = "error BFM.xml:2:53 `Vendor.X.cab` comes from two folders";
        assert_eq!(lint("%PKGBLD_DIR%", "%MSPKG_DIR%"), [wanted]);
        assert!(lint("%PKGBLD_DIR%", r"%BLD_DIR%\pkgs\").is_empty());
        assert!(lint("%BSPPKG_DIR%", "%pkgbld_dir%").is_empty());
    }
}
