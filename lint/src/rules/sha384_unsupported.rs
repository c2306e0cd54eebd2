use formats::oid::Oid;
use signer::anchor::TrustClass;
use signer::digest::DigestAlgorithm;
use signer::public_key::named_digest;

use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail package hangs on a certificate that is signed with SHA-384 or SHA-512
    ///
    /// ## What it checks
    /// No certificate of a chain in a retail image of IoT Core, Microsoft's chains and the root excepted, is signed with
    /// SHA-384 or SHA-512. The digest of the file itself is not asked.
    ///
    /// ## Why
    /// Users report that drivers signed under such certificates do not load on IoT Core, though they verify on the desk.
    /// Microsoft's documents say nothing of it, so it is a warning.
    ///
    /// ## Passes
    /// A certificate signed with SHA-256.
    ///
    /// ## Fails
    /// A certificate signed with SHA-384.
    ///
    /// ## Fix
    /// Ask the authority for a chain that is signed with SHA-256.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 358
    struct Sha384Unsupported;
    id: "sha384-unsupported",
    authority: "iot-adk-addonkit",
    clause: "issue 358",
    images: [Retail],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for Sha384Unsupported {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let others = |product: &&&crate::facts::Product| !product.is_iot_core();
        if !facts.products.is_empty() && facts.products.iter().all(|product| others(&product)) {
            return;
        }
        for found in facts.shared(defect) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("ask for certificates that are signed with SHA-256");
        }
    }
}

fn defect(signature: &Signature) -> Option<Defect> {
    let chain = signature.report()?.chain.as_ref()?;
    if signature.class() == Some(TrustClass::MicrosoftProduction) {
        return None;
    }
    let below = chain.certificates.iter().filter(|c| !c.is_self_issued());
    let mut long = below.filter_map(|certificate| {
        let digest = named_digest(Oid(&certificate.signature_algorithm))?;
        (digest > DigestAlgorithm::Sha256).then_some((certificate, digest))
    });
    let (certificate, digest) = long.next()?;
    let name = &certificate.subject.common_name;
    Some((
        "chain",
        format!(": the certificate of {name} is signed with {digest}, expected SHA-256"),
    ))
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/sha384-unsupported/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "sha384-unsupported",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(found[0].contains("is signed with SHA-384"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
