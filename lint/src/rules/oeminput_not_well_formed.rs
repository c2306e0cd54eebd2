use formats::document::Kind;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image configuration cannot be read
    ///
    /// ## What it checks
    /// Every `OEMInput.xml` is well-formed XML, its bytes are in the encoding that it declares, it has no document type
    /// definition, and it is not of an absurd size or depth.
    ///
    /// ## Why
    /// The imaging tools stop at such a file, and nothing else can be said about the product. A file that is taken for
    /// something by one tool and refused by another is worse than none.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_SSH</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_BERTHA</Feature -->
    /// ```
    ///
    /// ## Fix
    /// Correct the XML at the place that is shown. A common cause is a comment of which only one end was removed.
    ///
    /// ## References
    /// - W3C, "Extensible Markup Language (XML) 1.0", section 2.1
    struct OeminputNotWellFormed;
    id: "oeminput-not-well-formed",
    authority: "W3C, XML 1.0",
    clause: "2.1 Well-Formed XML Documents",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for OeminputNotWellFormed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.unreadable {
            if file.kind == Some(Kind::OemInput) {
                report.at(file.place.clone(), file.problem.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    #[test]
    fn half_a_comment_is_found_where_reading_stops() {
        let text = oem_input("\n<Features>\n<Feature>IOT_BERTHA</Feature -->\n</Features>");
        let found = lint_one("oeminput-not-well-formed", &[("RetailOEMInput.xml", &text)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("error RetailOEMInput.xml:3:"),
            "{found:?}"
        );
    }

    #[test]
    fn a_well_formed_input_passes_and_other_documents_are_not_its_concern() {
        let good = oem_input("<!-- Feature>IOT_SSH</Feature -->");
        let files = [
            ("RetailOEMInput.xml", good.as_str()),
            ("OEMFM.xml", "<FeatureManifest>"),
        ];
        assert!(lint_one("oeminput-not-well-formed", &files).is_empty());
    }
}
