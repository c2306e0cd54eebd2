use crate::diagnostic::Fix;
use crate::facts::{Facts, FeatureList};
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A language of speech has no speech data in the image
    ///
    /// ## What it checks
    /// For every language of `SupportedLanguages/Speech` other than `en-US`, whose data are part of every image, an image of IoT
    /// Core selects the feature `IOT_SPEECHDATA_<language>`.
    ///
    /// ## Why
    /// IoT Core brings the data for recognising and speaking a language by a feature. Without it the language is named and
    /// cannot be used.
    ///
    /// ## Passes
    /// ```xml
    /// <Speech><Language>fr-FR</Language></Speech>
    /// <Feature>IOT_SPEECHDATA_FR_FR</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Speech><Language>fr-FR</Language></Speech>
    /// <!-- Feature>IOT_SPEECHDATA_FR_FR</Feature -->
    /// ```
    ///
    /// ## Fix
    /// Choose the feature, or take the language out of `Speech`. The fix adds the feature, where there is one.
    ///
    /// ## References
    /// - IoT Core feature list, "Speech data"
    struct SpeechLanguageWithoutFeature;
    id: "speech-language-without-feature",
    authority: "Microsoft, IoT Core feature list",
    clause: "Speech data",
    images: All,
    input: OemInput,
    level: Info,
    since: "0.1.0",
}

impl Rule for SpeechLanguageWithoutFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let input = &product.oem_input;
            for item in &input.supported_languages.speech.items {
                let language = item.text.value.as_str();
                if language.is_empty() || language.eq_ignore_ascii_case("en-US") {
                    continue;
                }
                let id = format!(
                    "IOT_SPEECHDATA_{}",
                    language.replace('-', "_").to_uppercase()
                );
                if product.feature(&id).is_some() {
                    continue;
                }
                let finding = report.at(
                    input.item(item),
                    format!("no `{id}` for the language `{language}` of speech"),
                );
                if lists::feature(&id).is_some() {
                    finding
                        .help(format!(
                            "choose `{id}`, or take the language out of `Speech`"
                        ))
                        .fix(
                            product
                                .choose(FeatureList::Microsoft, &id)
                                .map(Fix::as_guess),
                        );
                } else {
                    finding.help("take the language out of `Speech`: IoT Core has no data for it");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(language: &str, feature: &str) -> [(&'static str, String); 1] {
        let text = format!(
            "<SupportedLanguages><Speech>\n<Language>{language}</Language></Speech></SupportedLanguages>\
             <Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    const ID: &str = "speech-language-without-feature";

    #[test]
    fn a_language_without_its_data_is_told_and_mended() {
        let french = files("fr-FR", "IOT_SSH");
        let wanted =
            "info OEMInput.xml:2:11 no `IOT_SPEECHDATA_FR_FR` for the language `fr-FR` of speech";
        assert_eq!(lint_one(ID, &french), [wanted]);
        assert!(
            fixed(ID, &french, "OEMInput.xml")
                .contains("\n<Feature>IOT_SPEECHDATA_FR_FR</Feature>")
        );
        let finnish = files("fi-FI", "IOT_SSH");
        assert_eq!(lint_one(ID, &finnish).len(), 1);
        assert!(
            !fixed(ID, &finnish, "OEMInput.xml").contains("FI_FI"),
            "there is no such feature"
        );
    }

    #[test]
    fn american_english_a_language_with_its_data_and_other_systems_pass() {
        assert!(lint_one(ID, &files("en-us", "IOT_SSH")).is_empty());
        assert!(lint_one(ID, &files("de-DE", "IOT_SPEECHDATA_DE_DE")).is_empty());
        assert!(lint_one(ID, &files("de-DE", "MOBILE")).is_empty());
    }
}
