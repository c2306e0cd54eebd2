use crate::diagnostic::{Fix, Level};
use crate::facts::product::FeatureMatch;
use crate::facts::{Facts, Product};
use crate::lists::{self, Class};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature under `OEM` is in none of the listed manifests
    ///
    /// ## What it checks
    /// Every feature under `Features/OEM` is defined by a manifest of `AdditionalFMs`. While one of those manifests is not
    /// found it is a warning, because that one may define the feature. Letter case and features of Microsoft are left to
    /// other rules. A configuration outside of any workspace is not checked.
    ///
    /// ## Why
    /// The add-on kit only warns. The imaging tools fail on the feature at the end of a long build, or leave out what it
    /// stands for.
    ///
    /// ## Passes
    /// ```xml
    /// <FeatureID>KIOSK_AGENT</FeatureID>   (in OEMFM.xml)
    /// <Feature>KIOSK_AGENT</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <FeatureID>KIOSK_AGENT</FeatureID>   (in OEMFM.xml)
    /// <Feature>KIOSK_AGNET</Feature>
    /// ```
    ///
    /// ## Fix
    /// Write the identifier that the manifest has, list the manifest that defines it, or take the feature out. The fix
    /// writes the identifier that differs in at most two letters, where there is one.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`: validation of features
    struct UnknownOemFeature;
    id: "unknown-oem-feature",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct: validation of features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnknownOemFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts.products.iter().filter(|product| product.in_workspace) {
            let input = &product.oem_input;
            let not_found: Vec<_> = product.manifests_not_found().collect();
            for feature in &input.features.oem.items {
                let id = feature.text.value.as_str();
                if is_known(product, id) {
                    continue;
                }
                let place = input.item(feature);
                let none = match not_found.first() {
                    Some(_) => format!("`{id}` is in none of the manifests that were found"),
                    None => format!("`{id}` is in none of the manifests of `AdditionalFMs`"),
                };
                let finding = report.at(place.clone(), none);
                for manifest in &not_found {
                    let label = "not found, and may define it";
                    finding
                        .also(input.item(&manifest.reference), label)
                        .at_most(Level::Warning);
                }
                let defined = product
                    .manifests
                    .iter()
                    .flat_map(|manifest| manifest.features.iter());
                match nearest(id, defined) {
                    Some(near) => {
                        finding.help(format!("did you mean `{near}`?")).fix(
                            Fix::replace(format!("write `{near}`"), &place, near)
                                .map(Fix::as_guess),
                        );
                    }
                    None => {
                        finding.help("list the manifest that defines it, or take the feature out");
                    }
                }
            }
        }
    }
}

fn is_known(product: &Product, id: &str) -> bool {
    let is_microsofts = lists::feature(id).is_some_and(|known| known.class != Class::Oem);
    is_microsofts || product.known_feature(id) != FeatureMatch::None || lists::is_placeholder(id)
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fixed, lint_one, oem_input};

    fn input(features: &str, other_manifest: &str) -> [(&'static str, String); 2] {
        let text = oem_input(&format!(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM>{other_manifest}</AdditionalFMs>\
             <Features><OEM>\n<Feature>{features}</Feature></OEM></Features>"
        ));
        let manifest = "<Features><OEM><PackageFile Name=\"A.cab\"><FeatureIDs><FeatureID>KIOSK_AGENT</FeatureID>\
                        </FeatureIDs></PackageFile></OEM></Features>";
        [
            ("OEMInput.xml", text),
            ("OEMFM.xml", feature_manifest(manifest)),
        ]
    }

    fn lint(feature: &str, other_manifest: &str) -> Vec<String> {
        lint_one("unknown-oem-feature", &input(feature, other_manifest))
    }

    #[test]
    fn a_feature_of_no_manifest_is_an_error() {
        assert_eq!(
            lint("KIOSK_AGNET", ""),
            [
                "error OEMInput.xml:2:10 `KIOSK_AGNET` is in none of the manifests of `AdditionalFMs`"
            ],
        );
        let text = fixed(
            "unknown-oem-feature",
            &input("KIOSK_AGNET", ""),
            "OEMInput.xml",
        );
        assert!(text.contains("<Feature>KIOSK_AGENT</Feature>"), "{text}");
        // Microsoft's own manifest, which is not in the workspace, defines no features of others.
        let microsoft = r"<AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>";
        assert!(lint("OTHER", microsoft)[0].starts_with("error "));
    }

    #[test]
    fn while_a_manifest_is_missing_it_is_a_warning() {
        let missing = "<AdditionalFM>BoardFM.xml</AdditionalFM>";
        assert!(lint("BOARD_DRIVERS", missing)[0].starts_with("warning "));
    }

    #[test]
    fn what_is_defined_or_another_rules_business_passes() {
        for id in ["KIOSK_AGENT", "kiosk_agent", "IOT_SSH", "{BSP}_DRIVERS"] {
            assert!(lint(id, "").is_empty(), "{id}");
        }
        let alone = [("OEMInput.xml", input("OTHER", "")[0].1.clone())];
        assert!(lint_one("unknown-oem-feature", &alone).is_empty());
    }
}
