use std::collections::BTreeMap;

use formats::document::parts::{Item, List};

use crate::diagnostic::Fix;
use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image configuration names the same thing twice
    ///
    /// ## What it checks
    /// No list of an `OEMInput.xml` has the same entry twice, letter case aside: features, manifests, languages, resolutions,
    /// packages. A feature that stands under `Microsoft` and under `OEM` is one of them.
    ///
    /// ## Why
    /// Somebody who switches off the one entry does not see that the other is still there. The kit's commands refuse to add
    /// an entry twice, an editor does not.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_SSH</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_SSH</Feature>
    /// <Feature>IOT_SSH</Feature>
    /// ```
    ///
    /// ## Fix
    /// Take the second entry out. The fix comments it out.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTOemInputXML`: adding of features and manifests
    struct OeminputDuplicateEntry;
    id: "oeminput-duplicate-entry",
    authority: "iot-adk-addonkit",
    clause: "IoTOemInputXML",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for OeminputDuplicateEntry {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let languages = &input.supported_languages;
            let lists: [&[&List]; 7] = [
                &[&input.features.microsoft, &input.features.oem],
                &[&input.additional_fms],
                &[&languages.user_interface],
                &[&languages.keyboard],
                &[&languages.speech],
                &[&input.resolutions],
                &[&input.package_files],
            ];
            for list in lists {
                search(product, list.iter().flat_map(|list| &list.items), report);
            }
        }
    }
}

fn search<'a>(product: &Product, items: impl Iterator<Item = &'a Item>, report: &mut Report) {
    let input = &product.oem_input;
    let mut seen: BTreeMap<String, &Item> = BTreeMap::new();
    for item in items.filter(|item| !item.text.value.is_empty()) {
        let first = *seen.entry(item.text.value.to_lowercase()).or_insert(item);
        if std::ptr::eq(first, item) {
            continue;
        }
        let title = format!("comment `{}` out", item.text.value);
        report
            .at(
                input.item(item),
                format!("`{}` is named twice", item.text.value),
            )
            .also(input.item(first), "here it is named first")
            .help("take one of them out")
            .fix(Fix::comment_out(title, &input.element(item), &input.source));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "oeminput-duplicate-entry";

    fn files(body: &str) -> [(&'static str, String); 1] {
        [("OEMInput.xml", oem_input(body))]
    }

    #[test]
    fn the_second_of_two_is_found_in_one_list_and_across_sections() {
        let twice = files(
            "<AdditionalFMs><AdditionalFM>A</AdditionalFM>\n<AdditionalFM>a</AdditionalFM></AdditionalFMs>\
             <Features><Microsoft><Feature>X</Feature></Microsoft><OEM>\n<Feature>X</Feature></OEM></Features>",
        );
        assert_eq!(
            lint_one(ID, &twice),
            [
                "warning OEMInput.xml:2:15 `a` is named twice",
                "warning OEMInput.xml:3:10 `X` is named twice",
            ],
        );
        let text = fixed(ID, &twice, "OEMInput.xml");
        assert!(
            text.contains("<!-- AdditionalFM>a</AdditionalFM -->"),
            "{text}"
        );
        assert!(lint_one(ID, &[("OEMInput.xml", text)]).is_empty());
    }

    #[test]
    fn the_same_language_in_two_lists_and_empty_entries_pass() {
        let language = "<Language>en-us</Language>";
        let body = format!(
            "<SupportedLanguages><Keyboard>{language}</Keyboard><Speech>{language}</Speech></SupportedLanguages>\
             <Features><OEM><Feature/><Feature/></OEM></Features>"
        );
        assert!(lint_one(ID, &files(&body)).is_empty());
    }
}
