use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A chain is Microsoft's by name only
    ///
    /// ## What it checks
    /// Where a certificate of a package's chain has "Microsoft" in its name, the chain ends at a key that is known to be
    /// Microsoft's.
    ///
    /// ## Why
    /// The add-on kit accepts every issuer whose name contains "Microsoft". Anyone can make a certificate of that name, so for
    /// this check a look-alike is the attack and not a mistake.
    ///
    /// ## Passes
    /// A chain that ends at the key of a Microsoft root.
    ///
    /// ## Fails
    /// A leaf issued by a self-made "Microsoft Windows Production PCA".
    ///
    /// ## Fix
    /// Find out where the package comes from. Sign it with a certificate of your own if it is yours.
    ///
    /// ## References
    /// - iot-adk-addonkit, Test-IoTSignature: accepts issuers by name
    struct IssuerNameOnlyMatch;
    id: "issuer-name-only-match",
    authority: "iot-adk-addonkit, Test-IoTSignature",
    clause: "issuer contains Microsoft",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for IssuerNameOnlyMatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let chain = signature.report()?.chain.as_ref()?;
            let is_microsoft = chain.anchor().is_some_and(|anchor| {
                matches!(
                    anchor.class,
                    TrustClass::MicrosoftProduction
                        | TrustClass::MicrosoftTest
                        | TrustClass::CrossSigned
                )
            });
            let names = chain.certificates.iter();
            let mut names = names.flat_map(|c| [&c.subject.common_name, &c.issuer.common_name]);
            let name = names.find(|name| name.to_lowercase().contains("microsoft"));
            let name = name.filter(|_| !is_microsoft)?;
            let end = match chain.anchor() {
                Some(anchor) => format!("{} ({})", anchor.name, anchor.class),
                None => "no known root".to_owned(),
            };
            Some((
                "chain",
                format!(" is signed under the name `{name}`, and its chain ends at {end}"),
            ))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("the name proves nothing: find out who signed it");
        }
    }
}

#[cfg(test)]
mod tests {
    const LOOKALIKE: &[u8] =
        include_bytes!("../../tests/fixtures/issuer-name-only-match/Fjordlight.Kiosk.Agent.cab");
    const OWN: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_signed;

    #[test]
    fn a_look_alike_is_found() {
        let files = [("a.cab", LOOKALIKE)];
        let found = lint_signed("issuer-name-only-match", &files, Some(ImageType::Retail));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("Microsoft") && found[0].ends_with("no known root"),
            "{found:?}"
        );
    }

    #[test]
    fn other_names_are_somebody_elses_business() {
        let files = [("a.cab", OWN)];
        assert!(lint_signed("issuer-name-only-match", &files, Some(ImageType::Retail)).is_empty());
    }
}
