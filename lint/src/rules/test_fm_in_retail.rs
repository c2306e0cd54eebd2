use crate::diagnostic::{Fix, Level, Place};
use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

/// Part of the name of Microsoft's manifest of test features.
const NON_PRODUCTION: &str = "nonproduction";

declare_rule! {
    /// A retail image includes a feature manifest that is for test images
    ///
    /// ## What it checks
    /// No `AdditionalFM` of a retail image names Microsoft's manifest of test features,
    /// `IoTUAPNonProductionPartnerShareFM.xml`, or a manifest that an `FMFileList` of the workspace gives the `ReleaseType`
    /// `Test`. A manifest that is only called a test manifest, `BoardTestFM.xml`, is a warning.
    ///
    /// ## Why
    /// Such a manifest brings packages that are signed for testing, some of them in every image that includes it. It is the
    /// one thing that the add-on kit itself refuses, and it knows the manifest by its file name only.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\BoardFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fix
    /// Take the manifest out, together with the features that it defines. The fix comments the entry out.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images"
    /// - iot-adk-addonkit, class `IoTProduct`: validation of features
    struct TestFmInRetail;
    id: "test-fm-in-retail",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct: validation of features",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestFmInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for manifest in &product.manifests {
                let name = manifest.name();
                let marked = marked_as_test(facts, product, name);
                let is_microsofts = name.to_lowercase().contains(NON_PRODUCTION);
                if !is_microsofts && marked.is_none() && !is_called_test(name) {
                    continue;
                }
                let input = &product.oem_input;
                let title = format!("comment `{name}` out");
                let element = input.element(&manifest.reference);
                let finding = report.at(
                    input.item(&manifest.reference),
                    format!("`{name}`, a manifest of test packages, in a retail image"),
                );
                finding
                    .because_of_image(product)
                    .help("take the manifest out, together with the features that it defines")
                    .fix(Fix::comment_out(title, &element, &input.source));
                match marked {
                    Some(place) => {
                        finding.also(place, "this makes it a manifest of test packages");
                    }
                    None if !is_microsofts => {
                        finding.at_most(Level::Warning);
                    }
                    None => {}
                }
            }
        }
    }
}

/// Whether a name says that it is about test: `BoardTestFM.xml` does, `LatestFM.xml` does not.
fn is_called_test(name: &str) -> bool {
    let end = name.len().saturating_sub("FM.xml".len());
    let stem = name.get(..end).unwrap_or_default();
    stem.ends_with("Test") || stem.ends_with("TEST") || stem.to_lowercase().ends_with("_test")
}

/// Where a list of manifests calls this one a test manifest.
fn marked_as_test(facts: &Facts<'_>, product: &Product, name: &str) -> Option<Place> {
    let mut listed = facts.listed(name, product.arch);
    listed.find_map(|(list, fm)| {
        let release_type = fm.release_type.as_ref()?;
        let is_test = release_type.value.trim().eq_ignore_ascii_case("Test");
        is_test.then(|| list.value(release_type, format!("{}/@ReleaseType", fm.route)))
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(release_type: &str, manifest: &str, marked: &str) -> Vec<String> {
        let text = oem_input(&format!(
            "<ReleaseType>{release_type}</ReleaseType><AdditionalFMs>\n\
             <AdditionalFM>{manifest}</AdditionalFM></AdditionalFMs>"
        ));
        let list = format!(
            "<FMCollectionManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">\
             <FMs><FM Path=\"$(FMDirectory)\\BoardFM.xml\" ReleaseType=\"{marked}\"/></FMs></FMCollectionManifest>"
        );
        let files = [
            ("OEMInput.xml", text),
            ("BoardFM.xml", feature_manifest("")),
            ("BoardFMFileList.xml", list),
        ];
        lint_one("test-fm-in-retail", &files)
    }

    #[test]
    fn microsofts_manifest_and_a_marked_one_are_errors() {
        let name = r"%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml";
        let found = lint("Production", name, "Production");
        assert!(
            found[0].starts_with("error OEMInput.xml:2:15 `IoTUAPNonP"),
            "{found:?}"
        );
        assert!(lint("Production", "BoardFM.xml", "test")[0].starts_with("error "));
    }

    #[test]
    fn a_name_alone_is_a_warning() {
        for name in ["BoardTestFM.xml", r"%BLD_DIR%\MergedFMs\BOARD_TESTFM.xml"] {
            assert!(
                lint("Production", name, "Production")[0].starts_with("warning "),
                "{name}"
            );
        }
    }

    #[test]
    fn other_manifests_and_test_images_pass() {
        assert!(lint("Production", "BoardFM.xml", "Production").is_empty());
        assert!(lint("Production", "LatestFM.xml", "Production").is_empty());
        assert!(lint("Test", "BoardFM.xml", "Test").is_empty());
    }
}
