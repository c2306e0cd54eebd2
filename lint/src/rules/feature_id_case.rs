use crate::diagnostic::Fix;
use crate::facts::product::FeatureMatch;
use crate::facts::{Facts, Product};
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature differs from its definition in letter case
    ///
    /// ## What it checks
    /// Every feature is written as the manifest that defines it writes it. For features of Microsoft's, whose manifests
    /// are not in a workspace, the feature list counts.
    ///
    /// ## Why
    /// The add-on kit compares identifiers without regard to case in one place and with regard to it in another, so the same
    /// feature is known to one check and unknown to the next. One of the kit's own samples writes `CustomRPI2_DRIVERS` for
    /// `CustomRPi2_Drivers`.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_CP210x_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_CP210X_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fix
    /// Write the identifier as its definition has it, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, classes `IoTProduct` and `IoTFMXML`: comparison of identifiers
    struct FeatureIdCase;
    id: "feature-id-case",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct, IoTFMXML",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FeatureIdCase {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let features = product.oem_input.features.microsoft.items.iter();
            let microsoft = features.map(|item| (item, true));
            let features = product.oem_input.features.oem.items.iter();
            for (feature, is_microsofts) in microsoft.chain(features.map(|item| (item, false))) {
                let id = feature.text.value.as_str();
                let Some(known) = spelling(product, id, is_microsofts).filter(|known| known != id)
                else {
                    continue;
                };
                let place = product.oem_input.item(feature);
                let title = format!("write `{known}`");
                report
                    .at(place.clone(), format!("`{id}` is defined as `{known}`"))
                    .help(title.clone())
                    .fix(Fix::replace(title, &place, known));
            }
        }
    }
}

/// How the definition of a feature writes it.
fn spelling(product: &Product, id: &str, is_microsofts: bool) -> Option<String> {
    match product.known_feature(id) {
        FeatureMatch::Exact => None,
        FeatureMatch::OtherCase(known) => Some(known),
        FeatureMatch::None => {
            let listed = lists::feature(id).filter(|known| known.class != Class::Oem);
            listed
                .filter(|_| is_microsofts)
                .map(|known| known.id.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fixed, lint_one, oem_input};

    fn input(microsoft: &str, oem: &str) -> [(&'static str, String); 2] {
        let text = oem_input(&format!(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs><Features><Microsoft>\n\
             <Feature>{microsoft}</Feature></Microsoft><OEM>\n<Feature>{oem}</Feature></OEM></Features>"
        ));
        let manifest = "<Features><OEM><PackageFile Name=\"A.cab\"><FeatureIDs><FeatureID>Board_Drivers</FeatureID>\
                        </FeatureIDs></PackageFile></OEM></Features>";
        [
            ("OEMInput.xml", text),
            ("OEMFM.xml", feature_manifest(manifest)),
        ]
    }

    #[test]
    fn another_case_is_found_in_either_section_and_mended() {
        let files = input("IOT_CP210X_MAKERDRIVER", "BOARD_DRIVERS");
        assert_eq!(
            lint_one("feature-id-case", &files),
            [
                "warning OEMInput.xml:2:10 `IOT_CP210X_MAKERDRIVER` is defined as `IOT_CP210x_MAKERDRIVER`",
                "warning OEMInput.xml:3:10 `BOARD_DRIVERS` is defined as `Board_Drivers`",
            ],
        );
        let text = fixed("feature-id-case", &files, "OEMInput.xml");
        assert!(
            text.contains(">IOT_CP210x_MAKERDRIVER<") && text.contains(">Board_Drivers<"),
            "{text}"
        );
    }

    #[test]
    fn the_right_case_and_unknown_features_pass() {
        assert!(lint_one("feature-id-case", &input("IOT_SSH", "Board_Drivers")).is_empty());
        assert!(lint_one("feature-id-case", &input("IOT_OWN", "OTHER")).is_empty());
    }
}
