use formats::document::Kind;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A document other than an image configuration cannot be read
    ///
    /// ## What it checks
    /// Every feature manifest, package definition, provisioning file, layout, settings file, boot configuration and
    /// registry file can be read: well-formed XML in the encoding that it declares, without a document type definition,
    /// of a sensible size and depth, and readable for the user who runs this program. Where a workspace has more
    /// certificates, keys, policies, programs or payload than are looked at, the first one left out is named.
    ///
    /// ## Why
    /// What cannot be read cannot be checked. The imaging tools stop at such a file, or worse, go on without it.
    ///
    /// ## Passes
    /// ```xml
    /// <FeatureManifest xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate"/>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <FeatureManifest xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
    /// ```
    ///
    /// ## Fix
    /// Correct the file at the place that is shown, or save it in the encoding that its first line declares.
    ///
    /// ## References
    /// - W3C, "Extensible Markup Language (XML) 1.0", section 2.1
    struct DocumentNotWellFormed;
    id: "document-not-well-formed",
    authority: "W3C, XML 1.0",
    clause: "2.1 Well-Formed XML Documents",
    images: All,
    input: Document,
    level: Error,
    since: "0.1.0",
}

impl Rule for DocumentNotWellFormed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.unreadable {
            if file.kind != Some(Kind::OemInput) {
                report.at(file.place.clone(), file.problem.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    #[test]
    fn a_manifest_that_does_not_end_is_found() {
        let files = [("OEMFM.xml", "<FeatureManifest>\n<Features>")];
        let found = lint_one("document-not-well-formed", &files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("error OEMFM.xml:"), "{found:?}");
    }

    #[test]
    fn an_image_configuration_and_payload_are_not_its_concern() {
        let files = [
            ("TestOEMInput.xml", "<OEMInput>"),
            ("payload.xml", "<unfinished>"),
        ];
        assert!(lint_one("document-not-well-formed", &files).is_empty());
    }
}
