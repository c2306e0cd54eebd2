use crate::diagnostic::Fix;
use crate::facts::product::FeatureMatch;
use crate::facts::{Arch, Facts, Product};
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

/// Microsoft's manifest of test features.
const NON_PRODUCTION: &str = "IoTUAPNonProductionPartnerShareFM.xml";

declare_rule! {
    /// A test image chooses test features and does not list their manifest
    ///
    /// ## What it checks
    /// A test image of IoT Core that chooses one of Microsoft's test features lists `IoTUAPNonProductionPartnerShareFM.xml` in
    /// `AdditionalFMs`, unless another listed manifest defines the feature.
    ///
    /// ## Why
    /// The test features are defined in that manifest alone, and the imaging tools do not take it by themselves. Without it
    /// they do not know the features, and the image is not built.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fix
    /// List the manifest, from the folder of the processor (`arm`, `x86`, `amd64`). The fix does so where the processor is known.
    ///
    /// ## References
    /// - IoT Core feature list, "Test features"
    /// - iot-adk-addonkit, test inputs of the sample products
    struct TestFeatureWithoutTestFm;
    id: "test-feature-without-test-fm",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Test],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestFeatureWithoutTestFm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let mut manifests = product.manifests.iter();
            if manifests.any(|manifest| manifest.name().to_lowercase().contains("nonproduction")) {
                continue;
            }
            let needing = product.features().filter(|feature| {
                let id = feature.text.value.as_str();
                let known = lists::feature(id);
                known.is_some_and(|known| known.class == Class::Test)
                    && product.known_feature(id) == FeatureMatch::None
            });
            let needing: Vec<_> = needing.collect();
            let Some((first, others)) = needing.split_first() else {
                continue;
            };
            let input = &product.oem_input;
            let finding = report.at(
                input.item(first),
                format!(
                    "`{}` without the manifest that defines it, `{NON_PRODUCTION}`",
                    first.text.value
                ),
            );
            for other in others {
                finding.also(input.item(other), "needs it too");
            }
            finding
                .help(format!("list `{NON_PRODUCTION}` in `AdditionalFMs`"))
                .fix(list_it(product));
        }
    }
}

fn list_it(product: &Product) -> Option<Fix> {
    let folder = match product.arch? {
        Arch::Arm => "arm",
        Arch::X86 => "x86",
        Arch::X64 => "amd64",
        Arch::Arm64 => return None,
    };
    let element =
        format!(r"<AdditionalFM>%AKROOT%\FMFiles\{folder}\{NON_PRODUCTION}</AdditionalFM>");
    let input = &product.oem_input;
    let list = input.additional_fms.element?;
    Fix::append(format!("add `{element}`"), &input.source, list, &element)
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "test-feature-without-test-fm";
    const PATH: &str = "Source-x64/Products/Kiosk/TestOEMInput.xml";

    fn files(release_type: &str, manifest: &str) -> [(&'static str, String); 1] {
        let text = format!(
            "<ReleaseType>{release_type}</ReleaseType><AdditionalFMs>\n<AdditionalFM>{manifest}</AdditionalFM>\n</AdditionalFMs>\
             <Features><Microsoft>\n<Feature>IOT_EFIESP</Feature>\n<Feature>IOT_WDTF</Feature>\n<Feature>IOT_KD_ON</Feature></Microsoft></Features>"
        );
        [(PATH, oem_input(&text))]
    }

    #[test]
    fn test_features_without_their_manifest_are_one_error_and_are_mended() {
        let files = files("Test", r"%BLD_DIR%\MergedFMs\OEMFM.xml");
        let wanted = format!(
            "error {PATH}:5:10 `IOT_WDTF` without the manifest that defines it, `IoTUAPNonProductionPartnerShareFM.xml`"
        );
        assert_eq!(lint_one(ID, &files), [wanted]);
        let text = fixed(ID, &files, PATH);
        assert!(text.contains(r"\FMFiles\amd64\IoTUAPNonProd"), "{text}");
        assert!(lint_one(ID, &[(PATH, text)]).is_empty());
    }

    #[test]
    fn the_manifest_in_any_folder_and_retail_images_pass() {
        let listed = r"%AKROOT%\FMFiles\arm\iotuapnonproductionpartnersharefm.xml";
        assert!(lint_one(ID, &files("Test", listed)).is_empty());
        assert!(lint_one(ID, &files("Production", "OEMFM.xml")).is_empty());
    }
}
