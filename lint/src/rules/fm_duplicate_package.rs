use std::collections::BTreeMap;

use formats::document::feature_manifest::PackageFile;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package is twice in a section of a feature manifest
    ///
    /// ## What it checks
    /// No section of a feature manifest (`BasePackages`, `Features/OEM`, ...) names a cabinet twice for the same board,
    /// language or resolution. The same package in `DeviceLayoutPackages` and `OEMDevicePlatformPackages` is usual.
    ///
    /// ## Why
    /// Two entries drift apart: a change of one of them has no effect, or half of one. The add-on kit refuses to add a
    /// package that is listed.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile Name="%OEM_NAME%.Kiosk.Agent.cab"><FeatureIDs><FeatureID>AGENT</FeatureID><FeatureID>DEMO</FeatureID></FeatureIDs></PackageFile>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile Name="%OEM_NAME%.Kiosk.Agent.cab"><FeatureIDs><FeatureID>AGENT</FeatureID></FeatureIDs></PackageFile>
    /// <PackageFile Name="%OEM_NAME%.Kiosk.Agent.cab"><FeatureIDs><FeatureID>DEMO</FeatureID></FeatureIDs></PackageFile>
    /// ```
    ///
    /// ## Fix
    /// Keep one entry with all its features. The fix comments out an entry that says the same as the first.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTFMXML`: adding packages
    struct FmDuplicatePackage;
    id: "fm-duplicate-package",
    authority: "iot-adk-addonkit",
    clause: "IoTFMXML: adding packages",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

/// Attributes that tell two entries of one cabinet apart.
const TELLING: &[&str] = &["Language", "Resolution", "CPUType", "Partition"];

impl Rule for FmDuplicatePackage {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in &facts.documents.manifests {
            let mut first = BTreeMap::new();
            for entry in &manifest.packages {
                let Some(name) = &entry.name else { continue };
                let lower = |text: &str| text.trim().to_lowercase();
                let selector = entry
                    .selector
                    .as_ref()
                    .map(|selector| lower(&selector.value));
                let telling = TELLING.iter().map(|name| entry.attribute(name));
                let telling: Vec<_> = telling
                    .map(|found| found.map(|found| &found.value.value))
                    .collect();
                let key = (entry.section, lower(&name.value), selector, telling);
                let Some(other) = first.get(&key).copied() else {
                    first.insert(key, entry);
                    continue;
                };
                let finding = report.at(
                    manifest.entry(entry),
                    format!("`{}` is already in this section", name.value),
                );
                finding.also(manifest.entry(other), "the first entry");
                if says_the_same(entry, other) {
                    let element = manifest.place(entry.element, entry.route.clone());
                    finding.help("remove one of the two").fix(Fix::comment_out(
                        "comment the second entry out",
                        &element,
                        &manifest.source,
                    ));
                } else {
                    finding.help("keep one entry and give it the features of both");
                }
            }
        }
    }
}

fn says_the_same(entry: &PackageFile, other: &PackageFile) -> bool {
    let path = |entry: &PackageFile| entry.path.as_ref().map(|path| path.value.to_lowercase());
    path(entry) == path(other) && entry.feature_ids.texts().eq(other.feature_ids.texts())
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fixed, lint_one, oem_manifest};

    const ID: &str = "fm-duplicate-package";

    #[test]
    fn an_entry_that_stands_twice_is_found_and_cured_where_it_says_the_same() {
        let files = [(
            "OEMFM.xml",
            oem_manifest(&[("A", "F"), ("B", "F"), ("a", "F"), ("B", "G")]),
        )];
        let wanted = |line, name| {
            format!("warning OEMFM.xml:{line}:40 `{name}.cab` is already in this section")
        };
        assert_eq!(lint_one(ID, &files), [wanted(4, "a"), wanted(5, "B")]);
        let text = fixed(ID, &files, "OEMFM.xml");
        assert!(
            text.contains("<!-- PackageFile Path=\"%PKGBLD_DIR%\" Name=\"a.cab\""),
            "{text}"
        );
        assert!(
            text.contains(
                "\n<PackageFile Path=\"%PKGBLD_DIR%\" Name=\"B.cab\"><FeatureIDs><FeatureID>G"
            ),
            "{text}"
        );
    }

    #[test]
    fn other_sections_and_boards_pass() {
        let layout = |soc| format!("<PackageFile SOC=\"{soc}\" Name=\"L.cab\"/>");
        let text = format!(
            "<DeviceLayoutPackages>{}{}</DeviceLayoutPackages><OEMDevicePlatformPackages>\
             <PackageFile Device=\"A\" Name=\"L.cab\"/></OEMDevicePlatformPackages>",
            layout("A"),
            layout("B"),
        );
        assert!(lint_one(ID, &[("OEMFM.xml", feature_manifest(&text))]).is_empty());
    }
}
