use crate::facts::product::FeatureMatch;
use crate::facts::{Definition, Facts, FeatureList, Product};
use crate::files::join;
use crate::rule::{Report, Rule, declare_rule};

/// The script that a device runs at its first boot.
const SCRIPT: &str = "oemcustomization.cmd";

declare_rule! {
    /// The first-boot script of a product and the feature that brings it do not go together
    ///
    /// ## What it checks
    /// A product of IoT Core with an `OEMCustomization.cmd` in its folder chooses `CUSTOM_CMD`. A product that chooses a package
    /// which takes the script from the product's folder has it there.
    ///
    /// ## Why
    /// Only the package of `CUSTOM_CMD` puts the script into the image. Without the feature it is never run, without the file
    /// the package cannot be built.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>CUSTOM_CMD</Feature>
    /// ```
    /// with `OEMCustomization.cmd` beside the input
    ///
    /// ## Fails
    /// The same without the file, or the file without the feature.
    ///
    /// ## Fix
    /// Choose the feature, which the fix does where a listed manifest defines it; or add the file.
    ///
    /// ## References
    /// - IoT Core feature list: `CUSTOM_CMD`
    struct CustomCmdMissing;
    id: "custom-cmd-missing",
    authority: "Microsoft, IoT Core feature list",
    clause: "CUSTOM_CMD",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for CustomCmdMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.is_iot_core() && product.in_workspace) {
            let input = &product.oem_input;
            let script = facts.workspace.tree.find(&join(input.folder(), SCRIPT));
            if script.is_some() && !product.brings("CUSTOM_CMD") {
                let place = product.features_place(FeatureList::Oem);
                let finding = report.at(
                    place,
                    format!("no `CUSTOM_CMD`, so `{SCRIPT}` is not in the image"),
                );
                finding.help("choose `CUSTOM_CMD`, and list the manifest that defines it");
                if product.known_feature("CUSTOM_CMD") == FeatureMatch::Exact {
                    finding.fix(product.choose(FeatureList::Oem, "CUSTOM_CMD"));
                }
            }
            if script.is_none() && takes_script(product) {
                let feature = product
                    .feature("CUSTOM_CMD")
                    .or_else(|| product.feature("OEM_CustomCmd"));
                let place =
                    feature.map_or_else(|| input.root_place(), |feature| input.item(feature));
                report
                    .at(
                        place,
                        format!("`{SCRIPT}` is not in the folder of the product"),
                    )
                    .help("add the file, or switch the feature off");
            }
        }
    }
}

/// Whether a package of the image takes the script from the folder of the product.
fn takes_script(product: &Product) -> bool {
    product.packages.iter().any(|selected| {
        let definition = selected.package.as_ref().map(|package| &package.definition);
        let Some(Definition::Wm(file)) = definition else {
            return false;
        };
        file.files.iter().any(|file| {
            let source = file
                .source
                .as_ref()
                .map(|source| source.value.to_lowercase());
            source
                .is_some_and(|source| source.contains("$(prod)") && source.trim().ends_with(SCRIPT))
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, oem_manifest, wm_xml};

    const ID: &str = "custom-cmd-missing";

    fn files(feature: &str, script: &str) -> Vec<(String, String)> {
        let input = format!(
            "<Product>Windows 10 IoT Core</Product><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features>\n<OEM>\n<Feature>{feature}</Feature></OEM></Features>"
        );
        let package =
            "<files><file source=\"$(PRJDIR)\\Products\\$(PROD)\\OEMCustomization.cmd\"/></files>";
        let files = [
            ("p/OEMInput.xml", oem_input(&input)),
            (
                "OEMFM.xml",
                oem_manifest(&[("%OEM_NAME%.Test.Cmd", "CUSTOM_CMD")]),
            ),
            ("Cmd.wm.xml", wm_xml("Cmd", package)),
            (script, String::new()),
        ];
        files.map(|(path, text)| (path.to_owned(), text)).into()
    }

    #[test]
    fn a_script_without_the_feature_is_warned_of_and_mended() {
        let files = files("OTHER", "p/OEMCustomization.CMD");
        let wanted = "warning p/OEMInput.xml:2:1 no `CUSTOM_CMD`, so `oemcustomization.cmd` is not in the image";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, "p/OEMInput.xml").contains("\n<Feature>CUSTOM_CMD</Feature>"));
    }

    #[test]
    fn the_feature_without_the_script_is_warned_of() {
        let wanted = "warning p/OEMInput.xml:3:10 `oemcustomization.cmd` is not in the folder of the product";
        assert_eq!(
            lint_one(ID, &files("CUSTOM_CMD", "q/oemcustomization.cmd")),
            [wanted]
        );
    }

    #[test]
    fn both_or_neither_pass() {
        assert!(lint_one(ID, &files("CUSTOM_CMD", "p/oemcustomization.cmd")).is_empty());
        assert!(lint_one(ID, &files("OTHER", "q/oemcustomization.cmd")).is_empty());
    }
}
