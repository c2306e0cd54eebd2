use crate::facts::product::FeatureMatch;
use crate::facts::{Definition, Facts, FeatureList, Product};
use crate::files::{is_below, join};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The provisioning of a product does not get into its image
    ///
    /// ## What it checks
    /// A product of IoT Core that has a `prov/customizations.xml` chooses `PROV_AUTO`, or another package of its image carries a
    /// provisioning package (a file that ends in `.ppkg`).
    ///
    /// ## Why
    /// The kit builds the provisioning of every product, but only the package of `PROV_AUTO` puts it into the image. Without
    /// it, apps, certificates and settings of the product are missing on the device.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>PROV_AUTO</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- Feature>PROV_AUTO</Feature -->
    /// ```
    ///
    /// ## Fix
    /// Choose `PROV_AUTO`. The fix adds it where a listed manifest defines it.
    ///
    /// ## References
    /// - iot-adk-addonkit, sample products
    struct ProvAutoMissing;
    id: "prov-auto-missing",
    authority: "iot-adk-addonkit",
    clause: "Sample products: PROV_AUTO",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvAutoMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.is_iot_core() && product.in_workspace) {
            let folder = join(product.oem_input.folder(), "prov");
            let mut files = product.customizations.iter();
            let Some(file) = files.find(|file| is_below(file.path(), &folder)) else {
                continue;
            };
            if product.brings("PROV_AUTO") || carries_provisioning(product) {
                continue;
            }
            let place = product.features_place(FeatureList::Oem);
            let finding = report.at(
                place,
                "no `PROV_AUTO`, so the provisioning is not in the image",
            );
            finding
                .also(file.root_place(), "this is the provisioning")
                .help("choose `PROV_AUTO`, and list the manifest that defines it");
            if product.known_feature("PROV_AUTO") == FeatureMatch::Exact {
                finding.fix(product.choose(FeatureList::Oem, "PROV_AUTO"));
            }
        }
    }
}

/// Whether a package of the image has a provisioning package among its files.
fn carries_provisioning(product: &Product) -> bool {
    product.packages.iter().any(|selected| {
        let definition = selected.package.as_ref().map(|package| &package.definition);
        let Some(Definition::Wm(file)) = definition else {
            return false;
        };
        file.files.iter().any(|file| {
            let source = file.source.as_ref();
            source.is_some_and(|source| source.value.trim().to_lowercase().ends_with(".ppkg"))
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, oem_manifest, wm_xml};

    const ID: &str = "prov-auto-missing";

    fn files(feature: &str, provisioning: &'static str) -> Vec<(&'static str, String)> {
        let input = format!(
            "<Product>Windows 10 IoT Core</Product><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features>\n<OEM>\n<Feature>{feature}</Feature></OEM></Features>"
        );
        let manifest = oem_manifest(&[
            ("%OEM_NAME%.Test.Own", "OWN"),
            ("Provisioning.Auto", "PROV_AUTO"),
        ]);
        vec![
            ("p/OEMInput.xml", oem_input(&input)),
            ("OEMFM.xml", manifest),
            (
                "Own.wm.xml",
                wm_xml("Own", "<files><file source=\"a\\Own.PPKG\"/></files>"),
            ),
            (provisioning, "<WindowsCustomizations/>".to_owned()),
        ]
    }

    #[test]
    fn provisioning_that_no_package_carries_is_warned_of_and_mended() {
        let files = files("OTHER", "p/prov/customizations.xml");
        let wanted =
            "warning p/OEMInput.xml:2:1 no `PROV_AUTO`, so the provisioning is not in the image";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, "p/OEMInput.xml").contains("\n<Feature>PROV_AUTO</Feature>"));
    }

    #[test]
    fn the_feature_another_package_and_no_provisioning_pass() {
        assert!(lint_one(ID, &files("PROV_AUTO", "p/prov/customizations.xml")).is_empty());
        assert!(lint_one(ID, &files("OWN", "p/prov/customizations.xml")).is_empty());
        assert!(lint_one(ID, &files("OTHER", "q/prov/customizations.xml")).is_empty());
    }
}
