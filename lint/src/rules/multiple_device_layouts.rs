use std::collections::BTreeMap;
use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile, Section};

use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// One `SOC` chooses two device layouts
    ///
    /// ## What it checks
    /// In the manifests that an image lists, and in each manifest by itself, no value of `SOC` in `DeviceLayoutPackages` is given
    /// to two different packages.
    ///
    /// ## Why
    /// A device has one layout. Which of two gets into the image is not defined. No source says so in words; it follows from
    /// what the section is for.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile SOC="FjordBoard" Name="%OEM_NAME%.FjordBoard.Layout4GB.cab" ... />
    /// <PackageFile SOC="FjordBoard-8" Name="%OEM_NAME%.FjordBoard.Layout8GB.cab" ... />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile SOC="FjordBoard" Name="%OEM_NAME%.FjordBoard.Layout4GB.cab" ... />
    /// <PackageFile SOC="FjordBoard" Name="%OEM_NAME%.FjordBoard.Layout8GB.cab" ... />
    /// ```
    ///
    /// ## Fix
    /// Give one of the packages another `SOC`, or take it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Feature manifest file contents": `DeviceLayoutPackages`
    struct MultipleDeviceLayouts;
    id: "multiple-device-layouts",
    authority: "Microsoft, Feature manifest file contents",
    clause: "DeviceLayoutPackages",
    images: All,
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for MultipleDeviceLayouts {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in &facts.documents.manifests {
            search([manifest].into_iter(), report);
        }
        for product in &facts.products {
            search(product.manifest_files(), report);
        }
    }
}

type Manifest = Arc<File<FeatureManifest>>;

/// Finds every value that was given to another package before.
fn search<'a>(manifests: impl Iterator<Item = &'a Manifest>, report: &mut Report) {
    let entries = manifests.flat_map(|file| {
        file.section(Section::DeviceLayout)
            .map(move |entry| (file, entry))
    });
    let mut seen: BTreeMap<String, (&Manifest, &PackageFile)> = BTreeMap::new();
    for (file, entry) in entries {
        let (Some(selector), Some(name)) = (&entry.selector, &entry.name) else {
            continue;
        };
        for soc in selector.value.split(';').map(str::trim) {
            let (first_file, first) = *seen.entry(soc.to_lowercase()).or_insert((file, entry));
            let first_name = first.name.as_ref().map_or("", |name| name.value.trim());
            if first_name.eq_ignore_ascii_case(name.value.trim()) {
                continue;
            }
            let place = first
                .selector
                .as_ref()
                .map_or(first.element, |selector| selector.span);
            report
                .at(
                    file.value(selector, format!("{}/@SOC", entry.route)),
                    format!(
                        "`{soc}` chooses `{}`, and `{first_name}` as well",
                        name.value
                    ),
                )
                .also(
                    first_file.place(place, format!("{}/@SOC", first.route)),
                    "here it chooses the other layout",
                )
                .help("give one of the packages another `SOC`, or take it out");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn manifest(entries: &[(&str, &str)]) -> String {
        let entry = |(soc, name): &(&str, &str)| {
            format!("\n<PackageFile SOC=\"{soc}\" Name=\"{name}.cab\"/>")
        };
        let entries: String = entries.iter().map(entry).collect();
        feature_manifest(&format!(
            "<DeviceLayoutPackages>{entries}</DeviceLayoutPackages>"
        ))
    }

    fn lint(board: &[(&str, &str)], oem: &[(&str, &str)]) -> Vec<String> {
        let input = "<AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
        let files = [
            ("OEMInput.xml", oem_input(input)),
            ("BoardFM.xml", manifest(board)),
            ("OEMFM.xml", manifest(oem)),
        ];
        lint_one("multiple-device-layouts", &files)
    }

    #[test]
    fn one_soc_with_two_layouts_is_an_error_in_one_manifest_and_in_two() {
        let wanted = "error BoardFM.xml:3:19 `b` chooses `Y.cab`, and `X.cab` as well";
        assert_eq!(lint(&[("A;B", "X"), ("b", "Y")], &[]), [wanted]);
        let wanted = "error OEMFM.xml:2:19 `A` chooses `Y.cab`, and `X.cab` as well";
        assert_eq!(lint(&[("A", "X")], &[("A", "Y")]), [wanted]);
    }

    #[test]
    fn one_layout_each_or_the_same_twice_passes() {
        assert!(lint(&[("A", "X"), ("B", "Y")], &[("A", "x")]).is_empty());
    }
}
