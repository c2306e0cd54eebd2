use formats::document::feature_manifest::Section;
use formats::document::parts::Item;

use crate::facts::{Facts, FeatureList, Product};
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature stands in the section of the others
    ///
    /// ## What it checks
    /// Features of Microsoft's feature list stand under `Features/Microsoft`; features that a listed manifest defines under
    /// `Features/OEM`, and those of the add-on kit's common packages, stand there.
    ///
    /// ## Why
    /// The imaging tools look each section up in its own manifests: Microsoft's, or those of `AdditionalFMs`. In the wrong
    /// section a feature is not known, and checks that look at one section only do not see it. Old inputs of the kit have
    /// `IOT_ENABLE_ADMIN` under `OEM`.
    ///
    /// ## Passes
    /// `<Microsoft><Feature>IOT_SSH</Feature></Microsoft>`
    ///
    /// ## Fails
    /// `<OEM><Feature>IOT_SSH</Feature></OEM>`
    ///
    /// ## Fix
    /// Move the feature to the other section. The fix comments it out in the one and adds it to the other.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `Features`
    struct FeatureWrongSection;
    id: "feature-wrong-section",
    authority: "Microsoft, OEMInput file contents",
    clause: "Features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureWrongSection {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let features = &product.oem_input.features;
            for feature in &features.microsoft.items {
                let id = feature.text.value.as_str();
                let listed = lists::feature(id).map(|known| known.class);
                let is_oem =
                    listed == Some(Class::Oem) || defines(product, Section::OemFeatures, id);
                if is_oem && listed.is_none_or(|class| class == Class::Oem) {
                    tell(
                        product,
                        feature,
                        FeatureList::Microsoft,
                        FeatureList::Oem,
                        report,
                    );
                }
            }
            for feature in &features.oem.items {
                let id = feature.text.value.as_str();
                let listed = lists::feature(id).map(|known| known.class);
                let is_microsofts = listed.is_some_and(|class| class != Class::Oem);
                if is_microsofts && !defines(product, Section::OemFeatures, id) {
                    tell(
                        product,
                        feature,
                        FeatureList::Oem,
                        FeatureList::Microsoft,
                        report,
                    );
                }
            }
        }
    }
}

fn tell(
    product: &Product,
    feature: &Item,
    found: FeatureList,
    right: FeatureList,
    report: &mut Report,
) {
    let id = feature.text.value.as_str();
    let (found, to) = (found.as_str(), right.as_str());
    report
        .at(
            product.oem_input.item(feature),
            format!("`{id}` stands under `{found}`, it belongs under `{to}`"),
        )
        .help(format!("move it to `Features/{to}`"))
        .fix(product.move_feature(feature, right));
}

fn defines(product: &Product, section: Section, id: &str) -> bool {
    let ids = product
        .manifest_files()
        .flat_map(|file| file.feature_ids(section));
    ids.into_iter()
        .any(|(_, known)| known.text.value.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, oem_manifest};

    const ID: &str = "feature-wrong-section";

    fn files(microsoft: &str, oem: &str) -> [(&'static str, String); 2] {
        let text = format!(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs><Features><Microsoft>\n\
             <Feature>{microsoft}</Feature>\n</Microsoft><OEM>\n<Feature>{oem}</Feature>\n</OEM></Features>"
        );
        [
            ("OEMInput.xml", oem_input(&text)),
            (
                "OEMFM.xml",
                oem_manifest(&[("A", "AGENT"), ("B", "IOT_CRT140")]),
            ),
        ]
    }

    #[test]
    fn features_in_the_wrong_section_are_errors_and_are_moved() {
        let files = files("AGENT", "IOT_ENABLE_ADMIN");
        assert_eq!(
            lint_one(ID, &files),
            [
                "error OEMInput.xml:2:10 `AGENT` stands under `Microsoft`, it belongs under `OEM`",
                "error OEMInput.xml:4:10 `IOT_ENABLE_ADMIN` stands under `OEM`, it belongs under `Microsoft`",
            ],
        );
        let text = fixed(ID, &files, "OEMInput.xml");
        assert!(
            lint_one(ID, &[("OEMInput.xml", &text), ("OEMFM.xml", &files[1].1)]).is_empty(),
            "{text}"
        );
        assert!(text.contains("<!-- Feature>AGENT</Feature -->"), "{text}");
    }

    #[test]
    fn the_right_section_unknown_features_and_what_a_manifest_defines_pass() {
        assert!(lint_one(ID, &files("IOT_SSH", "agent")).is_empty());
        assert!(lint_one(ID, &files("UNKNOWN", "OTHER")).is_empty());
        assert!(lint_one(ID, &files("IOT_CRT140", "IOT_CRT140")).is_empty());
        assert_eq!(lint_one(ID, &files("PROV_AUTO", "X")).len(), 1);
    }
}
