use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image has no language for its user interface
    ///
    /// ## What it checks
    /// `SupportedLanguages/UserInterface` of an image has at least one `Language`, and none that is empty.
    ///
    /// ## Why
    /// The schema requires it: the packages of a language are what is shown on the screen.
    ///
    /// ## Passes
    /// ```xml
    /// <UserInterface><Language>en-us</Language></UserInterface>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <UserInterface />
    /// ```
    ///
    /// ## Fix
    /// Name the languages of the image.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `SupportedLanguages`
    struct LanguageListEmpty;
    id: "language-list-empty",
    authority: "Microsoft, OEMInput file contents",
    clause: "SupportedLanguages",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for LanguageListEmpty {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let list = &input.supported_languages.user_interface;
            let help = "name a language, e.g. `<Language>en-us</Language>`";
            for item in list.items.iter().filter(|item| item.text.value.is_empty()) {
                report
                    .at(
                        input.item(item),
                        "a `Language` of the user interface is empty",
                    )
                    .help(help);
            }
            if list.items.is_empty() {
                let place = input.list(list, "OEMInput/SupportedLanguages/UserInterface");
                report
                    .at(
                        place.unwrap_or_else(|| input.root_place()),
                        "no `Language` for the user interface",
                    )
                    .help(help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(body: &str) -> Vec<String> {
        lint_one("language-list-empty", &[("OEMInput.xml", oem_input(body))])
    }

    #[test]
    fn no_list_an_empty_one_and_an_empty_language_are_errors() {
        assert_eq!(
            lint(""),
            ["error OEMInput.xml:1:2 no `Language` for the user interface"]
        );
        let list = |content| {
            format!(
                "\n<SupportedLanguages><UserInterface>{content}</UserInterface></SupportedLanguages>"
            )
        };
        assert_eq!(
            lint(&list("")),
            ["error OEMInput.xml:2:21 no `Language` for the user interface"]
        );
        assert_eq!(
            lint(&list("<Language/>")),
            ["error OEMInput.xml:2:36 a `Language` of the user interface is empty"],
        );
    }

    #[test]
    fn a_language_is_enough() {
        let list = "<SupportedLanguages><UserInterface><Language>en-us</Language></UserInterface></SupportedLanguages>";
        assert!(lint(list).is_empty());
    }
}
