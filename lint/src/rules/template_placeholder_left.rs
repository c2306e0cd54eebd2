use formats::source::{Source, Span};

use crate::facts::{Facts, File, XmlDocument};
use crate::lists::{Blank, blanks};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A blank of a template was not filled in
    ///
    /// ## What it checks
    /// No image input, manifest, list of manifests or product settings file has a blank of the add-on kit's templates left,
    /// such as `{BSP}` or `SiliconVendor`, outside of comments. Files with `Template` in their name are templates.
    ///
    /// ## Why
    /// The kit fills the blanks in when it makes a product or a board support package. One that was copied by hand keeps
    /// them, and nothing has such a name.
    ///
    /// ## Passes
    /// ```xml
    /// <SOC>FjordBoard_Soc</SOC>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SOC>{BSP}_Soc</SOC>
    /// ```
    ///
    /// ## Fix
    /// Write what belongs there.
    ///
    /// ## References
    /// - iot-adk-addonkit, templates
    struct TemplatePlaceholderLeft;
    id: "template-placeholder-left",
    authority: "iot-adk-addonkit",
    clause: "Templates",
    images: All,
    input: Document,
    level: Error,
    since: "0.1.0",
}

impl Rule for TemplatePlaceholderLeft {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let (inputs, others): (Vec<Blank>, Vec<Blank>) = (
            blanks().collect(),
            blanks().filter(|blank| !blank.oem_input_only).collect(),
        );
        for product in &facts.products {
            search(&product.oem_input, &inputs, report);
        }
        let documents = &facts.documents;
        documents
            .manifests
            .iter()
            .for_each(|file| search(file, &others, report));
        documents
            .fm_file_lists
            .iter()
            .for_each(|file| search(file, &others, report));
        documents
            .product_settings
            .iter()
            .for_each(|file| search(file, &others, report));
    }
}

fn search<T: XmlDocument>(file: &File<T>, blanks: &[Blank], report: &mut Report) {
    if file.name().to_lowercase().contains("template") {
        return;
    }
    let comments = file.document.comments();
    for blank in blanks {
        for span in places(&file.source, blank.text) {
            // Comments are in order, so the last one that begins before the blank is the only one that may hold it.
            let before = comments.partition_point(|comment| comment.span.start <= span.start);
            let comment = before.checked_sub(1).and_then(|last| comments.get(last));
            if comment.is_some_and(|comment| comment.span.end > span.start) {
                continue;
            }
            let route = file.document.root().name.value.clone();
            report
                .at(
                    file.place(span, route),
                    format!("the blank `{}` was not filled in", blank.text),
                )
                .help(format!("write {}", blank.meaning));
        }
    }
}

/// Where a blank stands; as a whole word where it has no braces.
fn places<'a>(source: &'a Source, blank: &'a str) -> impl Iterator<Item = Span> + 'a {
    let text = source.text();
    let part_of_word =
        |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let found = text.match_indices(blank);
    let found = found.map(|(start, blank)| (start, start.saturating_add(blank.len())));
    let whole = found.filter(move |(start, end)| {
        let before = text
            .get(..*start)
            .and_then(|before| before.chars().next_back());
        let after = text.get(*end..).and_then(|after| after.chars().next());
        blank.starts_with('{') || !(part_of_word(before) || part_of_word(after))
    });
    whole.map(|(start, end)| Span { start, end })
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    const ID: &str = "template-placeholder-left";

    #[test]
    fn blanks_are_found_in_inputs_and_manifests() {
        let input = oem_input("\n<SOC>{BSP}_Soc</SOC>\n<SV>SiliconVendor</SV>");
        let manifest = feature_manifest(
            "\n<BasePackages><PackageFile Name=\"%OEM_NAME%.COMPNAME.cab\"/></BasePackages>",
        );
        assert_eq!(
            lint_one(ID, &[("OEMInput.xml", input), ("OEMFM.xml", manifest)]),
            [
                "error OEMFM.xml:2:45 the blank `COMPNAME` was not filled in",
                "error OEMInput.xml:2:6 the blank `{BSP}` was not filled in",
                "error OEMInput.xml:3:5 the blank `SiliconVendor` was not filled in",
            ],
        );
    }

    #[test]
    fn comments_templates_and_parts_of_words_pass() {
        let input = oem_input("<!-- {BSP} --><SOC>MySUBNAMES</SOC><SV>{1234}</SV><!-- {arch} -->");
        assert!(lint_one(ID, &[("OEMInput.xml", input)]).is_empty());
        let template = oem_input("<SOC>{BSP}_Soc</SOC>");
        assert!(lint_one(ID, &[("RetailOEMInputTemplate.xml", template)]).is_empty());
        let vendor = feature_manifest(
            "<BasePackages><PackageFile Name=\"SiliconVendor.cab\"/></BasePackages>",
        );
        assert!(lint_one(ID, &[("OEMFM.xml", vendor)]).is_empty());
    }
}
