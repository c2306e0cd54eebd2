use std::collections::BTreeSet;

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::cabinets::wanted;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of a feature manifest has no cabinet
    ///
    /// ## What it checks
    /// Every package that a listed manifest names has a cabinet, in the folder it names or anywhere in the workspace for the
    /// processor of the product. It is an error for a package that the image gets, by its features or its section, and a
    /// warning for any other.
    ///
    /// A workspace in version control often has no cabinets. So packages that the workspace defines are checked once one of
    /// them has a cabinet, packages from elsewhere once a build was made or one of them has a cabinet. How many packages of
    /// an image are not checked for that reason is one finding for information. Packages of folders outside of the
    /// workspace, such as `%MSPKG_DIR%`, are never checked.
    ///
    /// ## Why
    /// The imaging tools stop at a package that is missing. The add-on kit reports missing packages of every listed
    /// manifest, also those that the image does not need; here the latter are no errors.
    ///
    /// ## Passes
    /// `<PackageFile Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Kiosk.Agent.cab">` with
    /// `Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab`
    ///
    /// ## Fails
    /// The same without that file, in a workspace that has been built.
    ///
    /// ## Fix
    /// Build the package, import the board support package that brings it, or correct the name.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTFMXML`: validation of packages
    struct FmMissingCab;
    id: "fm-missing-cab",
    authority: "iot-adk-addonkit",
    clause: "IoTFMXML: validation of packages",
    images: All,
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmMissingCab {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts.products.iter().filter(|product| product.in_workspace) {
            let packages = wanted(facts, product);
            let is_there = |own| {
                packages
                    .iter()
                    .any(|package| package.own == own && package.found.is_some())
            };
            let (built, imported) = (is_there(true), is_there(false));
            let (mut unchecked, mut seen) = (0_usize, BTreeSet::new());
            let missing = packages.iter().filter(|package| package.found.is_none());
            let (chosen, others): (Vec<_>, Vec<_>) = missing.partition(|p| p.selected.is_some());
            for package in chosen.into_iter().chain(others) {
                let name = &package.file_name;
                // A layout and a platform are often in one package, which is missing once.
                if !seen.insert(name.to_lowercase()) {
                    continue;
                }
                if !built && (package.own || !imported) {
                    unchecked += usize::from(package.selected.is_some());
                    continue;
                }
                let finding = report.at(
                    package.place(),
                    format!("`{name}` is not in `{}`", package.folder),
                );
                finding.help(match package.own {
                    true => "build the package",
                    false => "import the board support package that brings it, or correct the name",
                });
                let Some(selected) = package.selected else {
                    finding.at_most(Level::Warning);
                    continue;
                };
                if let Some(feature) = selected.selected_by.first() {
                    finding.also(product.oem_input.item(feature), "this selects it");
                }
            }
            if unchecked > 0 {
                let input = &product.oem_input;
                let list = input.list(&input.additional_fms, "OEMInput/AdditionalFMs");
                report
                    .at(
                        list.unwrap_or_else(|| input.root_place()),
                        format!(
                            "packages of the image that are not built were not checked: {unchecked}"
                        ),
                    )
                    .help("build the workspace, then lint it again")
                    .at_most(Level::Info);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, oem_manifest, wm_xml};

    fn lint(cabs: &[&str]) -> Vec<String> {
        let input = oem_input(
            "\n<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><OEM><Feature>A</Feature><Feature>V</Feature></OEM></Features>",
        );
        let manifest = oem_manifest(&[
            ("Fjord.Test.A", "A"),
            ("Fjord.Test.B", "B"),
            ("Vendor.V", "V"),
            ("Microsoft.M", "A"),
        ]);
        let manifest = manifest.replace("%PKGBLD_DIR%\" Name=\"Mi", "%MSPKG_DIR%\" Name=\"Mi");
        let mut files = vec![
            ("OEMInput.xml", input),
            ("OEMFM.xml", manifest),
            ("A.wm.xml", wm_xml("A", "").replace("$(OEMNAME)", "Fjord")),
            ("B.wm.xml", wm_xml("B", "").replace("$(OEMNAME)", "Fjord")),
        ];
        files.extend(cabs.iter().map(|cab| (*cab, String::new())));
        lint_one("fm-missing-cab", &files)
    }

    const NOT_A: &str = "error OEMFM.xml:2:40 `Fjord.Test.A.cab` is not in `Build/%BSP_ARCH%/pkgs`";
    const NOT_B: &str =
        "warning OEMFM.xml:3:40 `Fjord.Test.B.cab` is not in `Build/%BSP_ARCH%/pkgs`";
    const NOT_V: &str = "error OEMFM.xml:4:40 `Vendor.V.cab` is not in `Build/%BSP_ARCH%/pkgs`";

    #[test]
    fn once_the_workspace_is_built_what_is_missing_is_found() {
        assert_eq!(lint(&["pkgs/Fjord.Test.A.cab"]), [NOT_B, NOT_V]);
        let (b, v) = ("out/FJORD.test.b.cab", "pkgs/Vendor.V.cab");
        assert_eq!(lint(&[b, v]), [NOT_A]);
        assert!(lint(&[b, v, "pkgs/Fjord.Test.A.cab"]).is_empty());
    }

    #[test]
    fn without_a_build_one_finding_says_what_was_not_checked() {
        let start =
            "info OEMInput.xml:2:1 packages of the image that are not built were not checked";
        let told = |number| format!("{start}: {number}");
        assert_eq!(lint(&[]), [told(2)]);
        assert_eq!(lint(&["pkgs/Vendor.V.cab"]), [told(1)]);
    }
}
