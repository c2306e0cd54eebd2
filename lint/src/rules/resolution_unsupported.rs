use std::collections::BTreeSet;

use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image wants a resolution that its manifests do not support
    ///
    /// ## What it checks
    /// Every `Resolution` of an image is among `SupportedResolutions` of the lists of manifests (`*FMFileList.xml`) that name the
    /// image's manifests. Where no list names one, or no list has resolutions, nothing is checked.
    ///
    /// ## Why
    /// The feature merger makes packages for the resolutions of the list. For another one there are none.
    ///
    /// ## Passes
    /// ```xml
    /// <SupportedResolutions><Resolution>1024x768</Resolution></SupportedResolutions>   (in the list)
    /// <Resolutions><Resolution>1024x768</Resolution></Resolutions>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SupportedResolutions><Resolution>1024x768</Resolution></SupportedResolutions>   (in the list)
    /// <Resolutions><Resolution>1920x1080</Resolution></Resolutions>
    /// ```
    ///
    /// ## Fix
    /// Choose a supported resolution, or add this one to the lists and merge the features again.
    ///
    /// ## References
    /// - iot-adk-addonkit, lists of feature manifests
    struct ResolutionUnsupported;
    id: "resolution-unsupported",
    authority: "iot-adk-addonkit",
    clause: "FMFileList: SupportedResolutions",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ResolutionUnsupported {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let supported = supported(facts, product);
            if supported.is_empty() {
                continue;
            }
            let input = &product.oem_input;
            for item in &input.resolutions.items {
                let value = item.text.value.as_str();
                if !supported
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(value))
                {
                    let known = supported.iter().copied().collect::<Vec<_>>().join("`, `");
                    report
                        .at(input.item(item), format!("the resolution `{value}` is not one of `{known}`"))
                        .help("choose a supported resolution, or add this one to the lists of manifests");
                }
            }
        }
    }
}

/// The resolutions of all lists that name a manifest of the product.
fn supported<'a>(facts: &'a Facts<'_>, product: &'a Product) -> BTreeSet<&'a str> {
    let manifests = product.manifests.iter();
    let listed = manifests.flat_map(|manifest| facts.listed(manifest.name(), product.arch));
    listed
        .flat_map(|(list, _)| list.supported_resolutions.texts())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(resolution: &str, listed: &str, supported: &str) -> Vec<String> {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Resolutions>\n<Resolution>{resolution}</Resolution></Resolutions>"
        );
        let list = format!(
            "<FMCollectionManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\"><FMs>\
             <FM Path=\"$(FMDirectory)\\{listed}\"/></FMs><SupportedResolutions>{supported}</SupportedResolutions>\
             </FMCollectionManifest>"
        );
        let files = [
            ("OEMInput.xml", oem_input(&input)),
            ("OEMFM.xml", feature_manifest("")),
            ("OEMFMFileList.xml", list),
        ];
        lint_one("resolution-unsupported", &files)
    }

    const ONE: &str = "<Resolution>1024x768</Resolution>";

    #[test]
    fn a_resolution_that_no_list_has_is_warned_of() {
        let wanted =
            "warning OEMInput.xml:2:13 the resolution `1920x1080` is not one of `1024x768`";
        assert_eq!(lint("1920x1080", "oemfm.xml", ONE), [wanted]);
    }

    #[test]
    fn a_listed_one_and_lists_that_say_nothing_pass() {
        assert!(lint("1024X768", "OEMFM.xml", ONE).is_empty());
        assert!(lint("1920x1080", "OtherFM.xml", ONE).is_empty());
        assert!(lint("1920x1080", "OEMFM.xml", "").is_empty());
    }
}
