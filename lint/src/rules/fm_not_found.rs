use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::product::{ManifestLookup, Product};
use crate::files::is_below;
use crate::lists;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature manifest that an image needs does not exist
    ///
    /// ## What it checks
    /// Every `AdditionalFM` names a manifest that exists: at its path, or, since the merged manifests of `Build` are made from
    /// the manifests of the workspace, anywhere in the workspace for the processor of the product. It is a warning where the
    /// path leads out of the folders that were looked at. A configuration outside of any workspace is not checked, and
    /// neither are paths with variables that are not known.
    ///
    /// ## Why
    /// The add-on kit prints an error, takes the manifest out of its list and calls the product valid. Every package and
    /// feature of that manifest is then unknown to the checks that follow, and the imaging tools stop much later.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\BoardFM.xml</AdditionalFM>
    /// ```
    /// in a workspace without a `BoardFM.xml`
    ///
    /// ## Fix
    /// Import the board support package that brings the manifest, or correct the name.
    ///
    /// ## References
    /// - IoT Core manufacturing guide: feature manifests that an image lists must exist
    /// - iot-adk-addonkit, class `IoTOemInputXML`: search by file name
    struct FmNotFound;
    id: "fm-not-found",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Feature manifests",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmNotFound {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let known: Vec<&str> = {
            let manifests = facts.workspace.documents.manifests.iter();
            manifests.map(|file| file.name()).collect()
        };
        for product in facts.products.iter().filter(|product| product.in_workspace) {
            for manifest in &product.manifests {
                let name = manifest.name();
                let is_missing = matches!(manifest.found, ManifestLookup::Missing);
                if !is_missing || lists::is_placeholder(name) {
                    continue;
                }
                let place = product.oem_input.item(&manifest.reference);
                let finding = report.at(place, format!("`{name}` is nowhere in the workspace"));
                finding.help(match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "import the board support package that brings it, or correct the name"
                        .to_owned(),
                });
                if leads_out(
                    product,
                    &facts.workspace.root,
                    &manifest.reference.text.value,
                ) {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

/// Whether a path is that of another folder on this machine, or on another one.
fn leads_out(product: &Product, root: &str, reference: &str) -> bool {
    let path = product
        .variables
        .expand(reference.trim())
        .text
        .replace('\\', "/");
    let is_absolute = path.starts_with('/') || path.get(1..2) == Some(":");
    is_absolute && (root.is_empty() || !is_below(&path, root))
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(reference: &str) -> Vec<String> {
        let text = oem_input(&format!(
            "<AdditionalFMs>\n<AdditionalFM>{reference}</AdditionalFM></AdditionalFMs>"
        ));
        let files = [
            ("ws/IoTWorkspace.xml", "<IoTWorkspace/>".to_owned()),
            ("ws/Source-arm/Products/Kiosk/OEMInput.xml", text),
            ("ws/Source-arm/Packages/OEMFM.xml", feature_manifest("")),
            ("ws/Source-x86/Packages/PcFM.xml", feature_manifest("")),
            (
                "ws/Source-arm/Packages/BrokenFM.xml",
                "<FeatureManifest>".to_owned(),
            ),
        ];
        lint_one("fm-not-found", &files)
    }

    #[test]
    fn a_manifest_that_is_nowhere_is_an_error() {
        assert_eq!(
            lint(r"%BLD_DIR%\MergedFMs\BoardFM.xml"),
            [
                "error ws/Source-arm/Products/Kiosk/OEMInput.xml:2:15 `BoardFM.xml` is nowhere in the workspace"
            ],
        );
        assert_eq!(
            lint(r"%BLD_DIR%\MergedFMs\PcFM.xml").len(),
            1,
            "of another processor"
        );
    }

    #[test]
    fn what_is_found_broken_elsewhere_or_a_blank_passes() {
        for name in ["OEMFM.xml", "oemfm.XML", "BrokenFM.xml", "{BSP}FM.xml"] {
            assert!(
                lint(&format!(r"%BLD_DIR%\MergedFMs\{name}")).is_empty(),
                "{name}"
            );
        }
        let kit = r"%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml";
        assert!(lint(kit).is_empty());
    }

    #[test]
    fn a_path_out_of_the_workspace_is_a_warning() {
        assert!(lint(r"C:\kit\BoardFM.xml")[0].starts_with("warning "));
    }
}
