use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::product::{Arch, ManifestLookup};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two feature manifests have the name that an image asks for
    ///
    /// ## What it checks
    /// An `AdditionalFM` that leads to no file by its path leads to one by its name: merged manifests first, then those of
    /// the processor, then common ones. Among equals there is one only. Copies with the same text are a warning.
    ///
    /// ## Why
    /// The add-on kit takes both and joins their lists without a word, so packages get into the image that nobody chose.
    ///
    /// ## Passes
    /// `Source-arm/Packages/OEMFM.xml` and `Source-x64/Packages/OEMFM.xml`
    ///
    /// ## Fails
    /// `Source-arm/Packages/OEMFM.xml` and `Source-arm/Packages/Old/OEMFM.xml`
    ///
    /// ## Fix
    /// Rename or remove one of them.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTOemInputXML`: search for feature manifests
    struct FmAmbiguous;
    id: "fm-ambiguous",
    authority: "iot-adk-addonkit",
    clause: "IoTOemInputXML: search for feature manifests",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmAmbiguous {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for manifest in &product.manifests {
                let ManifestLookup::Found(used, others) = &manifest.found else {
                    continue;
                };
                // Where the processor of the product is not known, those of several processors are no clash.
                let arch = Arch::built_for(used.path());
                let mut others = others.iter();
                let Some(other) = others.find(|file| Arch::built_for(file.path()) == arch) else {
                    continue;
                };
                let finding = report.at(
                    product.oem_input.item(&manifest.reference),
                    format!("`{}` is there more than once", manifest.name()),
                );
                finding
                    .also(used.root_place(), "this one is looked at")
                    .also(other.root_place(), "this one has the same name")
                    .help("rename or remove one of them");
                if used.source.text() == other.source.text() {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input, oem_manifest};

    fn lint(paths: [&str; 2], same: bool) -> Vec<String> {
        let fms = "\n<AdditionalFMs><AdditionalFM>%X%\\OEMFM.xml</AdditionalFM></AdditionalFMs>";
        let other = match same {
            true => feature_manifest(""),
            false => oem_manifest(&[("A", "A")]),
        };
        let files = [
            ("IoTWorkspace.xml", "<IoTWorkspace/>".to_owned()),
            ("Products/P/OEMInput.xml", oem_input(fms)),
            (paths[0], feature_manifest("")),
            (paths[1], other),
        ];
        lint_one("fm-ambiguous", &files)
    }

    #[test]
    fn two_equals_are_an_error_and_copies_a_warning() {
        let paths = ["Source-arm/A/OEMFM.xml", "Source-arm/B/oemfm.xml"];
        let wanted = "Products/P/OEMInput.xml:2:30 `OEMFM.xml` is there more than once";
        assert_eq!(lint(paths, false), [format!("error {wanted}")]);
        assert_eq!(lint(paths, true), [format!("warning {wanted}")]);
    }

    #[test]
    fn other_processors_and_merged_manifests_do_not_clash() {
        assert!(lint(["Source-arm/OEMFM.xml", "Source-x64/OEMFM.xml"], false).is_empty());
        assert!(
            lint(
                ["Source-arm/OEMFM.xml", "Build/arm/MergedFMs/OEMFM.xml"],
                false
            )
            .is_empty()
        );
    }
}
