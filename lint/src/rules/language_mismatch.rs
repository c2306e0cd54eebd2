use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image boots in a language that it does not have
    ///
    /// ## What it checks
    /// `BootUILanguage` and `BootLocale` of an image are among the languages of `UserInterface`; case does not count. An image
    /// without such languages is left to `language-list-empty`.
    ///
    /// ## Why
    /// The boot language must be one whose resources are in the image. Microsoft says so for Windows 10 Mobile; that the
    /// imaging tools refuse it for IoT Core as well is inferred.
    ///
    /// ## Passes
    /// ```xml
    /// <UserInterface><Language>fr-FR</Language></UserInterface>
    /// <BootUILanguage>fr-FR</BootUILanguage>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <UserInterface><Language>fr-FR</Language></UserInterface>
    /// <BootUILanguage>en-US</BootUILanguage>
    /// ```
    ///
    /// ## Fix
    /// Choose one of the languages, or add this one to `UserInterface`. The fix writes the language where there is one only.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `BootUILanguage`, `BootLocale`
    struct LanguageMismatch;
    id: "language-mismatch",
    authority: "Microsoft, OEMInput file contents",
    clause: "BootUILanguage, BootLocale",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for LanguageMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let languages: Vec<&str> = input.supported_languages.user_interface.texts().collect();
            let boot = [
                (&input.boot_ui_language, "BootUILanguage"),
                (&input.boot_locale, "BootLocale"),
            ];
            for (value, name) in boot {
                let Some(found) = value else { continue };
                let value = found.value.trim();
                let is_there = languages
                    .iter()
                    .any(|language| language.eq_ignore_ascii_case(value));
                if is_there || languages.is_empty() {
                    continue;
                }
                let place = input.value(found, format!("OEMInput/{name}"));
                let known = languages.join("`, `");
                let finding = report.at(
                    place.clone(),
                    format!("`{name}` is `{value}`, the languages of the image are `{known}`"),
                );
                finding.help("choose one of the languages, or add this one to `UserInterface`");
                if let [only] = languages.as_slice() {
                    finding.fix(Fix::replace(format!("write `{only}`"), &place, *only));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(languages: &[&str], boot: &str) -> [(&'static str, String); 1] {
        let languages = languages
            .iter()
            .map(|language| format!("<Language>{language}</Language>"));
        let languages: String = languages.collect();
        let text = format!(
            "<SupportedLanguages><UserInterface>{languages}</UserInterface></SupportedLanguages>\n\
             <BootUILanguage>{boot}</BootUILanguage><BootLocale>{boot}</BootLocale>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    fn lint(languages: &[&str], boot: &str) -> Vec<String> {
        lint_one("language-mismatch", &files(languages, boot))
    }

    #[test]
    fn a_language_that_is_not_there_is_an_error() {
        assert_eq!(
            lint(&["fr-FR"], "en-US"),
            [
                "error OEMInput.xml:2:17 `BootUILanguage` is `en-US`, the languages of the image are `fr-FR`",
                "error OEMInput.xml:2:51 `BootLocale` is `en-US`, the languages of the image are `fr-FR`",
            ],
        );
        let text = fixed(
            "language-mismatch",
            &files(&["fr-FR"], "en-US"),
            "OEMInput.xml",
        );
        assert!(lint_one("language-mismatch", &[("OEMInput.xml", text)]).is_empty());
        assert_eq!(lint(&["fr-FR", "de-DE"], "en-US").len(), 2);
    }

    #[test]
    fn a_language_that_is_there_and_an_empty_list_pass() {
        assert!(lint(&["de-de", "en-us"], "en-US").is_empty());
        assert!(lint(&[], "en-US").is_empty());
    }
}
