use formats::document::feature_manifest::{FeatureManifest, Section};
use formats::document::parts::Attribute;
use formats::source::Span;

use crate::diagnostic::Fix;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package entry has an attribute that is for Microsoft only
    ///
    /// ## What it checks
    /// The entries of the manufacturer's manifests have none of the attributes `ID`, `NoBasePackage`, `CPUType`, `Partition`
    /// and `FeatureIdentifierPackage`. What the feature merger wrote does not count.
    ///
    /// ## Why
    /// The tools set them on what they make. An entry that was copied from merged output keeps a role it has lost, and the
    /// add-on kit takes `FeatureIdentifierPackage` away when it imports a board support package.
    ///
    /// ## Passes
    /// `<PackageFile Path="%BSPPKG_DIR%" Name="Vendor.Board.GPIO.cab"/>`
    ///
    /// ## Fails
    /// `<PackageFile Path="%BSPPKG_DIR%" Name="Vendor.Board.GPIO.cab" FeatureIdentifierPackage="true"/>`
    ///
    /// ## Fix
    /// Remove the attribute, which the fix does.
    ///
    /// ## References
    /// - Feature manifest file contents: `PackageFile`
    struct FmInternalAttribute;
    id: "fm-internal-attribute",
    authority: "Microsoft, feature manifest file contents",
    clause: "PackageFile",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

/// The attributes.
const INTERNAL: &[&str] = &[
    "ID",
    "NoBasePackage",
    "CPUType",
    "Partition",
    "FeatureIdentifierPackage",
];

impl Rule for FmInternalAttribute {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            for entry in &manifest.packages {
                for attribute in &entry.attributes {
                    let name = attribute.name.value.as_str();
                    // There it is what selects the package.
                    let selects = entry.section == Section::Cpu && name == "CPUType";
                    if selects || !INTERNAL.contains(&name) {
                        continue;
                    }
                    report
                        .at(
                            manifest.value(&attribute.name, entry.route.clone()),
                            format!("`{name}` is for Microsoft's manifests only"),
                        )
                        .help("remove the attribute")
                        .fix(remove(manifest, attribute));
                }
            }
        }
    }
}

/// Removes an attribute with the blank before it.
fn remove(manifest: &File<FeatureManifest>, attribute: &Attribute) -> Option<Fix> {
    let before = manifest.source.text().get(..attribute.name.span.start)?;
    let start = before.trim_end().len();
    let end = attribute.value.span.end.checked_add(1)?;
    let place = manifest.place(Span { start, end }, "");
    Fix::replace(format!("remove `{}`", attribute.name.value), &place, "")
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fixed, lint_one};

    const ID: &str = "fm-internal-attribute";

    #[test]
    fn the_attribute_goes_and_the_entry_stays() {
        let text = "<BasePackages>\n<PackageFile Name=\"A.cab\" FeatureIdentifierPackage='true' />\n</BasePackages>\
                    <CPUPackages><PackageFile Name=\"B.cab\" CPUType=\"ARM\"/></CPUPackages>";
        let files = [("OEMFM.xml", feature_manifest(text))];
        let wanted =
            "warning OEMFM.xml:2:27 `FeatureIdentifierPackage` is for Microsoft's manifests only";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, "OEMFM.xml").contains("\n<PackageFile Name=\"A.cab\" />"));
        assert!(lint_one(ID, &[("MergedFMs/OEMFM.xml", feature_manifest(text))]).is_empty());
    }
}
