use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image takes in a package signed with a published key
    ///
    /// ## What it checks
    /// No key of a package's chain is on the list of published private keys: the samples and test certificates of the add-on kit,
    /// and this program's test certificates. Keys are found by thumbprint and by public key, so that a new certificate for an
    /// old key is found as well. Where the chain ends at a test root `test-signed-in-retail` says it all.
    ///
    /// ## Why
    /// Anyone can sign with these keys. The kit's sample workspace signs its retail packages with one of them.
    ///
    /// ## Passes
    /// A package signed with a key that only its owner has.
    ///
    /// ## Fails
    /// A package signed with `Contoso KMCI Codesigning` of the sample workspace.
    ///
    /// ## Fix
    /// Make keys of your own, replace the sample certificates in the workspace, and sign again.
    ///
    /// ## References
    /// - iot-adk-addonkit, `Tools/TestCerts` and `Workspace/Certs/private`
    struct PublishedKey;
    id: "published-key",
    authority: "iot-adk-addonkit, published private keys",
    clause: "TestCerts, Workspace/Certs/private",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for PublishedKey {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let record = signature.report()?;
            let is_test = record.anchor().is_some_and(|anchor| anchor.class.is_test());
            let listed = record.published_key.as_ref().filter(|_| !is_test)?;
            Some((
                "signer",
                format!(" is signed with a key that anyone has ({listed})"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("sign it again with a key of your own");
        }
    }
}

#[cfg(test)]
mod tests {
    const PUBLISHED: &[u8] =
        include_bytes!("../../tests/fixtures/published-key/Fjordlight.Kiosk.Agent.cab");
    const TEST: &[u8] =
        include_bytes!("../../tests/fixtures/test-signed-in-retail/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    fn lint(bytes: &[u8], image: ImageType) -> Vec<String> {
        lint_signed("published-key", &[("a.cab", bytes)], Some(image))
    }

    #[test]
    fn a_published_key_is_found_in_retail_images() {
        let found = lint(PUBLISHED, ImageType::Retail);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("proofmark: Proofmark Self-Signed"),
            "{found:?}"
        );
        assert!(lint(PUBLISHED, ImageType::Test).is_empty());
    }

    #[test]
    fn a_test_chain_is_reported_once_and_by_the_other_rule() {
        assert!(lint(TEST, ImageType::Retail).is_empty());
    }
}
